"""What a crowd does to the link's round trip and to the machine that carries it."""
import pathlib
import socket
import threading
import time

from cairnlab.link import lab_servers


class Echo(threading.Thread):
    """Sends datagrams over the link all the time: what a round trip really takes, its queue included."""

    INTERVAL = 0.1

    def __init__(self):
        super().__init__(daemon=True)
        self.trips, self.over = [], threading.Event()
        self.start()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(self.INTERVAL)
            sock.connect((lab_servers.SERVER, lab_servers.ECHO_PORT))
            while not self.over.is_set():
                sent = time.monotonic()
                try:
                    sock.send(repr(sent).encode())
                    # An answer may be that to an earlier question, which says in it when that was.
                    asked = float(sock.recv(2048))
                    self.trips.append((asked, time.monotonic() - asked))
                except (TimeoutError, OSError):
                    pass
                self.over.wait(max(0, self.INTERVAL - (time.monotonic() - sent)))

    def stop(self):
        self.over.set()
        self.join()


class Load:
    """How busy this machine is from now on, and how long the lab's own threads waited for a core.

    The lab has a process namespace of its own, so every process that is seen here is the lab's.
    """

    def __init__(self):
        self.machine, self.threads, self.began = self._machine(), self._threads(), time.monotonic()

    @staticmethod
    def _machine():
        fields = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
        return sum(fields), fields[3] + fields[4]

    @staticmethod
    def _threads():
        """Nanoseconds that each thread of the lab ran, and that it waited to run."""
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*/schedstat"):
            try:
                ran, waited, _ = path.read_text().split()
            except (OSError, ValueError):
                continue
            found[path] = (int(ran), int(waited))
        return found

    def figures(self):
        """Shares of the machine, cores that the lab used, and seconds waited for each second of work."""
        (all0, idle0), (all1, idle1) = self.machine, self._machine()
        ran = waited = 0
        for path, (now_ran, now_waited) in self._threads().items():
            before = self.threads.get(path, (0, 0))
            ran += now_ran - before[0]
            waited += now_waited - before[1]
        return {"busy": 1 - (idle1 - idle0) / max(1, all1 - all0),
                "cores": ran / 1e9 / (time.monotonic() - self.began), "waited": waited / max(1, ran)}
