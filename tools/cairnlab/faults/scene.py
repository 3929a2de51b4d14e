"""Where a case of the fault matrix is played and judged: its registry, its pull, what may come again."""
import contextlib
import dataclasses
import pathlib
import subprocess
import threading
import time

from cairnlab.faults.runs import (
    Outcome,
    Puller,
    kept_and_sent_again,
    sent_twice,
    spans,
)
from cairnlab.registry import servers
from cairnlab.registry.contents import Image
from cairnlab.registry.fault_server import FaultyRegistry

REPOSITORY = "app/image"
# Bytes a second of one connection, so that a fault in the middle meets a pull in its middle.
RATE = 3 << 20
# Bytes that a pull may fetch again after one that failed: what four connections had on their way.
SLACK = 512 << 10
# Bytes that a pull which went on may have been sent rightly and yet fetched again.
TWICE = 2 << 20


@dataclasses.dataclass
class Case:
    """`wanted` is "image", the exit code of a clear error, or several of these; `said` a word that the error
    must contain.

    `least` and `limit` are the seconds that it takes at least, because of the fault, and at most; `twice` the
    bytes that may come again in a pull that goes on, `slack` in the one after an error.
    """
    group: str
    name: str
    run: object
    wanted: object = "image"
    said: str = ""
    limit: float = 60
    least: float = 0
    twice: int = TWICE
    slack: int = SLACK

    def allows(self, outcome):
        wanted = self.wanted if isinstance(self.wanted, tuple) else (self.wanted,)
        return ("image" if outcome.code == 0 else outcome.code) in wanted


@dataclasses.dataclass
class Verdict:
    """What came of a case.

    `more` is by how much more than the image crossed the network, also in the pull that followed an error;
    `again` the bytes that were rightly sent and yet fetched again.
    """
    case: Case
    outcome: object
    more: float
    again: int
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
            ["cc", "-O1", "-shared", "-fPIC", "-o", self.preload,
             pathlib.Path(__file__).parent / "faulty_calls.c", "-ldl"],
            check=True)
        self.certificate = servers.make_certificate(self.folder, "right")
        self.expired = servers.make_certificate(self.folder, "expired", days=-1)
        self.image = Image(seed, [6 << 20, 2 << 20, 300_000, 20_000])

    def calls(self, call, error, after, path):
        """The environment in which a system call fails."""
        return {"LD_PRELOAD": str(self.preload), "FAULT_CALL": call, "FAULT_ERRNO": str(int(error)),
                "FAULT_AFTER": str(after), "FAULT_PATH": path}

    def verdict(self, case, number):
        """Runs a case; after an error, pulls again without its fault, which must bring the image and little
        twice.
        """
        scene = Scene(self, case, self.folder / f"case-{number}")
        with contextlib.ExitStack() as stack:
            try:
                return self.judged(case, scene, case.run(scene, stack))
            except Exception as error:  # The other cases go on.
                return Verdict(case, Outcome(None, 0, ""), 0, 0, [f"the case itself failed: {error!r}"])

    def judged(self, case, scene, outcome):
        problems = scene.problems + [f"wrong bytes in {name}" for name in scene.puller.wrong()]
        before = scene.requests()
        again = sent_twice(spans(before))
        if outcome.code is None:
            problems.append(f"hung for {outcome.seconds:.0f} s")
        elif not case.allows(outcome):
            problems.append(f"{outcome.text}: {outcome.words[-200:]}")
        if not scene.has_happened():
            problems.append("the fault never happened")
        if outcome.seconds < case.least:
            problems.append(f"over after {outcome.seconds:.1f} s: the fault was not there long enough")
        if outcome.code == 0:
            problems += [f"lacks {name[:19]}" for name in scene.puller.lacks(self.image)]
            if again > case.twice:
                problems.append(f"{again / 1e6:.2f} MB were rightly sent twice")
        elif outcome.code is not None:
            if "cairn: " not in outcome.words or case.said not in outcome.words:
                problems.append(f"unclear: {outcome.words[-200:]}")
            scene.heal()
            then = scene.puller.pull(scene.server, REPOSITORY)
            if then.code != 0 or scene.puller.lacks(self.image):
                problems.append(f"not mended by the next pull: {then.text} {then.words[-200:]}")
            again = kept_and_sent_again(outcome, before, scene.requests())
            if again > case.slack:
                problems.append(f"{again / 1e6:.2f} MB that were here are fetched again")
            problems += [f"wrong bytes in {name}" for name in scene.puller.wrong()]
        more = sum(one.sent for one in scene.requests() if one.kind == "blob") / self.image.size - 1
        return Verdict(case, outcome, more, again, problems)


class Scene:
    """One case's server, store and what it found out."""

    def __init__(self, bench, case, folder):
        self.bench, self.case, self.image, self.folder = bench, case, bench.image, folder
        self.puller = Puller(bench.cairn, folder)
        self.problems, self.servers = [], []
        self.lock, self.seen = threading.Lock(), 0
        self.log = folder.parent / f"{folder.name}.log"
        # Whether what the case is about came to pass, where requests do not tell.
        self.happenings = []

    def serve(self, stack, plan=None, **options):
        """Starts a server; the last one is the registry, those before it have its blobs."""
        options.setdefault("rate", RATE)
        if options.get("certificate") is True:
            options["certificate"] = self.bench.certificate
        self.servers.append(stack.enter_context(FaultyRegistry({REPOSITORY: self.image}, plan, **options)))
        return self.server

    @property
    def server(self):
        return self.servers[-1]

    def requests(self):
        return sorted((one for server in self.servers for one in list(server.requests)),
                      key=lambda one: one.time)

    def has_happened(self):
        """Whether a request met a fault, a system call failed, or the case saw its own fault come to pass."""
        return (any(one.fault for one in self.requests()) or self.log.exists()
                or any(seen() for seen in self.happenings))

    def pull(self, *options, **more):
        more.setdefault("limit", self.case.limit)
        more["environment"] = {**more.get("environment", {}), "FAULT_LOG": str(self.log)}
        return self.puller.pull(self.server, REPOSITORY, "--workers", "4", *options, **more)

    def heal(self):
        """The fault is over."""
        for server in self.servers:
            server.plan = lambda request: None
            server.certificate = self.bench.certificate if server.certificate else None
            server.gate.set()
            server.realm = None
            if server.certificate and server.blob_origin and not server.blob_origin.certificate:
                server.blob_origin = None
            if server.listener.fileno() < 0:
                server.admit()

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
        """Does something so many seconds after the first bytes of a blob went out: by the clock alone a busy
        machine might not have begun.
        """
        done = threading.Event()

        def act():
            while not any(one.sent for one in self.requests() if one.kind == "blob"):
                time.sleep(0.005)
            time.sleep(seconds)
            action()
            done.set()
        threading.Thread(target=act, daemon=True).start()
        self.happenings.append(done.is_set)


# MARK: Answers that are wrong
