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
import subprocess
import sys
import threading
import time

from cairnlab import places
from cairnlab.link import measures
from cairnlab.link.emulated import slow_server
from cairnlab.link.lab_servers import BLOB_PORT, BULK_PORT, CLIENT, REGISTRY_PORT, SERVER
from cairnlab.registry import servers

EMULATOR = os.environ.get("LINK_EMULATOR") or str(places.ROOT / ".build/release/link-emulator")
INSIDE = "CAIRN_LINK_LAB"
PACKAGES = ["iproute2", "procps", "util-linux"]
# Where the lab's files lie: a file system in memory of its own, as in a container.
PRIVATE = "/dev/shm"


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


def variant(name, path, **fields):
    """A model file at `path` that is the model of that name but for some fields; None takes one away."""
    model = json.loads((places.ROOT / "models" / f"{name}.json").read_text()) | fields
    path.write_text(json.dumps({name: value for name, value in model.items() if value is not None}))
    return path


class Lab(measures.Measures):
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


def show_self_test(name, rows):
    for what, measured, wanted, unit, is_right in rows:
        print(f"  {name:16} {what:24} {measured:9.2f}  model {wanted:9.2f} {unit:22} "
              f"{'ok' if is_right else 'WRONG'}", flush=True)
    return all(row[4] for row in rows)
