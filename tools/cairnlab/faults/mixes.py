"""Random mixes of faults for tools/faults: equal seeds give equal mixes, and equal requests in them equal
answers.
"""
import collections
import contextlib
import errno
import random
import threading
import time

from cairnlab.faults.cases import DISK, INTEGRITY, NETWORK, NOT_FOUND, REPOSITORY, SURVIVED, UNAUTHORISED
from cairnlab.faults.runs import TRUE_BYTES, Puller, culprit, kept_and_sent_again
from cairnlab.registry.answers import OF_CONTENT
from cairnlab.registry.contents import Image
from cairnlab.registry.fault_server import FaultyRegistry

# Flipped bits are counted by blob: one in each is got over.
ANSWERS = [*SURVIVED, "flipped bit"]
# Those of a manifest or a token, which are asked for one at a time.
OF_SMALL = ["reset", "cut head", "cut body", "stall", "silence", "429 in seconds", "500", "502", "503", "504"]
# What one layer, or the disk, does to a pull that can then not end well, and the exit code that says so.
FATAL = {"404": NOT_FOUND, "flipped bit": INTEGRITY, "redirect to a file": NETWORK,
         "redirect to metadata": NETWORK,
         "429 for a day": NETWORK, "403": UNAUTHORISED, "EIO": DISK, "ENOSPC": DISK, "EDQUOT": DISK}
# What happens to the server while it serves.
EVENTS = ["cuts a third", "refuses for a second", "is silent for a second", "forgets tokens and signatures"]
LIMIT = 180
# What a connection of a pull that gave up may have had on its way, in bytes.
KEPT_SLACK = 256 << 10
# Failures in a row at one place after which a pull may give up: `--retries` (8) and the first, or the doubts
# of the scheduler.
ATTEMPTS = {INTEGRITY: 5, UNAUTHORISED: 5, NETWORK: 9}
# What lasts a whole time limit: three of these in a row are an answer.
SILENT = {"silence": 3, "stall": 3, "trickle": 3}


def ill_fated(outcome, requests, refusals):
    """Whether what a pull gave up had failed so often in a row: by the server's log, at one place of the blob
    that the words name, else for documents and tokens. A server that refuses logs nothing; in a second of it
    there is time for two tries."""
    named = culprit(outcome.words)
    places = collections.defaultdict(list)
    for one in requests:
        if one.digest.startswith(named) if named else one.kind != "blob":
            places[one.digest, one.range and one.range[0]].append(one)

    def failures(place):
        good = max((one.time for one in place if one.sent and one.status in (200, 206)
                    and one.fault in TRUE_BYTES), default=0)
        bad = [one for one in place if one.time > good and (one.fault or one.status in (0, 403))]
        # Before its first request nobody was refused here.
        since = max(good, min((one.time for one in place), default=0))
        return (sum(SILENT.get(one.fault, 1) for one in bad)
                + 2 * sum(moment > since for moment in refusals))
    return outcome.code in ATTEMPTS and max(map(failures, places.values()),
                                            default=0) >= ATTEMPTS[outcome.code]


class Mix:
    """A pull among faults: what goes wrong how often, and what has to come of it."""

    def __init__(self, seed):
        self.seed = seed
        chance = random.Random(f"mix {seed}")
        self.rate = chance.choice([0.05, 0.1, 0.2, 0.3])
        self.faults = chance.sample(ANSWERS, chance.randint(1, 6))
        self.workers = chance.choice([1, 2, 3, 4, 6, 8, 16, 24])
        self.token = chance.random() < 0.5
        self.redirects = chance.random() < 0.4
        self.secure = chance.random() < 0.3
        self.events = chance.sample(EVENTS, chance.choice([0, 0, 1, 1, 2]))
        # A wall clock that jumps; with certificates it would end their time.
        self.clock = chance.choice(
            [86_400, -315_360_000]) if chance.random() < 0.1 and not self.secure else None
        self.image = Image(f"mix {seed % 40}", [
            int(2 ** chance.uniform(8, 21)) for _ in range(chance.randint(1, 12))])
        # One in ten cannot end well.
        self.fatal = chance.choice([*FATAL]) if chance.random() < 0.1 else None
        self.flipped, self.asked = set(), collections.Counter()
        self.lock = threading.Lock()

    def __str__(self):
        parts = [f"{', '.join(self.faults)} in {self.rate:.0%} of the answers", f"{self.workers} workers",
                 *self.events]
        parts += [word for word, holds in (("token", self.token), ("redirects", self.redirects),
                                           ("TLS", self.secure)) if holds]
        parts += [f"clock jumps by {self.clock} s"] if self.clock else []
        return "; ".join(parts + ([f"fatal: {self.fatal}"] if self.fatal else []))

    @property
    def wanted(self):
        return FATAL[self.fatal] if self.fatal else 0

    @property
    def is_disk(self):
        return FATAL.get(self.fatal) == DISK

    def plan(self, request):
        """What the answer suffers; the same for the same request of the same seed, whenever it comes."""
        with self.lock:
            what = (request.kind, request.digest, request.range and request.range[0])
            self.asked[what] += 1
            chance = random.Random(f"{self.seed} {what} {self.asked[what]}")
        if request.kind == "blob":
            content = not self.redirects or "signature=" in request.path
            if self.fatal and not self.is_disk and request.digest == self.image.layers[0] and (
                content or self.fatal not in OF_CONTENT):
                return self.fatal
            if chance.random() >= self.rate:
                return None
            fault = chance.choice([one for one in self.faults if content or one not in OF_CONTENT] or [None])
            if fault == "flipped bit":
                with self.lock:
                    if request.digest in self.flipped:
                        return None
                    self.flipped.add(request.digest)
            return fault
        if request.kind in ("manifest", "token") and chance.random() < self.rate / 2:
            return chance.choice(OF_SMALL)
        return None

    def environment(self, preload):
        if self.is_disk:
            return {"LD_PRELOAD": str(preload), "FAULT_CALL": "pwrite",
                    "FAULT_ERRNO": str(getattr(errno, self.fatal)),
                    "FAULT_AFTER": "1", "FAULT_PATH": ".partial"}
        return {"LD_PRELOAD": str(preload), "FAULT_CLOCK": str(self.clock)} if self.clock else {}

    def happen(self, servers, over):
        """The events, one after the other, until the pull is over."""
        chance = random.Random(f"events {self.seed}")
        while self.events and not over.wait(0.1 + 0.3 * chance.random()):
            event, server = chance.choice(self.events), chance.choice(servers)
            if event == "refuses for a second" and not any(one.status for one in list(server.requests)):
                # Who refuses from the first connection on is nobody, and the pull ends: that is a case of its
                # own.
                continue
            self.happened[event] += 1
            if event == "cuts a third":
                server.drop(0.3, chance)
            elif event == "refuses for a second":
                self.refusals.append(time.monotonic())
                server.refuse()
                server.drop(1.0)
                over.wait(1)
                server.admit()
            elif event == "is silent for a second":
                server.gate.clear()
                over.wait(1)
                server.gate.set()
            else:
                server.expire()
            # A server that is never well serves nobody.
            over.wait(1)

    def run(self, bench, folder):
        """What was wrong with this pull; empty: it ended as it has to. With it the pull's outcome.

        `fired` and `happened` then say what it met, `was_ill_fated` that it gave up where it may.
        """
        puller, problems = Puller(bench.cairn, folder), []
        self.happened, self.refusals, self.again = collections.Counter(), [], 0
        with contextlib.ExitStack() as stack:
            options = {"certificate": bench.certificate if self.secure else None, "rate": 8 << 20}
            origin = None
            if self.redirects:
                origin = stack.enter_context(FaultyRegistry({REPOSITORY: self.image}, self.plan, **options))
            server = stack.enter_context(
                FaultyRegistry({REPOSITORY: self.image}, self.plan, token=self.token, blob_origin=origin,
                               **options))
            servers = [server] + ([origin] if origin else [])
            over = threading.Event()
            events = threading.Thread(target=self.happen, args=(servers, over), daemon=True)
            events.start()
            outcome = puller.pull(
                server, REPOSITORY, "--workers", str(self.workers), "--stall-timeout", "1", limit=LIMIT,
                environment=self.environment(bench.preload))
            over.set()
            events.join()
            requests = [one for each in servers for one in list(each.requests)]
            self.fired = collections.Counter(one.fault for one in requests if one.fault)
            self.was_ill_fated = not self.fatal and ill_fated(outcome, requests, self.refusals)
            if self.is_disk:
                self.fired[self.fatal] += 1
            problems += [f"wrong bytes in {name}" for name in puller.wrong()]
            if outcome.code != self.wanted and not self.was_ill_fated:
                problems.append(f"{outcome.text} in place of {self.wanted}: {outcome.words[-200:]}")
            elif outcome.code == 0:
                problems += [f"lacks {name[:19]}" for name in puller.lacks(self.image)]
            else:
                for one in servers:
                    one.plan = lambda request: None
                then = puller.pull(server, REPOSITORY, limit=LIMIT)
                self.again = kept_and_sent_again(outcome, requests,
                                                 [one for each in servers for one in list(each.requests)])
                if self.again > KEPT_SLACK * self.workers:
                    problems.append(f"{self.again} bytes that were here are fetched again")
                problems += [
                    f"not mended: {then.text} {then.words[-200:]}"] if then.code != 0 or puller.lacks(
                        self.image) else []
        return problems, outcome
