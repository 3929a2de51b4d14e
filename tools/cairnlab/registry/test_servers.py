"""Runs a command with real servers on loopback around it, named in its environment.

    tools/with-servers swift test

    CAIRN_TEST_REGISTRY   docker-registry, plain HTTP, with the images below
    CAIRN_TEST_TLS        nginx with TLS in front of it; CAIRN_TEST_CA is its certificate
    CAIRN_TEST_MUTUAL     nginx that says who asks, by CAIRN_TEST_CLIENT and CAIRN_TEST_CLIENT_KEY, and on
                          which connection
    CAIRN_TEST_EXPIRED    as CAIRN_TEST_TLS with a certificate that has expired, CAIRN_TEST_EXPIRED_CA
    CAIRN_TEST_STRICT     nginx with TLS in front of the registry for those who show CAIRN_TEST_CLIENT
    CAIRN_TEST_OLDER      nginx that offers HTTP/2, and answers it with the status in the path (421, 426, 505)
    CAIRN_TEST_FLOOD_...  GOAWAY, DATA: frames of HTTP/2 without a pause
    CAIRN_TEST_REDIRECT   nginx that redirects blobs to another origin
    CAIRN_TEST_LIMITED    nginx that allows 3 connections (429 beyond) at 2 MB/s each
    CAIRN_TEST_SLOW       nginx that gives every connection 1 MB/s
    CAIRN_TEST_TOKEN      docker-registry with token authorization; private/ wants user:secret
    CAIRN_TEST_SMALL_DISK a file system of 16 MiB, where this user may mount one
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from cairnlab.registry import flood, images, servers
from cairnlab.registry.images import Recipe, sizes

IMAGES = [
    ("demo:latest", Recipe(sizes("3M,1M,200K,0"), platforms=("linux/amd64", "linux/arm64", "linux/arm/v7"))),
    ("proj/demo:latest", Recipe(sizes("300K,100K"))),
    ("docker:latest", Recipe(sizes("1M,300K"), flavour="docker", platforms=("linux/amd64", "linux/arm64"))),
    ("zstd:latest", Recipe(sizes("1M,100K"), compression="zstd")),
    ("plain:latest", Recipe(sizes("400K,0,0"), compression="none")),
    ("shared:one", Recipe(sizes("6M,1M"), seed="shared")),
    ("shared:two", Recipe(sizes("6M,1M,2M"), seed="shared")),
    ("artifact:latest", Recipe(sizes(","), artifact=True)),
    ("big:latest", Recipe(sizes("12M,4M"), seed="big")),
    ("huge:latest", Recipe(sizes("60M,20M,10M,2M,1M"), seed="huge")),
]


def push(host, made, creds=None):
    for name, recipe in made:
        images.push(f"{host}/{name}", recipe, creds)


def proxy(port, registry, extra="", blobs=""):
    return (
        f"server {{ listen 127.0.0.1:{port}{extra}\n"
        f"location / {{ proxy_pass http://127.0.0.1:{registry}; proxy_set_header Host $http_host;\n"
        f"proxy_set_header X-Forwarded-Proto $scheme; proxy_buffering off; }}\n{blobs}\n}}\n")


def nginx_section(folder, registry, ports):
    certificate, key = servers.make_certificate(folder)
    expired, expired_key = servers.make_certificate(folder, "expired", days=-1)
    client, _ = servers.make_certificate(folder, "client")
    blob = "~ ^/v2/(.*)/blobs/"
    through = f"proxy_pass http://127.0.0.1:{registry}; proxy_set_header Host $http_host;"
    return "".join([
        "limit_conn_zone $server_name zone=all:1m; limit_conn_status 429;\n",
        proxy(ports["TLS"], registry,
              f" ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};"),
        proxy(ports["EXPIRED"], registry,
              f" ssl; ssl_certificate {expired}; ssl_certificate_key {expired_key};"),
        f"server {{ listen 127.0.0.1:{ports['MUTUAL']} ssl http2; ssl_certificate {certificate}; "
        f"ssl_certificate_key {key};\n"
        f"ssl_client_certificate {client}; ssl_verify_client optional_no_ca; ssl_session_cache "
        f"shared:one:1m; keepalive_timeout 600;\n"
        'location / { return 200 "$ssl_client_verify $ssl_session_reused $connection"; }\n'
        'location /close { keepalive_timeout 0; return 200 "$ssl_client_verify $ssl_session_reused '
        '$connection"; } }\n',
        proxy(ports["STRICT"], registry, f" ssl; ssl_certificate {certificate}; ssl_certificate_key {key};"
              f" ssl_client_certificate {client}; ssl_verify_client on;"),
        # A busy machine may leave a connection alone for long, and its next request is to find it there.
        f"server {{ listen 127.0.0.1:{ports['OLDER']} ssl http2; ssl_certificate {certificate}; "
        f"ssl_certificate_key {key}; default_type text/plain; keepalive_timeout 600;\n",
        *(f"location /{status} {{ if ($server_protocol = HTTP/2.0) {{ return {status}; }}\n"
          'return 200 "$server_protocol"; }\n' for status in (421, 426, 505)),
        'location /protocol { return 200 "$server_protocol"; }\n',
        "}\n",
        proxy(ports["REDIRECT"], registry, ";",
              f"location {blob} {{ return 307 http://127.0.0.1:{ports['CDN']}$request_uri; }}"),
        proxy(ports["CDN"], registry, ";"),
        proxy(ports["LIMITED"], registry, ";",
              f"location {blob} {{ {through} limit_conn all 3; limit_rate 2m; }}"),
        proxy(ports["SLOW"], registry, ";", f"location {blob} {{ {through} limit_rate 1m; }}"),
    ]), certificate, expired


@contextlib.contextmanager
def small_disk(folder):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=False)


def main():
    command = sys.argv[1:]
    if not command:
        raise SystemExit(__doc__)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cairn-servers-")))
        registry = stack.enter_context(servers.docker_registry(folder / "registry"))
        push(f"127.0.0.1:{registry}", IMAGES)
        ports = {name: servers.free_port()
                 for name in ("TLS", "MUTUAL", "STRICT", "EXPIRED", "OLDER", "REDIRECT", "CDN", "LIMITED",
                              "SLOW")}
        section, certificate, expired = nginx_section(folder, registry, ports)
        stack.enter_context(servers.nginx(folder / "nginx", section, ports["TLS"]))
        tokens = stack.enter_context(servers.TokenServer(folder / "tokens", lifetime=60))
        locked = stack.enter_context(servers.docker_registry(
            folder / "locked", token=(tokens.realm, tokens.service, tokens.issuer, tokens.certificate)))
        push(f"127.0.0.1:{locked}",
             [("demo:latest", Recipe(sizes("1M,300K"))), ("private/demo:latest", Recipe(sizes("1M")))],
             creds="user:secret")
        environment = dict(os.environ)
        environment["CAIRN_TEST_REGISTRY"] = f"127.0.0.1:{registry}"
        environment["CAIRN_TEST_TOKEN"] = f"127.0.0.1:{locked}"
        environment["CAIRN_TEST_CA"] = str(certificate)
        environment["CAIRN_TEST_EXPIRED_CA"] = str(expired)
        environment["CAIRN_TEST_CLIENT"] = str(certificate.parent / "client.pem")
        environment["CAIRN_TEST_CLIENT_KEY"] = str(certificate.parent / "client.key")
        for name, port in ports.items():
            host = "localhost" if name in ("TLS", "MUTUAL", "EXPIRED", "OLDER") else "127.0.0.1"
            environment[f"CAIRN_TEST_{name}"] = f"{host}:{port}"
        for kind in flood.FLOODS:
            port = stack.enter_context(flood.server(kind, certificate, certificate.with_suffix(".key")))
            environment[f"CAIRN_TEST_FLOOD_{kind}"] = f"localhost:{port}"
        (folder / "small").mkdir()
        disk = stack.enter_context(small_disk(folder / "small"))
        if disk:
            environment["CAIRN_TEST_SMALL_DISK"] = str(disk)
        # Whom a shell has started behind itself ignores SIGINT, and so would all that the tests start and end
        # by it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
