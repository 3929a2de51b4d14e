"""Many pulls at once over one link of the lab, and the same crowd in the simulator."""
import dataclasses
import json
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import time

from cairnlab.bench import pulls
from cairnlab.bench.crowd_machine import Echo, Load
from cairnlab.link import emulated

# Where the line between a crowd's beginning and its middle is drawn: the simulator counts from there too.
SETTLED = 15.0
# When everybody's bytes are compared.
COMPARED = 30.0
PHASES = [(0, 5), (5, 15), (15, 30), (30, 60)]


def jain(shares):
    """Jain's index: 1 where all got the same, 1/n where one got everything."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def middle(values):
    values = list(values)
    return statistics.median(values) if values else None


@dataclasses.dataclass
class Plan:
    """A crowd: when each pull begins, in seconds, and whether it knows the idle round trip."""
    moments: list
    knows_idle: bool
    # The last of `moments` is one who comes late: it counts apart.
    has_late: bool


def moments(clients, window, seed):
    """When so many pulls begin, all within a window."""
    source = random.Random(seed)
    return sorted(source.uniform(0, window) for _ in range(clients))


# MARK: The lab

class Crowd:
    """A crowd on a link of the lab; `run` gives one outcome."""

    IMAGE = "bench/crowd"

    def __init__(self, one, folder, size, limit):
        self.one, self.folder, self.size, self.limit = one, pathlib.Path(folder), size, limit

    def idle_history(self):
        """A history of one pull that had the link to itself: it knows the round trip, and pool sizes too."""
        folder = self.folder / "idle"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        one = pulls.Pull(self.one, self.IMAGE, folder / "pull", folder / "history.sqlite")
        if not one.wait(self.limit):
            raise SystemExit("the first pull failed: " + one.error)
        shutil.rmtree(folder / "pull")
        return folder

    def run(self, plan, seed):
        known = self.idle_history() if plan.knows_idle else None
        place = self.folder / "crowd"
        shutil.rmtree(place, ignore_errors=True)
        everyone = []
        self.one.restart(seed)
        senders = self.one.senders()
        echo, load = Echo(), Load()
        start = time.monotonic()
        for index, moment in enumerate(plan.moments):
            mine = place / str(index)
            mine.mkdir(parents=True)
            if known:
                for file in known.glob("history.sqlite*"):
                    shutil.copy(file, mine)
            self._sleep_until(start + moment, everyone)
            everyone.append(pulls.Pull(
                self.one, self.IMAGE, mine / "pull", mine / "history.sqlite", "--trace",
                mine / "trace.jsonl"))
            everyone[-1].trace = mine / "trace.jsonl"
        self._wait(everyone, start)
        figures = load.figures()
        end = time.monotonic()
        echo.stop()
        counters = self.one.counters()
        after = self.one.senders()
        for pull in everyone:
            pull.kill()
        outcome = self._outcome(plan, everyone, start, end, echo, counters)
        outcome["senders"] = {name: after[name] - senders[name] for name in after}
        outcome["load"] = figures | {
            "pulls": sum(pull.cpu for pull in everyone) / (end - start),
            "emulator": counters["cpuSeconds"] / counters["seconds"]}
        return outcome

    @staticmethod
    def _sleep_until(moment, everyone):
        while (left := moment - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
            Crowd._check(everyone)

    @staticmethod
    def _check(everyone):
        for pull in everyone:
            if not pull.runs and pull.process.returncode != 0:
                raise SystemExit("a pull failed: " + pull.error)

    def _wait(self, everyone, start):
        """Until the first has everything (the line is not everybody's from then on), or time is up."""
        while all(pull.runs for pull in everyone) and time.monotonic() < start + self.limit:
            time.sleep(0.05)
        self._check(everyone)

    def _outcome(self, plan, everyone, start, end, echo, counters):
        over = min([pull.ended for pull in everyone if pull.process.returncode == 0] + [end]) - start
        regular = everyone[:-1] if plan.has_late else everyone
        settled = min(SETTLED, over / 2)
        at = [start + second for second in (settled, min(COMPARED, over), over)]
        marks = [pull.bytes_at(at) for pull in regular]
        capacity = self.one.model["bandwidthMbit"] * 1e6 / 8 * emulated.PAYLOAD
        everybody = [pull.bytes_at(at) for pull in everyone]
        rates = [(mark[2] - mark[0]) / (over - settled) for mark in marks]
        outcome = {
            "moments": plan.moments, "over": over, "settled": settled, "compared": min(COMPARED, over),
            "jainBytes": jain([mark[1] for mark in marks]), "jainRates": jain(rates), "rates": rates,
            "utilisation": sum(mark[2] - mark[0] for mark in everybody) / (over - settled) / capacity,
            "dropped": counters["down"]["dropped"], "packets": counters["down"]["packets"],
            "longestQueue": counters["down"]["longestQueue"], "overruns": counters["overruns"],
            "longestSleepMs": counters["longestSleepMs"], "connections": counters["connections"],
            "pulls": [self._one(pull, start, over) for pull in everyone],
            "echo": [[sent - start, trip] for sent, trip in echo.trips],
        }
        outcome["meanPool"] = statistics.mean(one["meanOpen"] for one in outcome["pulls"])
        if plan.has_late:
            outcome["late"] = self._late(everyone[-1], regular, start, over)
        return outcome

    @staticmethod
    def _late(late, regular, start, over):
        """What the one who came late got of what the others got on average: at first, and then."""
        began = late.began - start
        parts = {}
        for name, begin, stop in (("first10", began, min(began + 10, over)), ("then", began + 10, over)):
            if stop - begin > 1:
                window = [start + begin, start + stop]
                own, *others = [
                    after - before for before, after in (pull.bytes_at(window) for pull in [late, *regular])]
                parts[name] = own / max(1, statistics.mean(others))
        return parts

    @staticmethod
    def _one(pull, start, over):
        """One pull's bytes each second, its decisions, and what its connections read of round trips."""
        samples = [step for step in pull.samples() if step[0] <= start + over]
        steps, last = [], None
        for at, _, decision in samples:
            if last is None or decision["poolSize"] != last:
                last = decision["poolSize"]
                steps.append([at - start, last, decision["reason"]])
        readings = []
        for at, sample, _ in samples:
            trips = sample["readings"]["roundTripSeconds"]
            if trips:
                readings.append([
                    at - start, min(trips), statistics.median(trips), max(trips),
                    sample["readings"].get("smallestRoundTripSeconds")])
        return {
            "began": pull.began - start, "cpu": pull.cpu, "steps": steps, "readings": readings,
            "meanOpen": statistics.mean(sample["open"] for _, sample, _ in samples) if samples else 0,
            "firstByte": [
                [at - start, min(sample["firstByteSeconds"])]
                for at, sample, _ in samples if sample["firstByteSeconds"]],
            "open": [[at - start, sample["open"], sample["carrying"], sample["poolSize"]]
                     for at, sample, _ in samples],
            "bytes": pull.bytes_at([start + second for second in range(int(over) + 1)]),
        }


# MARK: The simulator

def simulate(model, clients, seeds, knows_idle):
    """(Figures, machines) of each seed: a dictionary, and (when it began, its decisions) of each machine.

    `model` is a file, as the simulator is to read it.
    """
    output = subprocess.run(
        [pulls.CAIRN, "simulate", "--clients", str(clients), "--model", str(model), "--seeds", str(seeds),
         "--explain",
         *(["--warm"] if knows_idle else [])],
        check=True, capture_output=True, text=True).stdout
    machines, figures, names = [], [], None
    for line in output.splitlines():
        if began := re.search(r", machine \d+, began at ([\d.]+) s$", line):
            machines.append((float(began[1]), []))
        elif step := re.match(r" *([\d.]+) s +(\d+) workers +(.*)$", line):
            machines[-1][1].append([float(step[1]), int(step[2]), step[3]])
        elif line.startswith("policy "):
            names = line.split()
        elif names and line.strip():
            # The history's name has a space in it where it is not "cold".
            figures.append(dict(zip(names, line.replace("idle known", "known").split(), strict=False)))
    return [
        ({name: float(one[name]) for name in ("jain", "utilisation", "meanPool")},
         machines[index * clients:(index + 1) * clients])
        for index, one in enumerate(figures)]


def payload_model(path, out):
    """A model as the simulator has to read it: its bandwidths count TCP's payload, the lab's whole
    packets.
    """
    model = json.loads(path.read_text())
    for name in ("bandwidthMbit", "perConnectionMbit"):
        if name in model:
            model[name] *= emulated.PAYLOAD
    out.write_text(json.dumps(model))
    return out


def spread_of(outcome, pick, begin, end):
    """The median over pulls of a pull's median of `pick` over its readings between two moments."""
    return middle(
        value for value in (
            middle(pick(one) for one in pull["readings"] if begin <= one[0] < end and pick(one) is not None)
            for pull in outcome["pulls"]) if value is not None)
