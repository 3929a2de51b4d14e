"""The phases of tools/signals: how each is reached, held and seen."""
import contextlib
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import termios
import time

from cairnlab.faults.cases import REPOSITORY
from cairnlab.registry.contents import Image
from cairnlab.registry.fault_server import FaultyRegistry
from cairnlab.signals.runs import PATIENCE, Phase


class Zeros:
    """So many bytes of nothing, which need no memory."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, part):
        return bytes(len(range(*part.indices(self.count))))


class BigImage(Image):
    """An image whose layer is large, since nothing else keeps a verifier or a writer busy."""

    def __init__(self, count):
        super().__init__("big", [10_000])
        name, hashed = None, hashlib.sha256()
        for start in range(0, count, 1 << 20):
            hashed.update(bytes(min(1 << 20, count - start)))
        name = "sha256:" + hashed.hexdigest()
        self.blobs[name], self.big = Zeros(count), name
        document = json.loads(self.manifest)
        document["layers"].append({**document["layers"][0], "digest": name, "size": count})
        self.manifest = json.dumps(document).encode()
        self.digest = "sha256:" + hashlib.sha256(self.manifest).hexdigest()


class ServedPhase(Phase):
    """A phase with a registry."""
    sizes = [300_000, 50_000]
    server_options: dict[str, object] = {}

    def image(self):
        return Image(self.name, self.sizes)

    def __enter__(self):
        self.made = self.image()
        self.is_held = True
        self.server = FaultyRegistry({REPOSITORY: self.made},
                                     plan=lambda request: self.plan(request) if self.is_held else None,
                                     **self.server_options).__enter__()
        return self

    def __exit__(self, *exception):
        self.server.__exit__()

    def plan(self, request):
        return None

    def prepare(self):
        self.is_held = True
        self.seen = len(self.server.requests)
        shutil.rmtree(self.puller.store, ignore_errors=True)

    def requests(self, kind):
        return [one for one in self.server.requests[self.seen:] if one.kind == kind]

    def options(self):
        return []

    def command(self):
        return self.puller.command(self.server, REPOSITORY, *self.options())

    def second(self):
        """The same pull with a registry that answers: the image, and no byte fetched that was there
        already.
        """
        self.is_held = False
        rate, self.server.rate = self.server.rate, None
        outcome = self.puller.pull(self.server, REPOSITORY, command=[*self.command(), *self.again_options()])
        self.server.rate = rate
        if outcome.code != 0:
            return [f"{outcome.text} {outcome.words[-200:]}"]
        return ([f"lacks {name}" for name in self.puller.lacks(self.made)]
                + [f"left over {name}" for name in self.puller.left_over()])

    def again_options(self):
        return []


class Resolve(ServedPhase):
    """The manifest's answer does not come, stops in its middle, or the name of the registry is looked up in
    vain.
    """
    name = "resolve"

    def prepare(self):
        super().prepare()
        self.way = self.chance.choice(["silent", "stopped", "dripping"])

    def plan(self, request):
        return {"silent": "silence", "stopped": "stall",
                "dripping": "trickle"}[self.way] if request.kind == "manifest" else None

    def is_in(self):
        return any(one.ended > 1e9 for one in self.requests("manifest"))


class Name(Phase):
    """A registry's name is looked up, and no name server says anything: in a network of its own, where
    packets are lost.
    """
    name, limit = "name", 1.0
    alone = """printf 'nameserver 10.9.9.53\\noptions timeout:30\\n' > "$0/resolv.conf" &&
        mount --bind "$0/resolv.conf" /etc/resolv.conf &&
        ip link set lo up &&
        ip link add silent type veth peer name other && ip addr add 10.9.9.1/24 dev silent &&
        ip link set silent up && ip link set other up &&
        ip neigh add 10.9.9.53 lladdr 02:00:00:00:00:01 dev silent && exec "$@" """

    @classmethod
    def obstacle(cls):
        has_all = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
        return None if has_all and subprocess.run(["unshare", "-m", "-n", "true"],
                                                  stderr=subprocess.DEVNULL).returncode == 0 else (
            "it needs a network of its own: root, unshare and ip")

    def prepare(self):
        self.way = self.chance.choice(["pull", "tags", "inspect", "digest", "several"])

    def command(self):
        names = ["silent.example/app"] + (["quiet.example/app"] if self.way == "several" else [])
        return [self.cairn, "pull" if self.way == "several" else self.way, *names,
                *(["--history", self.puller.history, "--store", self.puller.store]
                  if self.way in ("pull", "several") else [])]

    def begin(self):
        self.process = self.start(self.command(),
                                  prefix=["unshare", "-m", "-n", "sh", "-c", self.alone, self.folder])
        return self.process

    def is_in(self):
        """A question is on its way to the name server."""
        try:
            return "3509090A:0035" in pathlib.Path(f"/proc/{self.process.pid}/net/udp").read_text()
        except OSError:
            return False


class Token(ServedPhase):
    """The token service does not answer, or a credential helper does not end."""
    name = "token"
    server_options = {"token": True}

    def prepare(self):
        super().prepare()
        self.way = self.chance.choice(["silent", "stopped", "helper"])
        (self.folder / "bin").mkdir(exist_ok=True)
        mark, helper = self.folder / "asked", self.folder / "bin/docker-credential-slow"
        mark.unlink(missing_ok=True)
        helper.write_text(f"#!/bin/sh\necho > '{mark}'\nsleep 60\n")
        helper.chmod(0o755)
        (self.folder / "auth.json").write_text(json.dumps(
            {"credHelpers": {self.server.host: "slow"}} if self.way == "helper" else {}))

    def environment(self):
        return {**super().environment(), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def plan(self, request):
        return ("silence" if self.way == "silent" else "stall") if request.kind == "token" else None

    def options(self):
        return ["--authfile", self.folder / "auth.json"]

    def again_options(self):
        (self.folder / "auth.json").write_text("{}")
        return []

    def is_in(self):
        return (self.folder / "asked").exists() or any(one.ended > 1e9 for one in self.requests("token"))


class Download(ServedPhase):
    """Layers come slowly, or have stopped coming."""
    name, sizes = "download", [3 << 20, 2 << 20, 900_000]
    server_options = {"rate": 1 << 20}

    def prepare(self):
        super().prepare()
        self.way = self.chance.choice(["coming", "stopped"])

    def plan(self, request):
        return "stall" if self.way == "stopped" and request.kind == "blob" and request.number % 2 else None

    def is_in(self):
        blobs = self.requests("blob")
        return any(one.sent for one in blobs) and sum(one.sent for one in blobs) < self.made.size

    def left(self):
        return [f"wrong bytes in {name}" for name in self.puller.wrong()]


class Verify(ServedPhase):
    """All bytes are there, and are read once more: after an interruption, or by `store verify`."""
    name, again_every, window = "verify", 8, 0.25
    bytes = 768 << 20

    def image(self):
        return BigImage(self.bytes)

    def prepare(self):
        self.is_held, self.seen = False, len(self.server.requests)
        self.way = self.chance.choice(["pull", "store verify"])
        if self.way == "store verify" and not self.blob().exists():
            self.problems += self.second()
            self.way = "store verify"
        # The next pull goes on from what an interrupted one left.
        if self.way == "pull" and not self.parts():
            self.interrupt_download()
        self.seen = len(self.server.requests)

    def blob(self):
        return self.puller.store / "blobs/sha256" / self.made.big.removeprefix("sha256:")

    def parts(self):
        return list((self.puller.store / ".cairn/ingest").glob(
                f"*{self.made.big.removeprefix('sha256:')}*.partial"))

    def interrupt_download(self):
        """Stops a pull when all but a part of the large layer's last segment has come."""
        shutil.rmtree(self.puller.store, ignore_errors=True)
        self.plan = lambda request: "stall" if (
            request.digest == self.made.big
            and (not request.range or request.range[1] == self.bytes)) else None
        self.is_held, begun, before = True, time.monotonic(), 0
        process = self.start(self.command())
        while process.poll() is None and time.monotonic() < begun + PATIENCE:
            time.sleep(0.2)
            sent = sum(one.sent for one in self.requests("blob"))
            if sent == before and sent > self.bytes * 0.8:
                break
            before = sent
        process.terminate()
        process.wait()
        self.is_held = False
        if not self.parts():
            self.problems.append(f"verify: no interrupted pull to go on from: exit {process.returncode}")

    def command(self):
        if self.way == "store verify":
            return [self.cairn, "store", "verify", "--store", self.puller.store]
        return super().command()

    def begin(self):
        process = super().begin()
        self.process = process
        return process

    def is_in(self):
        """The large file is open and not at its end, and nothing of it is on its way."""
        if self.way == "pull" and (not self.requests("manifest")
                                   or any(one.ended > 1e9 for one in self.requests("blob"))):
            return False
        return (self.way == "store verify" and reads(self.process, self.made.big, self.bytes)) or (
            self.way == "pull" and not self.blob().exists() and reads(self.process, self.made.big, None))

    def second(self):
        self.way = "pull"
        return super().second()

    def is_whole(self):
        return self.blob().exists()


def reads(process, name, size):
    """Whether a process has a blob's file open, and, with a size, is in its middle."""
    folder = pathlib.Path(f"/proc/{process.pid}/fd")
    try:
        for one in folder.iterdir():
            if name.removeprefix("sha256:") in os.readlink(one) and not os.readlink(one).endswith(".map"):
                if size is None:
                    return True
                place = re.search(r"pos:\s*(\d+)", (folder.parent / "fdinfo" / one.name).read_text())
                return 0 < int(place[1]) < size
    except OSError:
        pass
    return False


class Output(ServedPhase):
    """An image that is in the store goes to an output."""
    again_every, window = 4, 0.2
    kinds: list[str] = []
    bytes = 512 << 20

    def image(self):
        return BigImage(self.bytes)

    def __enter__(self):
        super().__enter__()
        self.target, self.place = "", self.folder / "out"
        self.is_held = False
        self.seen = 0
        outcome = self.puller.pull(self.server, REPOSITORY)
        self.problems += [] if outcome.code == 0 else [f"{self.name}: no image: {outcome.words}"]
        return self

    def prepare(self):
        self.seen = len(self.server.requests)
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        self.way = self.chance.choice(self.kinds)
        self.target = f"{self.way.split(' ')[0]}:{self.place}/image"
        if self.way.endswith("pipe"):
            os.mkfifo(self.place / "image")

    def begin(self):
        if self.way.endswith("pipe"):
            # Somebody who opens it and does not read.
            self.reader = os.open(self.place / "image", os.O_RDWR | os.O_NONBLOCK)
        return super().begin()

    def end(self, process):
        if self.way.endswith("pipe"):
            os.close(self.reader)
            (self.place / "image").unlink()

    def options(self):
        return ["--output", self.target] if self.target else []

    def is_in(self):
        if self.way.endswith("pipe"):
            return self.is_full()
        return any(True for _ in self.place.rglob(".cairn-*")) and not self.is_whole()

    def is_full(self):
        import array
        import fcntl
        count = array.array("i", [0])
        fcntl.ioctl(self.reader, termios.FIONREAD, count)
        return count[0] > 8192

    def is_whole(self):
        return (self.place / "image").exists() and not self.way.startswith("oci ")

    def left(self):
        """An archive or a directory is there as a whole or not at all; a layout may have blobs, and names
        none before they are there.
        """
        place = self.place / "image"
        if self.way == "oci":
            return ["the layout names an image"] if (place / "index.json").exists() else [
                f"half of {one.name}" for one in place.glob("blobs/*/*") if one.stat().st_size not in (
                    len(self.made.blobs.get(f"sha256:{one.name}", self.made.manifest)),)]
        return [f"left {place.name}"] if place.exists() else []

    def second(self):
        if not self.target or self.way.endswith("pipe"):
            self.target = f"dir:{self.place}/again"
        shutil.rmtree(self.place / "again", ignore_errors=True)
        return super().second()

    def again_options(self):
        return ["--overwrite"]


class Archive(Output):
    name = "archive"
    kinds = ["docker-archive", "oci-archive", "docker-archive pipe"]


class Unpacked(Output):
    name = "unpacked output"
    kinds = ["dir", "oci"]

    def is_whole(self):
        place = self.place / "image"
        return place.exists() if self.way == "dir" else (place / "index.json").exists()


class Sweep(ServedPhase):
    """Pulls of a sweep, slow ones and quick ones, and what lies between them."""
    name, window = "sweep", 1.0

    def __enter__(self):
        super().__enter__()
        self.server.rate = 1 << 20
        return self

    def prepare(self):
        super().prepare()
        self.way = self.chance.choice(["held", "going on"])
        self.held_at = self.chance.randint(0, 8)

    def plan(self, request):
        is_held = self.way == "held" and request.kind == "blob" and request.number % 9 >= self.held_at
        return "stall" if is_held else None

    def sweep(self, repeat):
        return [self.cairn, "tune", "--sweep", f"{self.server.host}/{REPOSITORY}", "--history",
                self.puller.history, "--plain-http",
                "--hosts-dir", self.folder / "hosts", "--workers", "1-3", "--repeat", repeat, "--yes"]

    def command(self):
        return self.sweep(40)

    def is_in(self):
        return bool(self.requests("manifest"))

    def second(self):
        """A short sweep ends, and a long one goes on after what was measured: its state is read, so it says
        so.
        """
        self.is_held = False
        return self.quick(*self.sweep(1)[1:])


class Prune(Phase):
    """A store with very many blobs that nobody needs."""
    name, window = "prune", 0.15
    count = 20_000

    def prepare(self):
        self.way = "removing"
        self.blobs = self.puller.store / "blobs/sha256"
        if not self.blobs.exists():
            self.blobs.mkdir(parents=True, exist_ok=True)
            (self.puller.store / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
            (self.puller.store / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
        for number in range(self.count):
            path = self.blobs / hashlib.sha256(str(number).encode()).hexdigest()
            if not path.exists():
                path.touch()

    def command(self):
        return [self.cairn, "store", "prune", "--store", self.puller.store]

    def is_in(self):
        with os.scandir(self.blobs) as entries:
            return 0 < sum(1 for _ in entries) < self.count

    def is_whole(self):
        return not any(self.blobs.iterdir())

    def second(self):
        words = self.quick("store", "prune", "--store", self.puller.store)
        return words + (["blobs are left"] if any(self.blobs.iterdir()) else [])


class Import(Phase):
    """What another machine learned: from somebody who does not send all of it, and so much that reading it
    takes a while.
    """
    name = "import"

    def __enter__(self):
        point = {"statistics": {"weight": 3 / 7, "mean": 100 / 7, "squares": 4 / 7, "busyWeight": 2 / 7}}
        path = {"registry": "r.example", "blobHost": "b.example", "pulls": 3,
                "points": [{"poolSize": size, **point} for size in range(1, 30)]}
        self.export = self.folder / "export.json"
        self.problems += self.quick("tune", "--export", self.export, "--history", self.puller.history)
        document = json.loads(self.export.read_text())
        document["paths"] = [{**path, "registry": f"r{number}.example"} for number in range(150)]
        self.large = self.folder / "large.json"
        self.large.write_text(json.dumps(document))
        # What is refused as soon as it is read keeps nobody busy.
        self.problems += self.quick("tune", "--import", self.large, "--history", self.folder / "other.sqlite")
        self.pipe = self.folder / "pipe"
        os.mkfifo(self.pipe)
        return self

    def prepare(self):
        self.way = self.chance.choice(["pipe", "large"])
        self.window = 0.3 if self.way == "pipe" else 0.15

    def command(self):
        return [self.cairn, "tune", "--import", self.pipe if self.way == "pipe" else self.large, "--history",
                self.puller.history]

    def begin(self):
        self.writer = os.open(self.pipe, os.O_RDWR | os.O_NONBLOCK)
        if self.way == "pipe":
            os.write(self.writer, b'{"paths": [')
        self.process = super().begin()
        return self.process

    def end(self, process):
        os.close(self.writer)

    def is_in(self):
        name = "pipe" if self.way == "pipe" else "large.json"
        try:
            numbers = os.listdir(f"/proc/{self.process.pid}/fd")
            return any(
                os.readlink(f"/proc/{self.process.pid}/fd/{one}").endswith(name) for one in numbers) or (
                self.way == "large" and self.has_begun())
        except OSError:
            return False

    def has_begun(self):
        """What it has read is more than the program itself needs."""
        counts = pathlib.Path(f"/proc/{self.process.pid}/io").read_text()
        return int(re.search(r"rchar: (\d+)", counts)[1]) > self.large.stat().st_size

    def is_whole(self):
        return self.way == "large"

    def second(self):
        return self.quick("tune", "--import", self.export, "--history", self.puller.history)


class Prompt(ServedPhase):
    """Somebody is asked something on a terminal: whether to forget, or for a password."""
    name = "prompt"

    def __enter__(self):
        super().__enter__()
        self.is_held, self.seen, self.way = False, 0, "forget"
        outcome = self.puller.pull(self.server, REPOSITORY)
        self.problems += [] if outcome.code == 0 else [f"prompt: no history: {outcome.words}"]
        return self

    def prepare(self):
        super().prepare()
        self.way = self.chance.choice(["forget", "password"])
        self.control, self.terminal = pty.openpty()
        os.set_blocking(self.control, False)
        self.before, self.said = termios.tcgetattr(self.terminal), b""

    def command(self):
        if self.way == "forget":
            return [self.cairn, "tune", "--reset", "--history", self.puller.history]
        return self.puller.command(self.server, REPOSITORY, "--creds", "someone")

    def second(self):
        self.way = "pull"
        self.is_held = False
        outcome = self.puller.pull(self.server, REPOSITORY)
        return [] if outcome.code == 0 else [f"{outcome.text} {outcome.words[-200:]}"]

    def begin(self):
        # The first terminal that a session's leader opens is its own, as a shell's would be.
        name = os.ttyname(self.terminal)
        return subprocess.Popen(
            ["sh", "-c", f'exec "$@" <{name} >{name} 2>&1', "-", *map(str, self.command())],
            start_new_session=True, env=self.environment())

    def is_in(self):
        with contextlib.suppress(OSError):
            self.said += os.read(self.control, 65536)
        return b"[y/N]" in self.said if self.way == "forget" else re.search(
                rb"[Pp]assword", self.said) is not None

    def end(self, process):
        self.after = termios.tcgetattr(self.terminal)
        os.close(self.control)
        os.close(self.terminal)

    def left(self):
        return ["the terminal is left without echo"] if self.after[3] != self.before[3] else []


ALL = [Resolve, Name, Token, Download, Verify, Archive, Unpacked, Sweep, Prune, Import, Prompt]
