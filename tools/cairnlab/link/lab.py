"""The link lab: two network namespaces, real servers in one, and an emulated link between them.

A process that uses `Lab` must be inside the namespaces that `enter()` makes. These have no name and no
file anywhere: they, the devices and every process in them end with the process that made them, whatever
way it ends.
"""
import contextlib
import json
import os
import pathlib
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

from cairnlab import places
from cairnlab.link.lab_servers import BLOB_PORT, BULK_PORT, ECHO_PORT, REGISTRY_PORT
from cairnlab.registry import servers

EMULATOR = os.environ.get("LINK_EMULATOR") or str(places.ROOT / ".build/release/link-emulator")
CLIENT, SERVER = "10.77.0.1", "10.77.0.2"
INSIDE = "CAIRN_LINK_LAB"
PACKAGES = ["iproute2", "procps", "util-linux"]
# Of a packet of the standard MTU this much is TCP's payload: the lab counts packets, the simulator payload.
PAYLOAD = 1448 / 1500
# Where the lab's files lie: a file system in memory of its own, as in a container.
PRIVATE = "/dev/shm"

# What the lab does not emulate, because these describe machines and not links.
IGNORED = {
    "perConnectionBySecond": "the link gives each connection its rate smoothly; tools/bench-pool has nginx "
                             "limit_rate",
    "timingNoiseMs": "the machine's own timing",
    "hystart": "the kernel's own setting",
    "server.responseMs": "the server's own time to answer",
    "server.rateMbit": "the server sends as fast as it can",
    "client": "this machine's own CPU and disk",
}

# These are emulated where the model's server slows down, by a server of ours.
BY_SLOW_SERVER = {"server.responseMs", "server.rateMbit"}


class LabUnavailable(Exception):
    """The lab cannot be made here; the message says why and what works without it."""


# Not inherited by what runs in the lab: a lab in there makes namespaces of its own.
_is_inside = os.environ.pop(INSIDE, None) is not None and os.getpid() == 1


def is_inside():
    """Whether this process is in the lab's namespaces already."""
    return _is_inside


def enter(goes_first=False):
    """Runs this program again in namespaces of its own and ends with it, unless it is there already.

    `goes_first`: whatever else this machine does gives way to it, where that may be asked for.
    """
    if is_inside():
        if goes_first:
            go_first()
        # Files too: nobody outside sees this file system, and it goes with the namespace.
        for folder in (PRIVATE, "/run", "/var/lib/containers"):
            if os.path.isdir(folder):
                subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        # Nobody's settings reach what runs here, and what it leaves behind goes too.
        for name in [
            name for name in os.environ if name.startswith("XDG_") or name.lower().endswith("_proxy")]:
            del os.environ[name]
        for name, folder in (("HOME", "home"), ("TMPDIR", "tmp")):
            os.environ[name] = f"{PRIVATE}/{folder}"
            os.makedirs(os.environ[name])
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    flags = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.getuid() != 0:
        flags = ["--user", "--map-root-user", *flags]
    probe = subprocess.run(
        ["unshare", *flags, "sh", "-c", "ip tuntap add dev probe mode tun && ip link show probe"],
        capture_output=True, text=True)
    if probe.returncode != 0:
        reason = (probe.stderr.strip().splitlines() or ["unshare failed"])[-1]
        raise LabUnavailable(
            f"no link lab here: {reason}\n"
            "It needs network namespaces and /dev/net/tun: run it as root. Without these rights the tests, "
            "the demo\n"
            "and tools/bench-engine still work: they use plain loopback; `cairn simulate` needs nothing.")
    # unshare takes no notice of SIGTERM, and its child is the first process of its namespace, which ignores
    # it. The kernel weighs sessions against each other before processes, so who goes first has one of its
    # own.
    inside = subprocess.Popen(
        ["unshare", *flags, sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"},
        preexec_fn=die_with_parent,
        start_new_session=goes_first)
    signal.signal(signal.SIGTERM, lambda *_: inside.kill())
    while True:
        try:
            status = inside.wait()
            raise SystemExit(status if status >= 0 else 128 - status)
        except KeyboardInterrupt:
            # The terminal sent it to the program inside too, which ends; but not where that has another
            # session.
            if goes_first:
                inside.kill()


def go_first():
    """Takes precedence over other programs of this machine, as a process and as a session."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
        pathlib.Path("/proc/self/autogroup").write_text("-15")


def die_with_parent():
    """In a child before exec: ends with the process that started it."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def not_emulated(model):
    """The fields of a model that the lab leaves out, with the reason."""
    found = {}
    for name, reason in IGNORED.items():
        if name in BY_SLOW_SERVER and slow_server(model):
            continue
        value = model
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[name] = reason
    return found


def slow_server(model):
    """What a server that slows down is to be like (see `SlowServer`); None where the model's does not."""
    server = model.get("server", {})
    beyond = server.get("overloadBeyond")
    if beyond is None:
        return None
    rate, cap = server.get("rateMbit"), model.get("perConnectionMbit")
    peak = min(model["bandwidthMbit"], *([rate] if rate else []), *([beyond * cap] if cap else []))
    # Whole packets on the link; a server sends what is in them.
    to_bytes = 1e6 / 8 * PAYLOAD
    return {
        "beyond": beyond, "slope": server.get("overloadSlope", 0), "peak": peak * to_bytes,
        "rate": rate and rate * to_bytes, "response": server.get("responseMs", 0) / 1e3}


def variant(name, path, **fields):
    """A model file at `path` that is the model of that name but for some fields; None takes one away."""
    model = json.loads((places.ROOT / "models" / f"{name}.json").read_text()) | fields
    path.write_text(json.dumps({name: value for name, value in model.items() if value is not None}))
    return path


class Lab:
    """A link with servers at its far end, as a model file describes them.

    `data` is the folder of a docker-registry's blobs; `token` whether its registry wants tokens; `limit_rate`
    what nginx gives each request in a second, as in its configuration ("100k").
    """

    def __init__(self, model, folder, data, token=True, limit_rate=None):
        self.path = pathlib.Path(model)
        self.model = json.loads(self.path.read_text())
        self.folder = pathlib.Path(folder)
        self.data, self.token, self.limit_rate = data, token, limit_rate
        self.tls = self.model.get("tls", {}).get("roundTrips", 0)
        self.scheme = "https" if self.tls else "http"
        self.registry = f"{SERVER}:{REGISTRY_PORT}"
        self.blob_origin = f"{self.scheme}://{SERVER}:{BLOB_PORT}"
        self.access_log = self.folder / "access.log"

    # MARK: Making and removing

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.certificate, key = servers.make_certificate(self.folder, address=SERVER)
            self.certificate_folder = self.folder / "certificates"
            self.certificate_folder.mkdir(exist_ok=True)
            (self.certificate_folder / "ca.crt").write_bytes(self.certificate.read_bytes())
            limits = self.model.get("server", {})
            spec = {
                "folder": str(self.folder), "data": str(self.data), "address": SERVER, "tls": self.tls,
                "certificate": str(self.certificate), "key": str(key), "token": self.token,
                "redirects": limits.get("redirects", False), "connectionLimit": limits.get("connectionLimit"),
                "retryAfter": limits.get("retryAfterSeconds"), "limitRate": self.limit_rate,
                "slow": slow_server(self.model),
            }
            # The namespace is there from the start; the servers wait for loopback inside it.
            start = f"ip link set lo up && exec {shlex.join(places.program('link.lab_servers'))} \"$0\""
            self.far = stack.enter_context(
                self._process(["unshare", "--net", "sh", "-c", start, json.dumps(spec)]))
            self.emulator = stack.enter_context(self._process([
                EMULATOR, "--model", str(self.path), "--client-device", "lab0",
                "--server-device", "lab1"]))
            if self.emulator.stdout.readline().strip() != "ready":
                raise RuntimeError("the link emulator did not start")
            if not json.loads(self.far.stdout.readline() or "{}").get("ready"):
                raise RuntimeError(f"the lab's servers did not start; see {self.folder}")
            self._connect()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    @contextlib.contextmanager
    def _process(self, command):
        """A process that talks in lines and stops when its input ends."""
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        try:
            yield process
        finally:
            process.stdin.close()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()

    def _connect(self):
        far = ["nsenter", f"--net=/proc/{self.far.pid}/ns/net"]
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["ip", "link", "set", "lab1", "netns", str(self.far.pid)], **quiet)
        for prefix, device, own, other in (([], "lab0", CLIENT, SERVER), (far, "lab1", SERVER, CLIENT)):
            # Servers do not remember one puller's path for the next, and nothing but ours is on the link.
            settings = {"net.ipv4.tcp_no_metrics_save": 1, "net.ipv6.conf.all.disable_ipv6": 1}
            subprocess.run(prefix + ["sysctl", "-qw", *(f"{k}={v}" for k, v in settings.items())], **quiet)
            subprocess.run(prefix + ["ip", "address", "add", own, "peer", other, "dev", device], **quiet)
            subprocess.run(prefix + ["ip", "link", "set", device, "txqueuelen", "20000", "up"], **quiet)
            # CUBIC is what most servers use; a route may say so without rights over the whole machine.
            route = ["ip", "route", "replace", other, "dev", device, "congctl", "cubic"]
            window = self.model.get("initialWindow")
            subprocess.run(prefix + route + (["initcwnd", str(int(window))] if window else []), **quiet)

    # MARK: Runs

    def _ask(self, process, line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def restart(self, seed=1):
        """Begins the model's time, its changes, its random choices and all counters again."""
        self._ask(self.emulator, f"restart {seed}")
        self._log_start = self.access_log.stat().st_size

    def quiet(self):
        """Waits until nothing of the run before is on the link."""
        before = None
        while before != (before := self.packets()):
            time.sleep(0.25)

    def packets(self):
        """Packets that crossed the link either way since `restart`."""
        counters = self._ask(self.emulator, "counters")
        return counters["down"]["packets"] + counters["up"]["packets"]

    def counters(self):
        """What the link carried since `restart`, and what the servers answered."""
        counters = self._ask(self.emulator, "counters")
        with open(self.access_log) as log:
            log.seek(self._log_start)
            lines = [line.split() for line in log]
        counters["requests"] = len(lines)
        counters["refused"] = sum(line[1] == "429" for line in lines)
        # When the first request for each blob arrived that brought more of it than a question's one byte.
        counters["blobsAt"] = {}
        for _, status, path, _, size, ended, seconds in lines:
            if "/blobs/" in path and status in ("200", "206") and int(size) > 1:
                digest, arrived = path.rpartition("/")[2], float(ended) - float(seconds)
                counters["blobsAt"][digest] = min(arrived, counters["blobsAt"].get(digest, arrived))
        return counters

    def senders(self):
        """What the kernel at the far end counted of its connections, since the lab began.

        Names are the kernel's own: `RetransSegs`, `TCPTimeouts`, `TCPHystartDelayDetect` and so on.
        """
        found = {}
        for file, wanted in (("snmp", "Tcp:"), ("netstat", "TcpExt:")):
            lines = pathlib.Path(f"/proc/{self.far.pid}/net/{file}").read_text().splitlines()
            names, values = [line.split()[1:] for line in lines if line.startswith(wanted)]
            found |= dict(zip(names, map(int, values), strict=True))
        return found

    @contextlib.contextmanager
    def cross_traffic(self):
        """Other people's downloads, as the model's time says, for as long as the block lasts."""
        ended = threading.Event()
        started = []

        def download(flows, begin, end):
            if ended.wait(begin):
                return
            command = ["curl", "-s", "-o", "/dev/null", f"http://{SERVER}:{BULK_PORT}/endless"]
            mine = [subprocess.Popen(command, preexec_fn=die_with_parent) for _ in range(flows)]
            ended.wait(end - begin)
            for process in mine:
                process.kill()
                process.wait()

        for traffic in self.model.get("crossTraffic", []):
            thread = threading.Thread(
                target=download, args=(traffic["flows"], traffic["fromSeconds"], traffic["untilSeconds"]))
            thread.start()
            started.append(thread)
        try:
            yield
        finally:
            ended.set()
            for thread in started:
                thread.join()

    # MARK: Self-test

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


def show_self_test(name, rows):
    for what, measured, wanted, unit, is_right in rows:
        print(f"  {name:16} {what:24} {measured:9.2f}  model {wanted:9.2f} {unit:22} "
              f"{'ok' if is_right else 'WRONG'}", flush=True)
    return all(row[4] for row in rows)
