"""The fault matrix of tools/faults: each case is a fault, what has to come of it, and in how many seconds."""
import contextlib
import dataclasses
import errno
import pathlib
import random
import subprocess
import threading
import time

import servers
from fault_runs import Puller
from fault_server import FaultyRegistry, Image

# Exit codes of sysexits.h that a pull ends with.
INTEGRITY, NOT_FOUND, NETWORK, DISK, UNAUTHORISED = 65, 66, 69, 73, 77
REPOSITORY = "app/image"
# Bytes a second of one connection, so that a fault in the middle meets a pull in its middle.
RATE = 3 << 20
# Bytes that a pull may fetch again after one that failed: a segment of each worker.
SLACK = 4 << 20


@dataclasses.dataclass
class Case:
    """`wanted` is "image", the exit code of a clear error, or several of these; `said` a word that the error must contain."""
    group: str
    name: str
    run: object
    wanted: object = "image"
    said: str = ""
    limit: float = 60

    def allows(self, outcome):
        wanted = self.wanted if isinstance(self.wanted, tuple) else (self.wanted,)
        return ("image" if outcome.code == 0 else outcome.code) in wanted


@dataclasses.dataclass
class Verdict:
    """What came of a case: `again` is by how much more than the image crossed the network, also in the pull that followed an error."""
    case: Case
    outcome: object
    again: float
    problems: list

    @property
    def is_right(self):
        return not self.problems


class Bench:
    """What cases share: the program, a folder, the preloaded library, certificates."""

    def __init__(self, cairn, folder, seed):
        self.cairn, self.folder, self.seed = cairn, pathlib.Path(folder), seed
        self.folder.mkdir(parents=True, exist_ok=True)
        self.preload = self.folder / "faulty_calls.so"
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", self.preload, pathlib.Path(__file__).parent / "faulty_calls.c", "-ldl"],
            check=True)
        self.certificate = servers.make_certificate(self.folder, "right")
        self.expired = servers.make_certificate(self.folder, "expired", days=-1)
        self.image = Image(seed, [6 << 20, 2 << 20, 300_000, 20_000])

    def calls(self, call, error, after, path):
        """The environment in which a system call fails."""
        return {"LD_PRELOAD": str(self.preload), "FAULT_CALL": call, "FAULT_ERRNO": str(int(error)),
                "FAULT_AFTER": str(after), "FAULT_PATH": path}

    def verdict(self, case, number):
        """Runs a case; after an error, pulls again without its fault, which must bring the image and little twice."""
        problems = []
        scene = Scene(self, case, self.folder / f"case-{number}")
        with contextlib.ExitStack() as stack:
            outcome = case.run(scene, stack)
            wrong, kept = scene.puller.wrong(), scene.puller.kept()
            if outcome.code is None:
                problems.append(f"hung for {outcome.seconds:.0f} s")
            elif not case.allows(outcome):
                problems.append(f"{outcome.text}: {outcome.words[-200:]}")
            if outcome.code == 0:
                problems += [f"lacks {name[:19]}" for name in scene.puller.lacks(self.image)]
            elif outcome.code is not None:
                if not outcome.words.splitlines()[-1:] or "cairn: " not in outcome.words or case.said not in outcome.words:
                    problems.append(f"unclear: {outcome.words[-200:]}")
                scene.heal()
                before = scene.server.served()
                then = scene.puller.pull(scene.server, REPOSITORY)
                if then.code != 0 or scene.puller.lacks(self.image):
                    problems.append(f"not mended by the next pull: {then.text} {then.words[-200:]}")
                again = scene.server.served() - before - (self.image.size - kept)
                # What is damaged is not kept.
                if again > SLACK and outcome.code != INTEGRITY:
                    problems.append(f"{again / 1e6:.1f} MB that were on disk are fetched again")
            served = scene.server.served()
            problems += [f"wrong bytes in {name}" for name in wrong + scene.puller.wrong()]
            problems += scene.problems
        return Verdict(case, outcome, served / self.image.size - 1, problems)


class Scene:
    """One case's server, store and what it found out."""

    def __init__(self, bench, case, folder):
        self.bench, self.case, self.image, self.folder = bench, case, bench.image, folder
        self.puller = Puller(bench.cairn, folder)
        self.problems, self.server = [], None
        self.lock, self.seen = threading.Lock(), 0
        self.healed = []

    def serve(self, stack, plan=None, **options):
        options.setdefault("rate", RATE)
        self.server = stack.enter_context(FaultyRegistry({REPOSITORY: self.image}, plan, **options))
        return self.server

    def pull(self, *options, **more):
        more.setdefault("limit", self.case.limit)
        return self.puller.pull(self.server, REPOSITORY, "--workers", "4", *options, **more)

    def heal(self):
        """The fault is over."""
        for end in self.healed:
            end()
        self.server.plan = lambda request: None
        self.server.certificate = self.bench.certificate if self.server.certificate else None
        self.server.gate.set()
        self.server.realm = None
        if self.server.listener.fileno() < 0:
            self.server.admit()

    def every(self, fault, count=3, kind="blob", most=None):
        """A plan: each so-manieth request of a kind meets the fault, `most` of them at most."""
        def plan(request):
            if request.kind != kind:
                return None
            with self.lock:
                self.seen += 1
                if self.seen % count == 1 % count and (most is None or self.seen <= most * count):
                    return fault
            return None
        return plan

    def later(self, seconds, action):
        """Does something while the pull is under way."""
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()
        return timer


# MARK: Answers that are wrong

def answers(fault, count=3, kind="blob", most=None, options=("--stall-timeout", "2"), **server):
    def run(scene, stack):
        scene.serve(stack, scene.every(fault, count, kind, most), **server)
        return scene.pull(*options)
    return run


def answer_cases():
    survived = [
        "reset", "cut head", "cut body", "reset body", "last byte", "stall", "silence", "trickle", "200 for a range", "206 of another range",
        "206 that overlaps", "206 without Content-Range", "206 of fewer bytes", "416", "408", "429", "429 in seconds",
        "429 at a date", "429 of nonsense", "500", "502", "503", "504", "shorter body", "longer body", "gzip in transit",
        "not HTTP", "captive portal",
    ]
    cases = [Case("each third blob request", fault, answers(fault)) for fault in survived]
    cases += [Case("the first six blob requests", fault, answers(fault, 1, most=6))
              for fault in ("reset", "cut body", "429 in seconds", "503", "504", "200 for a range")]
    cases += [Case("the first two manifest requests", fault, answers(fault, 1, "manifest", most=2))
              for fault in ("reset", "cut head", "cut body", "stall", "silence", "429 in seconds", "500", "503")]
    cases += [Case("the first two token requests", fault, answers(fault, 1, "token", most=2, token=True))
              for fault in ("reset", "cut body", "silence", "429 in seconds", "500", "503")]
    always = [("404", NOT_FOUND, "blob"), ("500", NETWORK, "a fault"), ("429 for a day", NETWORK, "86400"),
              ("redirect in a circle", NETWORK, "redirect"), ("redirect to a file", NETWORK, "refused"),
              ("redirect to metadata", NETWORK, "refused"), ("flipped bit", INTEGRITY, "digest"),
              ("captive portal", (NETWORK, INTEGRITY), ""), ("401", UNAUTHORISED, ""), ("403", UNAUTHORISED, ""),
              ("cut head", NETWORK, ""), ("silence", NETWORK, ""), ("not HTTP", NETWORK, "")]
    cases += [Case("every blob request", fault, answers(fault, 1, options=("--stall-timeout", "2", "--retries", "3")), code, said, 120)
              for fault, code, said in always]
    cases.append(Case("one blob request", "flipped bit", answers("flipped bit", 1, most=1)))
    cases.append(Case("one blob", "404", one_blob("404"), NOT_FOUND))
    return cases


def one_blob(fault):
    def run(scene, stack):
        lost = scene.image.layers[1]
        scene.serve(stack, lambda request: fault if request.digest == lost else None)
        return scene.pull()
    return run


# MARK: Connections, names, certificates

def refused(seconds):
    def run(scene, stack):
        scene.serve(stack).refuse()
        if seconds:
            scene.later(seconds, scene.server.admit)
        return scene.pull("--retries", "4")
    return run


def refused_midway(seconds):
    def run(scene, stack):
        def outage():
            scene.server.refuse()
            scene.server.drop(1.0)
            scene.later(seconds, scene.server.admit)
        scene.serve(stack, rate=1 << 20)
        scene.later(0.7, outage)
        return scene.pull()
    return run


def unknown_name(scene, stack):
    server = scene.serve(stack)
    command = scene.puller.command(server, REPOSITORY)
    command[2] = f"no-such-host.invalid/{REPOSITORY}"
    return scene.pull(command=[*command, "--retries", "2"])


def untrusted(scene, stack):
    server = scene.serve(stack, certificate=scene.bench.certificate)
    return scene.pull(command=[word for word in scene.puller.command(server, REPOSITORY)
                               if word not in ("--ca-file", scene.bench.certificate[0])])


def expires_midway(scene, stack):
    server = scene.serve(stack, certificate=scene.bench.certificate, rate=1 << 20)

    def swap():
        server.certificate = scene.bench.expired
        server.drop(1.0)
    command = scene.puller.command(server, REPOSITORY, "--workers", "4")
    command[command.index("--ca-file") + 1] = both = scene.folder / "both.pem"
    both.write_bytes(b"".join(pathlib.Path(one[0]).read_bytes()
                                            for one in (scene.bench.certificate, scene.bench.expired)))
    scene.later(0.7, swap)
    return scene.pull(command=command)


def killed_each_second(scene, stack):
    server = scene.serve(stack, rate=300 << 10)
    over, chooser = threading.Event(), random.Random(scene.bench.seed)

    def kill():
        while not over.wait(1):
            server.drop(0.5, chooser)
    threading.Thread(target=kill, daemon=True).start()
    stack.callback(over.set)
    return scene.pull()


def frozen(seconds):
    """Every connection stays open and nothing comes."""
    def run(scene, stack):
        scene.serve(stack, rate=1 << 20)
        scene.later(0.7, scene.server.gate.clear)
        scene.later(0.7 + seconds, scene.server.gate.set)
        return scene.pull("--stall-timeout", "2")
    return run


def link_gone(seconds):
    """Packets to and from the server vanish: a cable that is out."""
    def run(scene, stack):
        def rule(*words):
            subprocess.run(["nft", *words], check=True, capture_output=True)

        def away():
            rule("add", "chain", "inet", "outage", "input", "{ type filter hook input priority 0; }")
            for side in ("sport", "dport"):
                rule("add", "rule", "inet", "outage", "input", "tcp", side, str(scene.server.port), "drop")
        rule("add", "table", "inet", "outage")
        stack.callback(subprocess.run, ["nft", "delete", "table", "inet", "outage"], capture_output=True)
        scene.serve(stack, rate=1 << 20)
        scene.later(0.7, away)
        scene.later(0.7 + seconds, lambda: rule("flush", "chain", "inet", "outage", "input"))
        return scene.pull("--stall-timeout", "5")
    return run


def proxy_dies(comes_back):
    """The server is its own proxy here, under a name that only the proxy knows."""
    def run(scene, stack):
        server = scene.serve(stack, rate=1 << 20)
        command = scene.puller.command(server, REPOSITORY, "--workers", "4", "--retries", "4")
        command[2] = f"registry.test/{REPOSITORY}"

        def death():
            server.refuse()
            server.drop(1.0)
            if comes_back:
                scene.later(2, server.admit)
        scene.later(0.7, death)
        outcome = scene.pull(command=command, environment={"http_proxy": server.origin})
        if not comes_back:
            # The next pull goes straight to the server, under its own name.
            scene.problems += [] if "proxy" in outcome.words or "connect" in outcome.words else [outcome.words]
        return outcome
    return run


def connection_cases():
    return [
        Case("connections", "refused for 3 s", refused(3)),
        Case("connections", "refused for ever", refused(None), NETWORK, "connect"),
        Case("connections", "all cut, refused for 4 s in the middle", refused_midway(4)),
        Case("connections", "half of them killed each second", killed_each_second, limit=120),
        Case("connections", "all silent for 8 s", frozen(8)),
        Case("names", "a name that does not exist", unknown_name, NETWORK, "resolve"),
        Case("TLS", "a certificate that nobody trusts", untrusted, NETWORK, "certificate"),
        Case("TLS", "a certificate that expires in the middle", expires_midway, NETWORK, "certificate"),
        Case("proxy", "dies and comes back", proxy_dies(True)),
        Case("proxy", "dies", proxy_dies(False), NETWORK),
    ]


def link_cases():
    return [Case("link", "gone for 20 s", link_gone(20), limit=120)]


# MARK: Tokens and redirects

def tokens_expire(scene, stack):
    def plan(request):
        # Each twelfth: a server that ends tokens more often than four workers can ask for new ones serves nobody.
        if request.kind == "blob" and request.number % 12 == 0:
            scene.server.tokens = set()
        return None
    scene.serve(stack, plan, token=True)
    return scene.pull()


def token_server(delay):
    def run(scene, stack):
        scene.serve(stack, token=True)
        if delay is None:
            scene.server.realm = f"http://127.0.0.1:{servers.free_port()}/token"
        else:
            scene.server.plan = lambda request: time.sleep(delay) if request.kind == "token" else None
        return scene.pull("--retries", "3")
    return run


def signatures_expire(scene, stack):
    origin = stack.enter_context(FaultyRegistry({REPOSITORY: scene.image}, rate=RATE))

    def plan(request):
        if request.number % 4 == 0:
            origin.signatures = set()
        return None
    origin.plan = plan
    scene.serve(stack, token=True, blob_origin=origin)
    scene.healed.append(lambda: setattr(origin, "plan", lambda request: None))
    outcome = scene.pull("--creds", "user:secret")
    if any("authorization" in request.headers for request in origin.requests):
        scene.problems.append("credentials went to another origin")
    return outcome


def origin_dies(scene, stack):
    origin = stack.enter_context(FaultyRegistry({REPOSITORY: scene.image}, rate=1 << 20))
    scene.serve(stack, token=True, blob_origin=origin)

    def outage():
        origin.refuse()
        origin.drop(1.0)
        scene.later(3, origin.admit)
    scene.later(0.7, outage)
    return scene.pull()


def token_cases():
    return [
        Case("tokens", "401 in the middle: tokens end", tokens_expire),
        Case("tokens", "the token server is slow (3 s)", token_server(3)),
        Case("tokens", "the token server is down", token_server(None), (NETWORK, UNAUTHORISED), "token"),
        Case("redirects", "403: signed addresses expire; credentials at hand", signatures_expire),
        Case("redirects", "the other origin is gone for 3 s", origin_dies),
    ]


# MARK: The machine

def disk(mebibytes, fill=False, readonly=False):
    """A file system too small, filled meanwhile, or read-only."""
    def run(scene, stack):
        folder = scene.folder / "disk"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder], check=True)
        stack.callback(subprocess.run, ["umount", "-l", folder], capture_output=True)
        scene.puller.store = folder / "store"
        scene.serve(stack, rate=1 << 20)
        filler = folder / "filler"
        if fill:
            def write():
                with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                    while True:
                        file.write(bytes(1 << 16))
            scene.later(0.7, write)
        if readonly:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        outcome = scene.pull()
        subprocess.run(["mount", "-o", "remount,rw,size=64m", folder], check=True)
        filler.unlink(missing_ok=True)
        return outcome
    return run


def failing(call, error, after=0, path=".partial"):
    def run(scene, stack):
        scene.serve(stack)
        return scene.pull(environment=scene.bench.calls(call, error, after, path))
    return run


def few_files(number):
    def run(scene, stack):
        scene.serve(stack)
        return scene.pull("--workers", "32", prefix=["prlimit", f"--nofile={number}"])
    return run


def clock(seconds):
    def run(scene, stack):
        scene.serve(stack, token=True, rate=1 << 20)
        return scene.pull(environment={"LD_PRELOAD": str(scene.bench.preload), "FAULT_CLOCK": str(seconds)})
    return run


def machine_cases(is_inside):
    cases = [
        Case("disk", "EIO while writing", failing("pwrite", errno.EIO, 20), DISK),
        Case("disk", "quota while writing", failing("pwrite", errno.EDQUOT, 20), DISK),
        Case("disk", "full while writing, without notice", failing("pwrite", errno.ENOSPC, 20), DISK),
        Case("disk", "made read-only in the middle", failing("pwrite", errno.EROFS, 20), DISK),
        Case("disk", "EIO while syncing", failing("fdatasync", errno.EIO), DISK),
        Case("disk", "EIO while naming a blob", failing("rename", errno.EIO, 1, "blobs"), DISK),
        Case("disk", "full while naming the image", failing("rename", errno.ENOSPC, 0, "index.json"), DISK),
        Case("files", "no more than 24 open files, 32 workers", few_files(24), ("image", DISK, NETWORK)),
        Case("clock", "jumps by a day, there and back", clock(86_400)),
        Case("clock", "jumps by ten years, there and back", clock(-315_360_000)),
    ]
    if is_inside:
        cases += [
            Case("disk", "too small", disk(4), DISK, "free"),
            Case("disk", "filled by another in the middle", disk(24, fill=True), DISK),
            Case("disk", "read-only", disk(24, readonly=True), DISK),
        ]
    return cases


def all_cases(is_inside):
    """Every case; those that take away a link or mount a disk only in namespaces of our own."""
    return [*answer_cases(), *connection_cases(), *(link_cases() if is_inside else []), *token_cases(),
            *machine_cases(is_inside)]
