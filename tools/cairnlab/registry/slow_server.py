"""A blob server that gets slower the more it has to do, for the link lab: nginx stands in front of it.

Up to so many requests at a time it sends as fast as they are taken, or at its rate; with more of them
everything that it sends together is divided by 1 + slope x (requests being served - beyond), as in the
simulator. One thread hands out what there is to send every few milliseconds, in turn.

It stands apart from the fault server. That one has a thread for each connection, which paces what it sends by
itself and has the bodies in memory; here one rate is shared by whoever is being served, at the speed of a
line, from a registry's folder, and the requests are those that nginx passes on: no tokens, no redirects,
nothing that goes wrong.
"""
import collections
import os
import pathlib
import re
import selectors
import socket
import threading
import time

# Seconds between two rounds of sending.
PACE = 0.005
# Less is not sent at a time: with many requests each has to wait for its turn instead.
LEAST = 8_192
# What a socket holds. Little, so that a request counts until nearly all of it has been taken.
BUFFER = 131_072
# What was not sent for so many seconds is not made up for.
MEMORY = 0.02


class Conversation:
    """A connection, and the response that is being sent on it."""

    def __init__(self, sock):
        self.sock, self.inbox, self.outbox = sock, b"", b""
        self.file, self.offset, self.left = None, 0, 0
        self.ready_at = 0.0

    def end_response(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None


class SlowServer:
    """Listens on a Unix socket as long as the process lives.

    `data` is a docker-registry's folder. `rate` and `peak` are bytes a second: what it sends at most, or
    None, and what is divided once it is overloaded. `each` is the same for one response, or None. `response`
    is the seconds before each response.
    """

    def __init__(self, path, data, beyond, slope, peak, rate=None, response=0.0, each=None):
        self.blobs = pathlib.Path(data) / "docker/registry/v2/blobs/sha256"
        self.beyond, self.slope, self.peak, self.rate, self.response = beyond, slope, peak, rate, response
        self.each = each
        self.turns = collections.deque()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1024)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        threading.Thread(target=self.run, daemon=True).start()

    def total_rate(self):
        """Bytes a second to everybody together; None: as fast as it is taken."""
        excess = len(self.turns) - self.beyond
        rate = self.peak / (1 + self.slope * excess) if excess > 0 else self.rate
        if self.each is None:
            return rate
        return min(rate or float("inf"), self.each * len(self.turns))

    def run(self):
        credit, before = 0.0, time.monotonic()
        while True:
            for key, _ in self.selector.select(PACE if self.turns else None):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.read(key.data)
            now = time.monotonic()
            if now - before < PACE:
                continue
            rate = self.total_rate()
            if rate is None:
                self.send(now, float("inf"))
                credit = 0.0
            else:
                credit = min(credit + rate * (now - before), rate * MEMORY)
                credit -= self.send(now, credit)
            before = now

    # MARK: Requests

    def accept(self):
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.selector.register(sock, selectors.EVENT_READ, Conversation(sock))

    def read(self, one):
        try:
            data = one.sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close(one)
            return
        one.inbox += data
        self.begin(one)

    def begin(self, one):
        """Begins the response to a request that has arrived whole, unless another is being sent."""
        if b"\r\n\r\n" not in one.inbox or one.outbox or one.file is not None:
            return
        head, _, one.inbox = one.inbox.partition(b"\r\n\r\n")
        method, target, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        asked = re.search(rb"\r\nrange: *bytes=(\d+)-(\d*)", head, re.IGNORECASE)
        one.outbox = self.answer(one, method, target, asked)
        one.ready_at = time.monotonic() + self.response
        self.turns.append(one)

    def answer(self, one, method, target, asked):
        """The head of a response; sets what follows it."""
        def head(status, *fields):
            return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()

        one.left = 0
        digest = re.search(r"/blobs/sha256:([0-9a-f]{64})$", target)
        path = digest and self.blobs / digest[1][:2] / digest[1] / "data"
        if not path or not path.exists():
            return head("404 Not Found", "Content-Length: 0")
        size = path.stat().st_size
        first, last = 0, size - 1
        if asked:
            first, last = int(asked[1]), min(last, int(asked[2] or last))
            if first > last:
                return head("416 Range Not Satisfiable", "Content-Length: 0",
                            f"Content-Range: bytes */{size}")
        if method != "HEAD":
            one.file, one.offset, one.left = os.open(path, os.O_RDONLY), first, last - first + 1
        fields = [f"Content-Length: {last - first + 1}", "Accept-Ranges: bytes"]
        fields.append("Content-Type: application/octet-stream")
        if asked:
            return head("206 Partial Content", *fields, f"Content-Range: bytes {first}-{last}/{size}")
        return head("200 OK", *fields)

    def close(self, one):
        one.end_response()
        if one in self.turns:
            self.turns.remove(one)
        self.selector.unregister(one.sock)
        one.sock.close()

    # MARK: Responses

    def send(self, now, credit):
        """Sends in turn while there is credit and anybody takes it; returns the bytes sent."""
        sent, idle = 0, 0
        while self.turns and idle < len(self.turns) and credit - sent >= 1:
            one = self.turns[0]
            self.turns.rotate(-1)
            most = max(LEAST, (credit - sent) / len(self.turns)) if credit != float("inf") else BUFFER
            try:
                taken = self.send_some(one, int(min(most, credit - sent))) if one.ready_at <= now else 0
            except OSError:
                self.close(one)
                continue
            sent += taken
            idle = 0 if taken else idle + 1
            if not one.outbox and one.left == 0:
                one.end_response()
                self.turns.remove(one)
                self.begin(one)
        return sent

    @staticmethod
    def send_some(one, most):
        try:
            if one.outbox:
                # A response's head costs nothing: it is what the simulator calls a request's answer.
                one.outbox = one.outbox[one.sock.send(one.outbox):]
                return 1
            count = os.sendfile(one.sock.fileno(), one.file, one.offset, min(most, one.left))
        except BlockingIOError:
            return 0
        one.offset += count
        one.left -= count
        return count
