"""Faults one by one, random mixes, kills: everything that tools/faults does, and the sections of
docs/reliability.md.
"""
import collections
import concurrent.futures
import pathlib
import re
import shutil
import statistics

from cairnlab.faults import cases as fault_cases
from cairnlab.faults import crashes as fault_crashes
from cairnlab.faults import mixes as fault_mixes
from cairnlab.faults import scene as fault_scene

# Pulls at the same time: they wait more than they work.
AT_ONCE = 4
FULL = {"mixes": 2_000, "pulls": 100, "kills": 1_000, "crowds": 5}
QUICK = {"mixes": 60, "pulls": 6, "kills": 60, "crowds": 2}


class Run:
    """Everything in one go; `sections` are the report's, `problems` what went otherwise than it has to."""

    def __init__(self, options, cairn, folder, is_inside):
        self.options, self.folder, self.is_inside = options, pathlib.Path(folder), is_inside
        self.bench = fault_scene.Bench(cairn, self.folder / "matrix", options.seed)
        self.sections, self.problems, self.told = {}, [], []

    def matrix(self):
        bench = self.bench
        cases = [case for case in fault_cases.all_cases(self.is_inside)
                 if re.search(self.options.only, f"{case.group}: {case.name}")]
        if not cases:
            self.say(None, [f"--only {self.options.only} names no case"])
        rows = []
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for verdict in pool.map(bench.verdict, cases, range(len(cases))):
                case = verdict.case
                rows.append(f"| {case.group} | {case.name} | {verdict.outcome.text} | "
                            f"{verdict.outcome.seconds:.1f} | "
                            f"{max(0, verdict.more) * 100:.0f} % | {verdict.again / 1024:.0f} |")
                self.say(f"{'ok   ' if verdict.is_right else 'WRONG'} {case.group}: {case.name}: "
                         f"{verdict.outcome.text}, "
                         f"{verdict.outcome.seconds:.1f} s, {verdict.again / 1024:.0f} KiB again",
                         [f"{case.group}: {case.name}: {one}" for one in verdict.problems])
        self.sections["Faults one by one"] = [
            f"{len(cases)} cases, {self.right(rows)}: the image, or a clear error with its exit code in "
            f"bounded time; then the same command without "
            "the fault must bring the image. "
            f"An image of {bench.image.size / 1e6:.1f} MB, 4 workers, {fault_scene.RATE >> 20} MiB/s for "
            f"each connection. *More*: bytes that crossed "
            "the network beyond the image's, also in the pull after an error. *Again*: bytes that the server "
            "had sent rightly and sent "
            f"again; {fault_scene.SLACK >> 10} KiB are allowed after an error (what the connections had on "
            f"their way), "
            f"{fault_scene.TWICE >> 20} MiB in a pull that went on (a straggler's segment that another "
            f"worker took).",
            "", "| where | fault | ended | seconds | more | again, KiB |", "|---|---|---|---|---|---|", *rows,
            *self.otherwise()]

    def right(self, rows):
        """What goes before the figures of a section."""
        wrong = len(self.problems) - len(self.told)
        if wrong:
            return f"**{wrong} of {len(rows)} otherwise than they have to be**"
        return "all as they have to be"

    def otherwise(self):
        """The section's last lines: what was not right in it."""
        found, self.told = self.problems[len(self.told):], list(self.problems)
        return ["", *(f"- {problem}" for problem in found)] if found else []

    def mixes(self):
        counts, seconds, fired, happened, again, gave_up = (
            collections.Counter(), [], collections.Counter(), collections.Counter(), [], 0)
        met, tried = 0, 0

        def one(number):
            mix = fault_mixes.Mix(self.options.seed + number)
            folder = self.folder / f"mix-{number}"
            problems, outcome = mix.run(self.bench, folder)
            shutil.rmtree(folder, ignore_errors=True)
            return number, mix, problems, outcome
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            # A mix that met nothing, by chance, is looked at like the others, but does not count.
            while met < self.options.mixes:
                batch = range(tried, tried + self.options.mixes - met)
                tried = batch.stop
                for _, mix, problems, outcome in pool.map(one, batch):
                    self.say(None, [f"--mix {mix.seed}: {problem}" for problem in problems])
                    if not (mix.fired or mix.happened or mix.clock):
                        continue
                    met += 1
                    counts[outcome.text] += 1
                    seconds.append(outcome.seconds)
                    fired.update(mix.fired)
                    happened.update(mix.happened)
                    gave_up += mix.was_ill_fated
                    again += [mix.again] if outcome.code else []
                    self.say(f"{met} of {self.options.mixes} mixes" if met % 50 == 0 else None)
        if seconds:
            missing = [fault for fault in [*fault_mixes.ANSWERS, *fault_mixes.FATAL] if not fired[fault]]
            if missing and len(seconds) >= FULL["mixes"]:
                self.say(None, [f"mixes: never happened: {', '.join(missing)}"])
            ended = ", ".join(f"{text}: {count}" for text, count in counts.most_common())
            self.sections["Random mixes"] = [
                f"{len(seconds)} pulls, {self.right(seconds)}, and {tried - met} more that met nothing by "
                f"chance. "
                "Each meets 1 to 6 kinds of faults in 5 to 30 % of its answers, with 1 to 24 workers; some "
                "have tokens, redirects, TLS, a server that is cut, refuses, falls silent or forgets what it "
                "signed, a clock that jumps; one "
                "in ten has a layer or a disk that cannot end well and must end with that error. One that "
                "should end well may give up, with a "
                f"clear error, where by the server's log one place of a blob failed "
                f"{fault_mixes.ATTEMPTS[fault_cases.NETWORK]} times in a row "
                f"(three times where nothing came for a whole time limit, "
                f"{fault_mixes.ATTEMPTS[fault_cases.INTEGRITY]} times where answers contradict the manifest "
                f"or deny what was allowed); "
                "the same command must bring the image when "
                f"the faults are over, and fetch no more than {fault_mixes.KEPT_SLACK >> 10} KiB for each "
                f"worker that had been sent before.", "",
                "| pulls | ended | median s | slowest s | gave up by ill luck | after an error again, most "
                "KiB |", "|---|---|---|---|---|---|",
                f"| {len(seconds)} | {ended} | {statistics.median(seconds):.1f} | {max(seconds):.1f} | "
                f"{gave_up} | {max(again, default=0) / 1024:.0f} |", "",
                f"Answers that went wrong: {sum(fired.values())}: "
                + ", ".join(f"{name} {count}" for name, count in fired.most_common())
                + ". The server, meanwhile: "
                + ", ".join(f"{name} {count} times" for name, count in happened.most_common()) + ".",
                *self.otherwise()]

    def crashes(self):
        if self.options.kills:
            crashes = fault_crashes.Crashes(
                self.bench.cairn, self.folder, self.options.seed, self.options.pulls, self.options.kills)
            crashes.run(lambda words: self.say(words, crashes.problems))
            self.say(None, crashes.problems)
            again, here = sorted(crashes.again), sum(crashes.here)
            self.sections["Killed pulls"] = [
                f"`kill -9` from outside, {self.right(again)}. After each: every blob with a name has its "
                f"bytes, the history opens, and no more was fetched "
                "again than a segment for each worker. After the last of a store: the pull completes. "
                "*Again*: what a pull fetched that an "
                "earlier one had been sent.", "",
                "| kills | pulls | again, median KiB | again, most KiB | most, in segments (4 workers) | "
                "again, of all that was there |",
                "|---|---|---|---|---|---|",
                f"| {crashes.kills} | {self.options.pulls} | {statistics.median(again) / 1024:.0f} | "
                f"{again[-1] / 1024:.0f} | "
                f"{crashes.worst:.2f} | {sum(again) / max(1, here):.1%} |", "",
                "When: " + ", ".join(f"{phase} {count}" for phase, count in crashes.by_phase.most_common())
                + ".", *self.otherwise()]
        rows = []
        for number in range(self.options.crowds):
            # The first is left in peace: then each byte is fetched once.
            problems, line = fault_crashes.crowd(self.bench.cairn, self.folder, self.options.seed + number,
                                                 kills=24 if number else 0)
            self.say(f"many at once: {line}", problems)
            rows.append(f"- {line}")
        if rows:
            self.sections["Many at once"] = [
                f"Pulls of overlapping images into one store, killed and started again, {self.right(rows)}: "
                f"all end, every blob is right, and only what a "
                "killed one had on its way is fetched twice.", "", *rows, *self.otherwise()]
        if self.options.kills and shutil.which("strace"):
            problems, line = fault_crashes.publishing_order(self.bench.cairn, self.folder)
            self.say(f"publishing: {line}", problems)
            self.sections["Power loss"] = [
                "The order of system calls, recorded by strace; the loss itself was not tried.", "",
                f"- {line}", *self.otherwise()]

    def say(self, words, problems=()):
        if words:
            print(words, flush=True)
        for problem in problems:
            if problem not in self.problems:
                self.problems.append(problem)
                print(f"  {problem}", flush=True)

    def one_mix(self, seed):
        """One random mix, with its words; whether it ended as it has to."""
        mix = fault_mixes.Mix(seed)
        problems, outcome = mix.run(self.bench, self.folder / "mix")
        print(f"{mix}: {outcome.text}, {outcome.seconds:.1f} s\nmet: {dict(mix.fired)}, "
              f"{dict(mix.happened)}\n{outcome.words}")
        print("\n".join(problems))
        return not problems

    def all(self):
        """Everything; whether all ended as it has to."""
        self.matrix()
        self.mixes()
        self.crashes()
        return not self.problems
