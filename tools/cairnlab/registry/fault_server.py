"""A registry on loopback that goes wrong as it is told: what tools/faults pulls from.

It serves images that it makes itself, over HTTP or TLS, at a rate for each connection, and keeps a line on every request.
A *plan* is asked about each request and answers with the name of a fault, or None; `FAULTS` are the names.
"""
import contextlib
import dataclasses
import email.utils
import gzip
import json
import math
import random
import re
import socket
import ssl
import struct
import threading
import time

from cairnlab.registry import images

MANIFEST = images.OCI["manifest"]
CHUNK = 16 << 10


@dataclasses.dataclass
class Request:
    """A request as it was read; `sent` counts the bytes of its answer's body, `fault` is what its answer suffered."""
    number: int
    connection: int
    method: str
    path: str
    headers: dict
    time: float
    sent: int = 0
    status: int = 0
    fault: str | None = None
    ended: float = math.inf

    @property
    def kind(self):
        for kind, mark in (("blob", "/blobs/"), ("manifest", "/manifests/"), ("token", "/token")):
            if mark in self.path:
                return kind
        return "other"

    @property
    def digest(self):
        return self.path.split("?")[0].rpartition("/")[2]

    @property
    def range(self):
        """First byte and the one after the last, or None."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        return (int(found[1]), int(found[2]) + 1) if found else None


class Image:
    """An image of pseudo-random layers; equal arguments give equal bytes."""

    def __init__(self, seed, sizes):
        def descriptor(kind, data):
            made = images.described(data, images.OCI[kind])
            self.blobs[made["digest"]] = data
            return made
        self.blobs = {}
        layers = [descriptor("layer", random.Random(f"{seed}/{index}/{size}").randbytes(size))
                  for index, size in enumerate(sizes)]
        config = descriptor("config", json.dumps(
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [x["digest"] for x in layers]},
             "comment": str(seed)}).encode())
        self.layers = [part["digest"] for part in layers]
        self.manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).encode()
        self.digest = images.digest(self.manifest)

    @property
    def size(self):
        return sum(map(len, self.blobs.values()))


class Gone(Exception):
    """The client has closed the connection, or a fault has."""


class Connection:
    def __init__(self, server, plain, number):
        self.server, self.plain, self.number = server, plain, number
        self.socket, self.buffer = plain, b""

    def send(self, data, request=None):
        """Sends at the server's rate; counts what belongs to a body."""
        rate = self.server.rate
        for start in range(0, len(data), CHUNK):
            chunk = data[start:start + CHUNK]
            self.server.gate.wait()
            try:
                self.socket.sendall(chunk)
            except (OSError, ValueError) as error:
                raise Gone from error
            if request is not None:
                request.sent += len(chunk)
            if rate and len(data) > CHUNK:
                time.sleep(len(chunk) / rate)

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except (OSError, ValueError) as error:
                raise Gone from error
            if not data:
                raise Gone
            self.buffer += data
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        # Of a client that takes this server for its proxy.
        path = re.sub(r"^http://[^/]*", "", path)
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(fields.get("content-length", 0))
        while len(self.buffer) < length:
            self.buffer += self.socket.recv(65536)
        self.buffer = self.buffer[length:]
        return method, path, fields

    def hang(self):
        """Says nothing more until the client goes, or the server stops."""
        with contextlib.suppress(OSError, ValueError):
            while self.socket.recv(65536):
                pass
        raise Gone

    def reset(self):
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def end(self):
        """Ends it from another thread, so that its own sees it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


class FaultyRegistry:
    """The server; `images` by repository. `plan(request)` names a fault, or gives (name, argument)."""

    def __init__(self, images, plan=None, rate=None, token=False, blob_origin=None, certificate=None, realm=None):
        self.images, self.plan, self.rate = images, plan or (lambda request: None), rate
        self.token, self.blob_origin, self.certificate, self.realm = token, blob_origin, certificate, realm
        self.blobs = {name: data for image in images.values() for name, data in image.blobs.items()}
        self.requests, self.connections = [], {}
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.gate.set()
        self.tokens, self.signatures, self.count, self.peak = set(), set(), 0, 0
        self.token_count, self.signature_count = 0, 0
        self.listener, self.stopped = None, False

    # MARK: Life

    def __enter__(self):
        self._listen(0)
        return self

    def __exit__(self, *exception):
        self.stopped = True
        self.gate.set()
        self.refuse()
        self.drop(1.0)

    def _listen(self, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What waits here while packets vanish was sent, but came nowhere: it is to be no more than a puller can help.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def refuse(self):
        """Takes no more connections: they are refused."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def admit(self):
        """Takes connections again, at the same port."""
        self._listen(self.port)

    def drop(self, share, chooser=random):
        """Ends a share of the open connections; returns how many."""
        with self.lock:
            chosen = [connection for connection in self.connections.values() if chooser.random() < share]
        for connection in chosen:
            connection.end()
        return len(chosen)

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self):
        return f"{'https' if self.certificate else 'http'}://{self.host}"

    def served(self, kind="blob"):
        """Bytes of bodies sent."""
        return sum(request.sent for request in list(self.requests) if request.kind == kind)

    # MARK: Connections

    def _accept(self, listener):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.count += 1
                connection = self.connections[self.count] = Connection(self, plain, self.count)
                self.peak = max(self.peak, len(self.connections))
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.certificate)
                connection.socket = context.wrap_socket(connection.plain, server_side=True)
            while not self.stopped:
                method, path, headers = connection.read()
                with self.lock:
                    request = Request(len(self.requests) + 1, connection.number, method, path, headers, time.monotonic())
                    self.requests.append(request)
                    fault = self.plan(request)
                self.gate.wait()
                try:
                    self._answer(connection, request, fault)
                finally:
                    request.ended = time.monotonic()
        except (Gone, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.connections.pop(connection.number, None)
            with contextlib.suppress(OSError):
                connection.socket.close()

    # MARK: Answers

    def _answer(self, connection, request, fault):
        status, fields, body = self._right(request)
        name, argument = fault if isinstance(fault, tuple) else (fault, None)
        # What is about a body cannot happen to an answer that has none, such as a redirect or a question for a token.
        if name is None or (name in OF_CONTENT and not (status in (200, 206) and body)):
            self.reply(connection, request, status, fields, body)
        else:
            request.fault = name
            FAULTS[name](self, connection, request, status, fields, body, argument)

    def reply(self, connection, request, status, fields=(), body=b"", length=None):
        request.status = status
        lines = [f"HTTP/1.1 {status} X", f"Date: {email.utils.formatdate(usegmt=True)}",
                 f"Content-Length: {len(body) if length is None else length}",
                 *(f"{name}: {value}" for name, value in dict(fields).items()), "", ""]
        connection.send("\r\n".join(lines).encode("latin-1"))
        if request.method != "HEAD":
            connection.send(body, request)

    def error(self, connection, request, status, message, fields=()):
        self.reply(connection, request, status, fields, json.dumps(
            {"errors": [{"code": "FAULT", "message": message}]}).encode())

    def _right(self, request):
        """What a good registry answers: (status, fields, body)."""
        path, _, query = request.path.partition("?")
        if path == "/token":
            with self.lock:
                self.token_count += 1
                token = f"token-{self.token_count}"
                self.tokens.add(token)
            return 200, {"Content-Type": "application/json"}, json.dumps({"token": token, "expires_in": 300}).encode()
        signed = query.startswith("signature=")
        if signed and query not in self.signatures:
            return 403, {}, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
        if self.token and not signed and request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            repository = re.sub(r"^/v2/|/(blobs|manifests)/.*$", "", path)
            realm = self.realm or f"{self.origin}/token"
            return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="faults",scope="repository:{repository}:pull"'}, b""
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path)
        if not found:
            return (200, {}, b"{}") if path == "/v2/" else (404, {}, b"")
        repository, kind, name = found.groups()
        if kind == "manifests":
            image = self.images.get(repository)
            known = image is not None and name in ("latest", image.digest)
            return (200, {"Content-Type": MANIFEST, "Docker-Content-Digest": image.digest}, image.manifest) if known else (
                404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        data = self.blobs.get(name)
        if data is None:
            return 404, {}, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}'
        if self.blob_origin and not signed:
            return 307, {"Location": f"{self.blob_origin.origin}{path}?{self.blob_origin.sign()}"}, b""
        if request.range is None:
            return 200, {"Content-Type": "application/octet-stream"}, data
        start, end = request.range
        if start >= len(data):
            return 416, {"Content-Range": f"bytes */{len(data)}"}, b""
        part = data[start:end]
        return 206, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(data)}"}, part

    def sign(self):
        """A query that this server takes until `expire`."""
        with self.lock:
            self.signature_count += 1
            query = f"signature={self.signature_count}"
            self.signatures.add(query)
        return query

    def expire(self):
        """From here on what was signed or issued before counts no more."""
        with self.lock:
            self.signatures, self.tokens = set(), set()


# MARK: What can go wrong with an answer

def cut(share, ending):
    """The head and a share of the body, then the end of the connection."""
    def fault(server, connection, request, status, fields, body, argument):
        keep = max(0, len(body) - 1) if share is None else int(len(body) * (share if argument is None else argument))
        server.reply(connection, request, status, fields, body[:keep], length=len(body))
        ending(connection)
    return fault


def gone(connection):
    raise Gone


def reset(server, connection, *_):
    connection.reset()


def cut_head(server, connection, request, *_):
    connection.send(b"HTTP/1.1 206 Partial Con")
    raise Gone


def silence(server, connection, *_):
    connection.hang()


def stall(server, connection, request, status, fields, body, argument):
    server.reply(connection, request, status, fields, body[:len(body) // 3], length=len(body))
    connection.hang()


def trickle(server, connection, request, status, fields, body, argument):
    server.reply(connection, request, status, fields, b"", length=len(body))
    for index in range(len(body)):
        connection.send(body[index:index + 1], request)
        time.sleep(0.1)
        if server.stopped:
            raise Gone


def fail(status, message="a fault", **fields):
    def fault(server, connection, request, *_):
        server.error(connection, request, status, message, {name.replace("_", "-"): value for name, value in fields.items()})
    return fault


def retry_at_date(server, connection, request, *_):
    server.error(connection, request, 429, "slow down", {
        "Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})


def whole(server, connection, request, status, fields, body, argument):
    if request.range is None:
        request.fault = None
    server.reply(connection, request, 200, {}, server.blobs.get(request.digest, body))


def late(server, connection, request, status, fields, body, argument):
    """A right answer, so many seconds later."""
    time.sleep(argument)
    server.reply(connection, request, status, fields, body)


def ranged(make):
    """A 206 whose range is not the one asked for; other answers stay right."""
    def fault(server, connection, request, status, fields, body, argument):
        if status != 206:
            request.fault = None
            return server.reply(connection, request, status, fields, body)
        data, (start, _) = server.blobs[request.digest], request.range
        server.reply(connection, request, 206, *make(data, start, body))
    return fault


def shifted(by):
    def make(data, start, body):
        begin = max(0, start + by)
        part = data[begin:begin + len(body)]
        return {"Content-Range": f"bytes {begin}-{begin + len(part) - 1}/{len(data)}"}, part
    return ranged(make)


def fewer(data, start, body):
    part = body[:max(1, len(body) // 3)]
    return {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(data)}"}, part


def wrong_length(by):
    """A body of another length than asked for, and a head that says so."""
    def fault(server, connection, request, status, fields, body, argument):
        server.reply(connection, request, status, fields, body[:by] if by < 0 else body + b"x" * by)
    return fault


def compressed(server, connection, request, status, fields, body, argument):
    packed = gzip.compress(body, 1)
    server.reply(connection, request, status, {**fields, "Content-Encoding": "gzip"}, packed)


def flip(server, connection, request, status, fields, body, argument):
    # At its beginning: its end may be split off for another request, and then nobody takes it from here.
    server.reply(connection, request, status, fields, bytes([body[0] ^ 4]) + body[1:])


def redirect(target):
    def fault(server, connection, request, *_):
        location = target.format(origin=server.origin, path=request.path)
        server.reply(connection, request, 307, {"Location": location})
    return fault


def portal(server, connection, request, *_):
    server.reply(connection, request, 200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel's network</html>")


# Faults of content: they need an answer that has some.
OF_CONTENT = {"cut body", "reset body", "last byte", "stall", "trickle", "200 for a range", "206 of another range", "206 that overlaps",
              "206 without Content-Range", "206 of fewer bytes", "shorter body", "longer body", "gzip in transit", "flipped bit"}
FAULTS = {
    "reset": reset, "cut head": cut_head, "cut body": cut(0.5, gone), "reset body": cut(0.5, Connection.reset),
    "last byte": cut(None, gone), "silence": silence, "stall": stall, "trickle": trickle,
    "200 for a range": whole, "206 of another range": shifted(1), "206 that overlaps": shifted(-100),
    "206 without Content-Range": ranged(lambda data, start, body: ({}, body)), "206 of fewer bytes": ranged(fewer),
    "416": fail(416), "401": fail(401, "who are you"), "403": fail(403, "expired"), "404": fail(404, "blob unknown"),
    "408": fail(408), "429": fail(429), "429 in seconds": fail(429, Retry_After="1"), "429 at a date": retry_at_date,
    "429 for a day": fail(429, Retry_After="86400"), "429 of nonsense": fail(429, Retry_After="soon, perhaps"),
    "500": fail(500), "502": fail(502), "503": fail(503), "504": fail(504), "late": late,
    "shorter body": wrong_length(-7), "longer body": wrong_length(7), "gzip in transit": compressed,
    "flipped bit": flip, "redirect in a circle": redirect("{origin}{path}"), "redirect to a file": redirect("file:///etc/passwd"),
    "redirect to metadata": redirect("http://169.254.169.254/latest"), "captive portal": portal,
    "not HTTP": lambda server, connection, *_: (connection.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), gone(connection)),
}
