"""A relay on loopback that hands every byte on as it is, and writes down the requests and how many bytes came
back.

In front of a registry it counts what was taken from there; in front of an endpoint it records what a client
asks.
"""
import contextlib
import dataclasses
import socket
import threading
import time


@dataclasses.dataclass
class Request:
    """One request's head, as it came."""
    method: str
    target: str
    headers: dict
    connection: int
    at: float

    def header(self, name):
        return self.headers.get(name.lower())


class Relay:
    """Listens on `port` from the start of the block to its end; `requests` and `received` may be read at any
    time.

    `rate`, in bytes a second for all connections together, may be set and taken away at any time.
    """

    def __init__(self, target, port, address="127.0.0.1", rate=None):
        self.target, self.port, self.address, self.rate = target, port, address, rate
        self.free_at = 0.0
        self.open = 0
        self.requests, self.received, self.sent = [], 0, 0
        self.lock = threading.Lock()
        self.connections = 0

    def __enter__(self):
        self.listener = socket.create_server((self.address, self.port), backlog=256)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *exception):
        # `close` alone would leave `accept` waiting.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def reset(self):
        """Forgets what was counted; returns what had been."""
        with self.lock:
            past = (self.requests, self.received)
            self.requests, self.received = [], 0
        return past

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        with self.lock:
            self.connections += 1
            self.open += 1
            number = self.connections
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.back, args=(server, client), daemon=True).start()
        head = b""
        while data := receive(client):
            head = self.read(head + data, number)
            try:
                server.sendall(data)
            except OSError:
                break
        shut(server)

    def read(self, buffer, connection):
        """Takes whole heads off the buffer; pulls have no bodies."""
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            lines = buffer[:end].decode("latin-1").split("\r\n")
            buffer = buffer[end + 4:]
            words = lines[0].split(" ")
            if len(words) == 3:
                headers = {}
                for line in lines[1:]:
                    name, _, value = line.partition(":")
                    # A header that comes several times is a list.
                    known = headers.get(name.lower())
                    headers[name.lower()] = f"{known}, {value.strip()}" if known else value.strip()
                with self.lock:
                    self.requests.append(Request(words[0], words[1], headers, connection, time.monotonic()))
        return buffer[-65536:]

    def wait(self, count):
        """Waits for a turn of so many bytes at the rate."""
        if not (rate := self.rate):
            return
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + count / rate
            pause = self.free_at - now
        time.sleep(pause)

    def back(self, server, client):
        while data := receive(server, 16384 if self.rate else 262144):
            self.wait(len(data))
            try:
                client.sendall(data)
            except OSError:
                break
            # What waits here for a client that has gone was not taken.
            with self.lock:
                self.received += len(data)
        # Either side's end is the other's.
        shut(client)
        shut(server)
        with self.lock:
            self.open -= 1


def receive(side, count=65536):
    try:
        return side.recv(count)
    except OSError:
        return b""


def shut(side):
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
