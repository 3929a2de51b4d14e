"""What an emulated link does, measured in the lab and held against its model."""
import json
import socket
import statistics
import time
from typing import Any

from cairnlab.link.lab_servers import BULK_PORT, CLIENT, ECHO_PORT, SERVER


class Measures:
    """What is measured of a link; a `Lab` is one, and has the link: its model, and the process at its far
    end.
    """
    model: dict
    far: Any

    def restart(self, seed=1):
        raise NotImplementedError

    def counters(self):
        raise NotImplementedError

    def measure_round_trip(self, probes=25):
        """Median seconds of a round trip on the idle link."""
        trips = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect((SERVER, ECHO_PORT))
            while len(trips) < probes:
                start = time.perf_counter()
                sock.send(b"x" * 36)
                try:
                    sock.recv(2048)
                except TimeoutError:
                    continue
                trips.append(time.perf_counter() - start)
                time.sleep(0.002)
        return statistics.median(trips)

    def measure_packets(self, size, packets_per_second, count):
        """Sends datagrams down the link; returns what arrived, the counters, and bytes per second."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
            except PermissionError:
                # In a user namespace; then the limit of the machine holds.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 25)
            sock.bind((CLIENT, 0))
            sock.settimeout(0.8)
            self.restart()
            self.far.stdin.write(json.dumps({
                "target": CLIENT, "port": sock.getsockname()[1], "size": size,
                "packets_per_second": packets_per_second, "count": count}) + "\n")
            self.far.stdin.flush()
            arrivals, buffer = [], bytearray(2048)
            clock = time.perf_counter
            while True:
                try:
                    sock.recv_into(buffer)
                except TimeoutError:
                    break
                arrivals.append(clock())
        sent = json.loads(self.far.stdout.readline())["sent"]
        return sent, arrivals, self.counters()

    def measure_connection(self, seconds=3.0):
        """Bytes per second of one TCP connection's packets, over its last two thirds."""
        with socket.create_connection((SERVER, BULK_PORT)) as sock:
            sock.sendall(b"GET /endless HTTP/1.0\r\n\r\n")
            buffer = bytearray(1 << 18)
            start = time.perf_counter()
            received, first = 0, None
            while (now := time.perf_counter()) < start + seconds:
                received += sock.recv_into(buffer)
                if now > start + seconds / 3 and first is None:
                    first = (now, received)
            return (received - first[1]) / (now - first[0]) * 1500 / 1448

    def self_test(self):
        """Measures the link against its model; a list of (what, measured, wanted, unit, whether it is
        right).
        """
        rows = []
        model = self.model
        wanted = model["roundTripMs"]
        trip = self.measure_round_trip() * 1e3
        rows.append(("round trip", trip, wanted, "ms", abs(trip - wanted) <= max(2, 0.05 * wanted)))

        rate = model["bandwidthMbit"] * 1e6 / 8
        loss = model.get("loss", 0)
        count = int(max(300, rate * 1.1 / 1500 * 2.0))
        sent, arrivals, counters = self.measure_packets(1500, rate * 1.1 / 1500, count)
        # From when the queue is there to the last packet of the full rate.
        steady = arrivals[len(arrivals) // 8:len(arrivals) * 7 // 8]
        measured = (len(steady) - 1) * 1500 / (steady[-1] - steady[0]) / (1 - loss) * 8 / 1e6
        wanted = model["bandwidthMbit"] * (1 + counters["down"]["meanNoise"])
        rows.append(("rate", measured, wanted, "Mbit/s", abs(measured / wanted - 1) <= 0.03))
        busy = counters["cpuSeconds"] / max(counters["seconds"] - 0.8, 0.1)
        rows.append(("emulator", busy * 100, 60, "% of a core, at most", busy < 0.6))
        missing = sent - len(arrivals) - counters["down"]["dropped"] - counters["down"]["lost"]
        rows.append(("packets unaccounted for", missing, 0, "", missing == 0 and counters["overruns"] == 0))

        if loss > 0:
            packets = int(min(200_000, 900 / loss))
            sent, arrivals, counters = self.measure_packets(100, min(40_000, rate * 0.8 / 100), packets)
            measured = 1 - len(arrivals) / sent
            sigma = (loss * (1 - loss) / sent) ** 0.5
            rows.append(("loss", measured * 100, loss * 100, "%",
                         abs(measured - loss) <= max(0.1 * loss, 3 * sigma)))
        cap = model.get("perConnectionMbit")
        if cap and not loss:
            # The model's changes begin again with every restart; the cap is measured before the first.
            # Whatever else the machine does makes a connection slower, never faster: so the best of three.
            first = min((change["atSeconds"] for change in model.get("changes", [])), default=3.0)
            measured = 0
            for _ in range(3):
                if abs(measured / cap - 1) > 0.03:
                    self.restart()
                    measured = max(measured, self.measure_connection(min(3.0, first)) * 8 / 1e6)
            rows.append(("one connection", measured, cap, "Mbit/s", abs(measured / cap - 1) <= 0.03))
        return rows
