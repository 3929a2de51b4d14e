"""A relay on loopback that gives each connection so many bytes a second, and all of them together so many.

That is what a client sees of a server or CDN with a cap for each connection, behind a line. It counts
smoothly, and by the connection, so that nothing is gained by many short requests over one, as it is with
nginx's limit_rate, which gives every request its first second at once.
"""
import collections
import contextlib
import selectors
import socket
import threading
import time

# Seconds between two rounds of sending.
PACE = 0.005
# What was not sent for so many seconds is not made up for.
MEMORY = 0.02
# Bytes of an answer that wait in the relay, for each connection.
BUFFER = 262_144


class Flow:
    """A client's connection and the one to the server that answers it."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.waiting, self.credit = b"", 0.0
        self.has_ended = False


class Relay:
    """Listens until `stop`; `each` and `line` are bytes a second of answers: of a connection, and of all."""

    def __init__(self, server_port, each, line):
        self.server_port, self.each, self.line = server_port, each, line
        self.flows = collections.deque()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopped.set()
        self.thread.join()
        for flow in list(self.flows):
            self.close(flow)
        self.listener.close()

    def run(self):
        credit, before = 0.0, time.monotonic()
        while not self.stopped.is_set():
            busy = any(flow.waiting for flow in self.flows)
            for key, _ in self.selector.select(PACE if busy else 0.1):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.read(key.data, key.fileobj)
            now = time.monotonic()
            if now - before < PACE:
                continue
            passed, before = now - before, now
            credit = min(credit + self.line * passed, self.line * MEMORY)
            credit -= self.send(passed, credit)

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.server_port))
        flow = Flow(client, server)
        self.flows.append(flow)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for sock in (client, server):
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ, flow)

    def read(self, flow, sock):
        """Takes a request further at once; of an answer, as much as may wait."""
        if flow.has_ended:
            return
        if sock is flow.server and len(flow.waiting) >= BUFFER:
            self.selector.unregister(sock)
            return
        try:
            data = sock.recv(BUFFER)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if sock is flow.server:
            flow.waiting += data
            flow.has_ended = not data
        elif data:
            # Requests are short, and fit what a socket holds.
            with contextlib.suppress(OSError):
                flow.server.sendall(data)
        if not data and not flow.waiting:
            self.close(flow)

    def send(self, passed, credit):
        """Sends to everybody in turn; the bytes that it was."""
        sent = 0
        self.flows.rotate(-1)
        for flow in list(self.flows):
            flow.credit = min(flow.credit + self.each * passed, self.each * MEMORY)
            amount = int(min(flow.credit, credit - sent, len(flow.waiting)))
            if amount <= 0:
                continue
            try:
                count = flow.client.send(flow.waiting[:amount])
            except BlockingIOError:
                continue
            except OSError:
                self.close(flow)
                continue
            flow.waiting = flow.waiting[count:]
            flow.credit -= count
            sent += count
            if flow.has_ended and not flow.waiting:
                self.close(flow)
            elif len(flow.waiting) < BUFFER and flow.server not in self.selector.get_map():
                self.selector.register(flow.server, selectors.EVENT_READ, flow)
        return sent

    def close(self, flow):
        for sock in (flow.client, flow.server):
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(sock)
            sock.close()
        with contextlib.suppress(ValueError):
            self.flows.remove(flow)


@contextlib.contextmanager
def relay(server_port, each, line):
    """A relay to a server on loopback; yields its port."""
    running = Relay(server_port, each, line)
    try:
        yield running.port
    finally:
        running.stop()
