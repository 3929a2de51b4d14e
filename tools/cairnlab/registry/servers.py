"""Real servers on loopback for tests, demo and benchmarks: started, waited for and stopped here.

Every server is a context manager, lives in a directory of the caller's, listens on 127.0.0.1 only,
and is stopped by its own process id.
"""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

# Loopback is never a proxy's business, whatever the user's environment says.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process=None, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"no server answers on port {port}")


def fetch(url):
    """A document of a registry on loopback."""
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


@contextlib.contextmanager
def running(command, log, port):
    """A server process, from its first accepted connection until the end of the block."""
    with open(log, "ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_for_port(port, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def make_certificate(folder, name="server", days=30, address="127.0.0.1"):
    """A self-signed certificate for localhost and an address; returns (certificate, key).

    Negative days: expired.
    """
    folder = pathlib.Path(folder)
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    subject, extensions = "/CN=localhost", f"subjectAltName=DNS:localhost,IP:{address}"
    if days > 0:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", subject,
             "-addext", extensions, "-keyout", key, "-out", certificate], **quiet)
    else:
        request, extension_file = folder / f"{name}.csr", folder / f"{name}.ext"
        subprocess.run(
            ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", key, "-out",
             request],
            **quiet)
        extension_file.write_text(extensions + "\n")
        subprocess.run(
            ["openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", str(days), "-extfile",
             extension_file, "-out", certificate], **quiet)
    return certificate, key


@contextlib.contextmanager
def docker_registry(folder, token=None, data=None, proxy=None):
    """Debian's docker-registry; yields its port.

    `token` is (realm, service, issuer, certificate); `data` is where its blobs are, if not in `folder`;
    `proxy` the URL of a registry that it fetches from what it has not.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    auth = ""
    if token:
        realm, service, issuer, certificate = token
        auth = (f"auth: {{token: {{realm: '{realm}', service: '{service}', issuer: '{issuer}', "
                f"rootcertbundle: '{certificate}'}}}}\n")
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {accesslog: {disabled: true}, level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: '{data or folder / 'data'}'}}, delete: {{enabled: "
        f"true}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', secret: test, relativeurls: true}}\n" + auth
        + (f"proxy: {{remoteurl: '{proxy}'}}\n" if proxy else ""))
    with running(["docker-registry", "serve", str(config)], folder / "log", port):
        yield port


@contextlib.contextmanager
def nginx(folder, http_section, port, workers=1, access_log="off"):
    """An nginx with the given `http` section; runs in the foreground as a child of this process."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log warn;\n"
        + ("user root;\n" if os.getuid() == 0 else "")
        + "events { worker_connections 1024; }\n"
        "http {\nlog_format c '$connection $status $request_uri $request_method $body_bytes_sent $msec "
        "$request_time';\n"
        f"access_log {access_log}; sendfile on; tcp_nopush on; keepalive_timeout 60; keepalive_requests "
        f"100000;\n"
        f"server_tokens off; client_max_body_size 0; {temporary}{http_section}\n}}\n")
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with running([program, "-p", str(folder), "-c", str(config)], folder / "log", port):
        yield


def throttled(port, registry, limit):
    """nginx's section for a proxy that gives each connection `limit` bytes a second of a registry's
    answers.
    """
    return (
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{registry};\n"
        f"proxy_set_header Host $http_host; limit_rate {limit}; }} }}")


class TokenServer:
    """A small token server for docker-registry's `auth: token`: anonymous pulls, passwords, identity tokens.

    It issues tokens for every repository but those under `private/`, which want `user:secret`
    or the identity token `identity`. `lifetime` is in seconds.
    """

    service, issuer = "test-registry", "test-issuer"

    def __init__(self, folder, lifetime=300, tokens_work_for=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = make_certificate(self.folder, "token")
        self.lifetime = lifetime
        self.requests = 0
        self.port = free_port()

    @property
    def realm(self):
        return f"http://127.0.0.1:{self.port}/token"

    def jwt(self, scopes, user):
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        der = subprocess.run(
            ["openssl", "x509", "-in", self.certificate, "-outform", "DER"], capture_output=True,
            check=True).stdout
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        claims = {"iss": self.issuer, "aud": self.service, "sub": user, "exp": now + self.lifetime,
                  "nbf": now - 5, "iat": now, "jti": hashlib.sha256(os.urandom(8)).hexdigest(),
                  "access": access}
        text = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key], input=text, capture_output=True,
            check=True).stdout
        return (text + b"." + part(signature)).decode()

    def answer(self, handler, query, user):
        self.requests += 1
        scopes = [scope for value in query.get("scope", []) for scope in value.split(" ") if scope]
        if any(":private/" in scope for scope in scopes) and user is None:
            handler.reply(401,
                          {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user name or password"}]})
            return
        handler.reply(200, {"token": self.jwt(scopes, user or ""), "expires_in": self.lifetime})

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                parts = urllib.parse.urlsplit(self.path)
                authorization = self.headers.get("Authorization", "")
                user = None
                if authorization.startswith("Basic "):
                    name, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
                    if (name, password) != ("user", "secret"):
                        self.reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]})
                        return
                    user = name
                outer.answer(self, urllib.parse.parse_qs(parts.query), user)

            def do_POST(self):
                form = urllib.parse.parse_qs(
                        self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
                if form.get("refresh_token") != ["identity"]:
                    self.reply(401, {"error": "invalid_grant", "error_description": "unknown refresh token"})
                    return
                outer.answer(self, form, "user")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()
