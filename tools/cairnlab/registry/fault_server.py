"""A registry on loopback that goes wrong as it is told, or not at all: what tools/faults pulls from, and
others.

It serves images that it makes itself or is given, over HTTP or TLS, at a rate for each connection, and keeps
a line on every request. A *plan* is asked about each request and answers with the name of a fault, or None;
`answers.FAULTS` are the names.
"""
import contextlib
import email.utils
import json
import random
import re
import socket
import ssl
import threading
import time

from cairnlab.registry.answers import FAULTS, OF_CONTENT, Gone
from cairnlab.registry.connection import Connection, Request
from cairnlab.registry.contents import MANIFEST

CHUNK = 16 << 10


class FaultyRegistry:
    """The server; `images` by repository. `plan(request)` names a fault, or gives (name, argument).

    It sends `chunk` bytes at a time, and counts and paces by them.
    """

    def __init__(
            self, images, plan=None, rate=None, token=False, blob_origin=None, certificate=None, realm=None,
            chunk=CHUNK):
        self.chunk = chunk
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
        # What waits here while packets vanish was sent, but came nowhere: it is to be no more than a puller
        # can help.
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
                    request = Request(len(self.requests) + 1, connection.number, method, path, headers,
                                      time.monotonic())
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
        # What is about a body cannot happen to an answer that has none, such as a redirect or a question for
        # a token.
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
            return 200, {"Content-Type": "application/json"}, json.dumps(
                {"token": token, "expires_in": 300}).encode()
        signed = query.startswith("signature=")
        if signed and query not in self.signatures:
            return 403, {}, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.token and not signed and given not in self.tokens:
            repository = re.sub(r"^/v2/|/(blobs|manifests)/.*$", "", path)
            realm = self.realm or f"{self.origin}/token"
            scope = f"repository:{repository}:pull"
            return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="faults",scope="{scope}"'}, b""
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path)
        if not found:
            return (200, {}, b"{}") if path == "/v2/" else (404, {}, b"")
        repository, kind, name = found.groups()
        if kind == "manifests":
            image = self.images.get(repository)
            known = image is not None and name in ("latest", image.digest)
            return (200, {"Content-Type": MANIFEST, "Docker-Content-Digest": image.digest},
                    image.manifest) if known else (
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
