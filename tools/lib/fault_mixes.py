"""Random mixes of faults for tools/faults: equal seeds give equal mixes."""
import contextlib
import random
import threading

from fault_cases import INTEGRITY, NOT_FOUND, REPOSITORY
from fault_runs import Puller
from fault_server import FaultyRegistry, Image

# What a pull gets over as often as it comes; those of one flipped bit are counted by blob.
SURVIVED = [
    "reset", "cut head", "cut body", "reset body", "last byte", "stall", "silence", "200 for a range", "206 of another range",
    "206 that overlaps", "206 without Content-Range", "206 of fewer bytes", "416", "408", "429", "429 in seconds",
    "429 at a date", "429 of nonsense", "500", "502", "503", "504", "shorter body", "longer body", "gzip in transit",
    "not HTTP", "captive portal", "flipped bit",
]
# Those of a manifest or a token, which are asked for one at a time.
OF_SMALL = ["reset", "cut head", "cut body", "stall", "silence", "429 in seconds", "500", "502", "503", "504"]
LIMIT = 180


class Mix:
    """A pull among faults: what goes wrong how often, and what has to come of it."""

    def __init__(self, seed):
        self.seed = seed
        chance = self.chance = random.Random(f"mix {seed}")
        self.rate = chance.choice([0.03, 0.1, 0.2, 0.3])
        self.faults = chance.sample(SURVIVED, chance.randint(1, 6))
        self.workers = chance.choice([1, 2, 3, 4, 6, 8, 16, 24])
        self.token = chance.random() < 0.5
        self.redirects = chance.random() < 0.4
        self.kills = chance.random() < 0.2
        self.image = Image(f"mix {seed % 40}", [
            int(2 ** chance.uniform(8, 21)) for _ in range(chance.randint(1, 12))])
        # One in ten cannot end well.
        self.fatal = chance.choice(["404", "flipped bit"]) if chance.random() < 0.1 else None
        self.flipped = set()
        self.lock = threading.Lock()

    @property
    def wanted(self):
        return {None: 0, "404": NOT_FOUND, "flipped bit": INTEGRITY}[self.fatal]

    def plan(self, request):
        with self.lock:
            if request.kind == "blob":
                if self.fatal and request.digest == self.image.layers[0]:
                    return self.fatal
                if self.chance.random() < self.rate:
                    fault = self.chance.choice(self.faults)
                    if fault == "flipped bit":
                        if request.digest in self.flipped:
                            return None
                        self.flipped.add(request.digest)
                    return fault
            elif request.kind in ("manifest", "token") and self.chance.random() < self.rate / 2:
                return self.chance.choice(OF_SMALL)
            return None

    def run(self, cairn, folder):
        """What was wrong with this pull; empty: it ended as it has to. With it the pull's outcome."""
        puller, problems = Puller(cairn, folder), []
        with contextlib.ExitStack() as stack:
            origin = None
            if self.redirects:
                origin = stack.enter_context(FaultyRegistry({REPOSITORY: self.image}, self.plan))
            server = stack.enter_context(
                FaultyRegistry({REPOSITORY: self.image}, self.plan, token=self.token, blob_origin=origin))
            over = threading.Event()
            stack.callback(over.set)
            if self.kills:
                def kill():
                    while not over.wait(0.3):
                        for one in (server, origin or server):
                            one.drop(0.3, self.chance)
                threading.Thread(target=kill, daemon=True).start()
            outcome = puller.pull(server, REPOSITORY, "--workers", str(self.workers), "--stall-timeout", "1", limit=LIMIT)
            problems += [f"wrong bytes in {name}" for name in puller.wrong()]
            if outcome.code != self.wanted:
                problems.append(f"{outcome.text} in place of {self.wanted}: {outcome.words[-200:]}")
            elif outcome.code == 0:
                problems += [f"lacks {name[:19]}" for name in puller.lacks(self.image)]
            else:
                server.plan = lambda request: None
                if origin:
                    origin.plan = server.plan
                over.set()
                then = puller.pull(server, REPOSITORY, limit=LIMIT)
                problems += [f"not mended: {then.text} {then.words[-200:]}"] if then.code != 0 or puller.lacks(self.image) else []
        return problems, outcome
