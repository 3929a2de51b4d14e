"""A connection of the fault server, and a request as it was read from one."""
import contextlib
import dataclasses
import math
import re
import socket
import struct
import time

from cairnlab.registry.answers import Gone


@dataclasses.dataclass
class Request:
    """A request as it was read; `sent` counts the bytes of its answer's body, `fault` is what its answer
    suffered.
    """
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


class Connection:
    def __init__(self, server, plain, number):
        self.server, self.plain, self.number = server, plain, number
        self.socket, self.buffer = plain, b""

    def send(self, data, request=None):
        """Sends at the server's rate; counts what belongs to a body."""
        rate, step = self.server.rate, self.server.chunk
        for start in range(0, len(data), step):
            chunk = data[start:start + step]
            self.server.gate.wait()
            try:
                self.socket.sendall(chunk)
            except (OSError, ValueError) as error:
                raise Gone from error
            if request is not None:
                request.sent += len(chunk)
            if rate and len(data) > step:
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
