"""Fixed pools, first pulls and pulls that know the path, over one link of the lab: the runs of
tools/bench-pool.
"""
import dataclasses
import pathlib
import random
import shutil
import statistics

from cairnlab.bench import pulls
from cairnlab.link import lab

SIZES = (1, 2, 4, 8, 16, 32, 64)
# Fixed pools within this of the best are as good.
TOLERANCE = 1.02
# A fixed pool that takes so many times as long as the fastest pull so far is given up.
HOPELESS = 2
# What the figures are held against: medians of first pulls and of pulls that know the path over the best
# fixed pool, the worst first pull, and workers over the smallest fixed pool that is as good.
BARS = {"cold": 1.15, "worst": 1.4, "warm": 1.04, "workers": 2.0}


@dataclasses.dataclass(frozen=True)
class Case:
    """A link (a model with some fields changed), what nginx gives each request, and an image of about 5 s."""
    model: str
    layers: str
    limit_rate: str | None = None
    changes: dict = dataclasses.field(default_factory=dict)
    # Fixed sizes beside those of every case, where the best lies between two of them.
    more: tuple = ()


def line(megabits, milliseconds):
    """A home line of that rate and length; a buffer of about 80 ms."""
    return {"bandwidthMbit": megabits, "roundTripMs": milliseconds, "bufferKiB": megabits * 10.24}


CASES = {
    **{f"limit-{limit}-{trip}": Case("home-100", layers, limit, line(megabits, trip))
       for limit, megabits, layers in (
           ("100k", 100, "16M,8M,4M,2M,1M"), ("200k", 100, "30M,15M,6M,3M,1M"),
           ("1000k", 300, "96M,48M,20M,8M,2M"))
       for trip in (5, 40)},
    "home-100": Case("home-100", "34M,16M,6M,3M,1M"),
    "lossy": Case("lossy-wifi", "28M,12M,6M,3M,1M"),
    "overloaded": Case("overload-10", "90M,40M,16M,8M,2M", more=(12,)),
}


@dataclasses.dataclass
class Run:
    """One pull: seconds (None: given up), and its pool sizes."""
    kind: str
    size: int
    round: int
    seconds: float
    steps: list

    @property
    def last(self):
        return self.steps[-1][1]

    @property
    def most(self):
        return max(size for _, size, _ in self.steps)


class CaseBench:
    """The runs of one case."""

    IMAGE = "bench/pool"

    def __init__(self, name, options, say):
        self.name, self.case, self.options, self.say = name, CASES[name], options, say
        self.folder = pathlib.Path(lab.PRIVATE) / "pool"
        self.runs, self.given_up = [], set()

    def measure(self):
        """Runs every round; returns figures, or None where the link does not do what its model says."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        model = lab.variant(self.case.model, self.folder / "model.json", **self.case.changes)
        data = self.folder / "data"
        size = pulls.push(self.folder, data, self.IMAGE, self.options.layers or self.case.layers)
        with lab.Lab(model, self.folder / "lab", data, limit_rate=self.case.limit_rate) as one:
            # Once more where it is wrong: another process may have taken the machine for a moment.
            if not any(lab.show_self_test(self.name, one.self_test()) for _ in range(2)):
                return None
            for number in range(1, self.options.rounds + 1):
                self.round(one, number)
        shutil.rmtree(self.folder, ignore_errors=True)
        return figures(self.runs) | {"bytes": size}

    def round(self, one, number):
        """One run of everything, in random order; lessons come before what is done with them."""
        chain = [("cold", "lesson")] + [("lesson", "lesson")] * (self.options.lessons - 1) + [
            ("warm", "warm")] * 2
        others = [("fixed", size) for size in (*SIZES, *self.case.more) if size not in self.given_up]
        others += [("cold", "fresh")] * (self.options.colds - 1)
        tasks = others + [None] * len(chain)
        random.Random(f"{self.name}/{number}").shuffle(tasks)
        learned = self.folder / "learned"
        shutil.rmtree(learned, ignore_errors=True)
        for task in tasks:
            kind, what = task or chain.pop(0)
            history = self.folder / "history"
            shutil.rmtree(history, ignore_errors=True)
            if what == "lesson":
                learned.mkdir(exist_ok=True)
                history = learned
            elif what == "warm":
                # A copy: none learns from another of these.
                shutil.copytree(learned, history)
            else:
                history.mkdir()
            options = ["--workers", what] if kind == "fixed" else []
            self.one_run(one, number, kind, what if kind == "fixed" else None, history / "history.sqlite",
                         options)

    def patience(self, number):
        """Seconds for a fixed pool. Who was not given up in the first round is not given up for being near it
        later.
        """
        fastest = min([run.seconds for run in self.runs if run.seconds], default=self.options.patience)
        return min(self.options.patience, HOPELESS * fastest) if number == 1 else self.options.patience

    def one_run(self, one, number, kind, size, history, options):
        folder = self.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        one.quiet()
        # In one round the bandwidth wanders alike for everybody.
        one.restart(number)
        pull = pulls.Pull(one, self.IMAGE, folder, history, *options)
        went_well = pull.wait(self.patience(number) if kind == "fixed" else 60)
        if not went_well and kind == "fixed" and pull.process.returncode == -9:
            self.given_up.add(size)
        elif not went_well:
            raise SystemExit(f"{self.name}: a pull failed: {pull.error or 'it took too long'}")
        self.runs.append(Run(kind, size, number, pull.seconds, pull.sizes()))
        took = f"{pull.seconds:.2f} s" if pull.seconds else "given up"
        self.say(f"  {self.name} {number}: {kind} {size or ''} {took}, "
                 + " -> ".join(str(size) for _, size, _ in self.runs[-1].steps))


def figures(runs):
    """What a case came to; ratios are over the best fixed pool of the same case."""
    fixed = {}
    for size in sorted({*SIZES, *(run.size for run in runs if run.kind == "fixed")}):
        seconds = [run.seconds for run in runs if run.kind == "fixed" and run.size == size]
        fixed[size] = statistics.median(seconds) if seconds and all(seconds) else None
    best = min(seconds for seconds in fixed.values() if seconds)
    enough = min(size for size, seconds in fixed.items() if seconds and seconds <= TOLERANCE * best)
    cold, warm = ([run for run in runs if run.kind == kind] for kind in ("cold", "warm"))
    worst = max(cold, key=lambda run: run.seconds)
    return {
        "fixed": fixed, "best": best, "bestSize": min(size for size in fixed if fixed[size] == best),
        "enough": enough,
        "cold": statistics.median(run.seconds for run in cold) / best, "worst": worst.seconds / best,
        "warm": statistics.median(run.seconds for run in warm) / best,
        "worstWarm": max(run.seconds for run in warm) / best,
        "warmLast": statistics.median_high(run.last for run in warm),
        "warmMost": max(run.most for run in warm),
        "worstSteps": worst.steps, "worstSeconds": worst.seconds,
        "runs": [dataclasses.asdict(run) for run in runs],
    }
