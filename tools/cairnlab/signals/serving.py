"""The phases of tools/signals that `cairn serve` has: alone, in the middle of answers, before them, and while
it stops.
"""
import contextlib
import hashlib
import re
import shutil
import socket
import threading
import time

from cairnlab.faults.cases import REPOSITORY
from cairnlab.signals import runs
from cairnlab.signals.phases import ServedPhase

# Seconds that answers under way have after the first signal, as docs/design/serve.md has them.
DRAIN = 30.0


class Caller:
    """Somebody who asks for something and reads what comes, or does not."""

    def __init__(self, address, request, reads):
        self.socket, self.reads, self.got = socket.socket(socket.AF_UNIX), reads, bytearray()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.socket.connect(str(address))
        self.socket.sendall(request)
        if reads:
            self.reader.start()

    def read(self):
        with contextlib.suppress(OSError):
            while data := self.socket.recv(65536):
                self.got += data

    @property
    def body(self):
        return self.got.partition(b"\r\n\r\n")[2]

    @property
    def status(self):
        found = re.match(rb"HTTP/1.1 (\d+)", self.got)
        return int(found[1]) if found else None

    @property
    def is_whole(self):
        """Whether all that the answer's head announced has come."""
        found = re.search(rb"(?i)\r\ncontent-length: (\d+)", self.got)
        return found is not None and len(self.body) == int(found[1])

    def leave(self):
        # Wakes whoever reads.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self.reader.is_alive():
            self.reader.join()
        self.socket.close()


class Serving(ServedPhase):
    """`cairn serve` at a socket of its own, with a cache that is new, and one caller."""
    ways_of_it: list[str] = []

    def prepare(self):
        super().prepare()
        self.way = self.chance.choice(self.ways_of_it)
        self.socket, self.served, self.callers = self.folder / "socket", self.folder / "served", []
        shutil.rmtree(self.served, ignore_errors=True)

    def command(self):
        return [self.cairn, "serve", "--listen", f"unix:{self.socket}", "--registry", self.server.host,
                "--plain-http", self.server.host, "--store", self.served,
                "--history", self.puller.history, "--hosts-dir", self.folder / "hosts"]

    def head(self, kind="blob"):
        target = "manifests/latest" if kind == "manifest" else f"blobs/{self.made.layers[0]}"
        line = f"GET /v2/{REPOSITORY}/{target}?ns={self.server.host} HTTP/1.1"
        return f"{line}\r\nHost: a\r\nConnection: close\r\n".encode()

    def call(self, request, reads=True):
        """A caller; None: nobody listens yet."""
        try:
            self.callers.append(Caller(self.socket, request, reads))
        except OSError:
            return None
        return self.callers[-1]

    def end(self, process):
        for caller in self.callers:
            caller.leave()

    def wrong(self, words):
        self.problems.append(f"{self.name} ({self.way}): {words}")

    def code(self, number, twice):
        """A service that was asked to stop, and has, ends well; at a second signal it is interrupted."""
        return 128 + number if twice else 0

    def left(self):
        """No socket, no blob that is other than its name says; parts that the next one goes on from may be
        there.
        """
        found = ["the socket is left"] if self.socket.exists() else []
        for path in (self.served / "blobs").glob("*/*"):
            if hashlib.new(path.parent.name, path.read_bytes()).hexdigest() != path.name:
                found.append(f"wrong bytes in {path.name}")
        return found

    def second(self):
        """Another one goes on with the same cache: it has the layer for whoever asks."""
        self.is_held = False
        rate, self.server.rate = self.server.rate, None
        process, self.callers = self.start(self.command()), []
        try:
            begun, caller = time.monotonic(), None
            while caller is None and process.poll() is None and time.monotonic() < begun + runs.PATIENCE:
                caller = self.call(self.head() + b"\r\n")
                time.sleep(0.002)
            if caller is None:
                return [f"nobody listens: {(self.folder / 'words').read_text(errors='replace')[-200:]}"]
            caller.reader.join(runs.PATIENCE)
            found = [] if bytes(caller.body) == self.made.blobs[self.made.layers[0]] else [
                f"{caller.status} and {len(caller.body)} bytes in place of the layer"]
            process.terminate()
            code = runs.ended(process, time.monotonic() + runs.LIMIT + runs.slack)
            return found + ([] if code == 0 else [f"exit {code} after a caller that has what it wanted"])
        finally:
            self.end(process)
            if process.poll() is None:
                process.kill()
                process.wait()
            self.server.rate = rate


class Idle(Serving):
    """Nobody is waited for: nobody is there, or nobody has asked for anything yet."""
    name, ways_of_it = "serve, idle", ["alone", "silent caller", "half a head", "somebody who was answered"]

    def is_in(self):
        if not self.callers:
            request = {"half a head": self.head(), "somebody who was answered":
                       self.head().replace(b"Connection: close\r\n", b"") + b"\r\n"}.get(self.way, b"")
            caller = self.call(request)
            if caller is None:
                return False
            if self.way == "alone":
                caller.leave()
        return self.way != "somebody who was answered" or self.callers[0].is_whole


class Stream(Serving):
    """A layer is on its way to a caller, at the rate of the registry: the answer comes to its end, and then
    the process.
    """
    name, sizes = "serve, streaming", [3 << 20, 50_000]
    server_options = {"rate": 4 << 20}
    ways_of_it = ["coming", "caller that goes away", "caller that takes nothing", "upstream stopped"]

    def plan(self, request):
        is_stopped = self.way == "upstream stopped" and request.kind == "blob" and request.number % 2
        return "stall" if is_stopped else None

    def is_twice(self):
        return super().is_twice() or self.way in ("caller that takes nothing", "upstream stopped")

    def is_in(self):
        if not self.callers:
            self.call(self.head() + b"\r\n", reads=self.way != "caller that takes nothing")
            return False
        caller = self.callers[0]
        if caller.reads:
            return bool(caller.body) and not caller.is_whole
        return any(one.sent for one in self.requests("blob"))

    def settle(self, process, first):
        if self.way == "caller that goes away":
            time.sleep(self.chance.uniform(0, 0.3))
            self.callers[0].leave()
        elif self.callers:
            self.callers[0].reader.join(runs.PATIENCE)
            if bytes(self.callers[0].body) != self.made.blobs[self.made.layers[0]]:
                self.wrong(f"the answer under way was cut at {len(self.callers[0].body)} bytes")
        return time.monotonic()


class Cold(Serving):
    """A caller waits for a manifest or layer of which upstream has not said a word."""
    name, ways_of_it = "serve, cold", ["manifest", "layer", "layer, and the caller goes away"]

    def plan(self, request):
        return "silence" if request.kind == ("manifest" if self.way == "manifest" else "blob") else None

    def is_twice(self):
        return not self.way.endswith("away")

    def is_in(self):
        if not self.callers:
            self.call(self.head("manifest" if self.way == "manifest" else "blob") + b"\r\n")
            return False
        return any(one.ended > 1e9 for one in self.requests("manifest") + self.requests("blob"))

    def settle(self, process, first):
        time.sleep(self.chance.uniform(0, 0.3))
        self.end(process)
        return time.monotonic()


class Drain(Serving):
    """It has been told to stop and waits for an answer: a second signal ends it, or the answer's end, or its
    time's.
    """
    name, sizes = "serve, draining", [2 << 20, 50_000]
    ways_of_it = ["second signal", "second signal", "upstream goes on", "caller that goes away"]
    # It takes half a minute until nobody ends: one of so many moments, and none of a few.
    rarely, moment = 40, 0

    def prepare(self):
        super().prepare()
        self.server.gate.set()
        self.moment += 1
        if self.moment % self.rarely == 0:
            self.way = "nobody ends"

    def plan(self, request):
        return "stall" if request.kind == "blob" and self.way != "upstream goes on" else None

    def is_twice(self):
        return self.way == "second signal"

    def pause(self):
        return self.chance.uniform(0.1, 1.5)

    def is_in(self):
        """Upstream has begun with the layer; here it may stop as a whole, and go on later."""
        if not self.callers:
            self.call(self.head() + b"\r\n")
            return False
        if not self.callers[0].body and not any(one.sent for one in self.requests("blob")):
            return False
        if self.way == "upstream goes on":
            self.server.gate.clear()
        return not self.callers[0].is_whole

    def settle(self, process, first):
        if self.way == "nobody ends":
            # Before its time is over it stays.
            if runs.ended(process, first + DRAIN - 1) is not None:
                self.wrong("it did not wait for the answer")
            return first + DRAIN
        time.sleep(self.chance.uniform(0.1, 1.5))
        if process.poll() is not None:
            self.wrong("it did not wait for the answer")
        if self.call(self.head() + b"\r\n") is not None and self.callers[-1].status is not None:
            self.wrong("somebody was let in who came afterwards")
        if self.way == "upstream goes on":
            self.server.gate.set()
            self.callers[0].reader.join(runs.PATIENCE)
            if bytes(self.callers[0].body) != self.made.blobs[self.made.layers[0]]:
                self.wrong(f"the answer under way was cut at {len(self.callers[0].body)} bytes")
        else:
            self.end(process)
        return time.monotonic()

    def end(self, process):
        self.server.gate.set()
        super().end(process)


ALL = [Idle, Stream, Cold, Drain]
