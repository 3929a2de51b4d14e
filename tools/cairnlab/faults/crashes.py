"""Killed pulls for tools/faults: SIGKILL at chosen and at random moments, many pulls at once, and the order
of system calls.
"""
import collections
import contextlib
import random
import re
import signal
import time

from cairnlab.faults.cases import REPOSITORY
from cairnlab.faults.runs import Puller, overlap, sent_twice, spans
from cairnlab.registry.contents import Image
from cairnlab.registry.fault_server import FaultyRegistry

WORKERS = 4
# What a kill waits for, beside a moment by chance: so that what takes milliseconds is met, too.
PHASES = ["at random", "first byte", "last byte", "image named", "history written"]


class Crashes:
    """Kills pulls until so many were killed, over so many stores."""

    def __init__(self, cairn, folder, seed, pulls, kills):
        self.cairn, self.folder, self.chance = cairn, folder, random.Random(f"crashes {seed}")
        self.pulls, self.wanted, self.kills = pulls, kills, 0
        self.problems, self.again, self.worst = [], [], 0.0
        self.by_phase, self.here = collections.Counter(), []

    def run(self, say):
        for number in range(self.pulls):
            self.one(number, round((number + 1) * self.wanted / self.pulls))
            say(f"{self.kills} kills in {number + 1} pulls, {len(self.problems)} wrong")
        for phase in PHASES:
            if self.by_phase[phase] == 0:
                self.problems.append(f"no kill came {phase}")

    def one(self, number, until):
        image = Image(f"crash {number}",
                      [int(2 ** self.chance.uniform(12, 23)) for _ in range(self.chance.randint(2, 8))])
        puller = Puller(self.cairn, self.folder / "crash")
        with FaultyRegistry({REPOSITORY: image}, rate=4 << 20) as server:
            length, begun_at, longest, runs = 1.0, 0, 0, 0
            while self.kills < until:
                seen, runs = len(server.requests), runs + 1
                phase = self.chance.choice(PHASES)
                process = puller.start(puller.command(server, REPOSITORY, "--workers", str(WORKERS)))
                took = self.wait(process, phase, self.reached(phase, puller, server, image, seen, begun_at),
                                 length)
                words = process.stderr.read()
                process.stderr.close()
                if process.returncode == -signal.SIGKILL:
                    self.kills += 1
                    self.by_phase[phase] += 1
                elif process.returncode != 0:
                    self.problems.append(f"pull {number}: exit {process.returncode} {words[-200:]}")
                    break
                earlier, now = spans(server.requests[begun_at:seen]), spans(server.requests[seen:])
                longest = max(
                    [longest, *(one.range[1] - one.range[0] if one.range else len(image.blobs[one.digest])
                                          for one in server.requests[seen:] if one.kind == "blob")])
                again = overlap(earlier, now)
                if earlier:
                    self.again.append(again)
                    self.here.append(sum(end - start for _, start, end in earlier))
                    self.worst = max(self.worst, again / max(1, longest))
                if again > WORKERS * longest:
                    self.problems.append(
                        f"pull {number}: {again} bytes fetched again, longest segment {longest}")
                self.check(number, puller)
                if process.returncode == 0:
                    # Ended before its moment: the next begins with an empty store.
                    length = took if seen == begun_at else length
                    puller, begun_at = Puller(self.cairn, self.folder / "crash"), len(server.requests)
                if runs > 100 * max(1, self.wanted // self.pulls):
                    self.problems.append(f"pull {number}: too quick to be killed")
                    break
            then = puller.pull(server, REPOSITORY)
            if then.code != 0 or puller.lacks(image):
                self.problems.append(f"pull {number}: not completed: {then.text} {then.words[-200:]}")
            self.check(number, puller)
            self.problems += [f"pull {number}: left over: {name}" for name in puller.left_over()]

    def reached(self, phase, puller, server, image, seen, begun_at):
        """What tells that a phase has begun; None: a moment by chance."""
        def changed(path):
            before = path.stat().st_mtime_ns if path.exists() else None
            return lambda: path.exists() and path.stat().st_mtime_ns != before
        index, history = puller.store / "index.json", puller.history
        journal = history.with_name(history.name + "-wal")
        marks = [changed(history), changed(journal)]
        named = index.read_bytes() if index.exists() else b""

        def has_name():
            try:
                content = index.read_bytes()
            except OSError:
                return False
            return image.digest.encode() in content and content != named
        return {
            "at random": None,
            "first byte": lambda: any(one.sent for one in server.requests[seen:] if one.kind == "blob"),
            "last byte": lambda: sum(
                one.sent for one in server.requests[begun_at:] if one.kind == "blob") >= image.size,
            "image named": has_name,
            "history written": lambda: any(mark() for mark in marks),
        }[phase]

    def wait(self, process, phase, reached, length):
        """Kills a pull when its moment has come, or lets it end; returns its seconds."""
        begun = time.monotonic()
        # Half of those at random come near the end, where blobs get names and the history is written.
        moment = max(0.005,
                     self.chance.choice([self.chance.uniform(0, length), self.chance.gauss(length, 0.03)]))
        after, due = self.chance.choice([0, 0, 0.002, 0.01, 0.05]), None if reached else begun + moment
        while process.poll() is None:
            if due is None and reached():
                due = time.monotonic() + after
            if due is not None and time.monotonic() >= due:
                process.send_signal(signal.SIGKILL)
                process.wait()
                break
            if time.monotonic() - begun > 120:
                process.kill()
                self.problems.append(f"a pull hung, {phase}")
            time.sleep(0.0005)
        return time.monotonic() - begun

    def check(self, number, puller):
        self.problems += [f"pull {number}: wrong bytes in {name}" for name in puller.wrong()]
        reason = puller.history_problem()
        if reason:
            self.problems.append(f"pull {number}: history: {reason}")


def crowd(cairn, folder, seed, processes=8, kills=24):
    """Processes that pull overlapping images into one store and are killed at random: (problems, a line on
    it).

    Each has a server of its own, with the same blobs, so that it is known what a killed one had on its way.
    """
    chance, problems = random.Random(f"crowd {seed}"), []
    sizes = [6 << 20, 4 << 20, 1_400_000, 2 << 20, 180_000, 800_000]
    images = {f"app/{n}": Image("crowd", sizes[:n + 2]) for n in range(4)}
    puller, names = Puller(cairn, folder / "crowd"), [f"app/{n % 4}" for n in range(processes)]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(FaultyRegistry(images, rate=1 << 20)) for _ in names]

        def start(index):
            return puller.start(puller.command(servers[index], names[index], "--workers", str(WORKERS)))
        running = {index: start(index) for index in range(processes)}
        killed, lost, begun = 0, 0, time.monotonic()
        while running and time.monotonic() - begun < 120:
            time.sleep(chance.uniform(0.02, 0.25))
            for index, process in list(running.items()):
                if process.poll() is not None:
                    words = process.stderr.read()
                    del running[index]
                    if process.returncode != 0:
                        problems.append(f"{names[index]}: exit {process.returncode} {words[-200:]}")
            if killed < kills and running:
                index = chance.choice(list(running))
                running[index].kill()
                running[index].wait()
                running[index].stderr.close()
                # What was under way, or had just come and was not noted yet.
                now = time.monotonic()
                lost += sum(one.sent for one in servers[index].requests if one.kind == "blob"
                            and one.ended > now - 0.2)
                killed += 1
                running[index] = start(index)
        for process in running.values():
            process.kill()
            problems.append("a pull waited for ever")
        problems += [f"wrong bytes in {name}" for name in puller.wrong()]
        for name, image in images.items():
            problems += [f"{name} lacks {part[:19]}" for part in puller.lacks(image)]
        reason = puller.history_problem()
        problems += [f"history: {reason}"] if reason else []
        whole = sum(len(data) for data in servers[0].blobs.values())
        twice = sent_twice(spans([one for server in servers for one in server.requests]))
        # Where a segment was split, its server is told to stop only when its bytes have come.
        if twice > lost + whole // 50:
            problems.append(f"{twice} bytes were sent twice; those killed had {lost} on their way")
        return [f"crowd {seed}: {problem}" for problem in problems], (
            f"seed {seed}: {processes} processes, {len(images)} images, {killed} kills: "
            f"{1 + twice / whole:.2f} times the bytes of "
            f"their blobs ({1 + lost / whole:.2f} would be as much as the killed had on their way), "
            f"{time.monotonic() - begun:.0f} s")


Call = collections.namedtuple("Call", "begin end name path rest")


def recorded(trace):
    """System calls on files of a trace by strace -f -y, in the order in which they ended; `rest` is what
    follows the first path.
    """
    calls, pending = [], {}
    for number, line in enumerate(trace.read_text(errors="replace").splitlines()):
        process, _, line = line.partition(" ")
        begin = number
        # A call that another thread's came between.
        if "<unfinished" in line:
            pending[process] = (number, line.partition("<unfinished")[0])
            continue
        if "resumed>" in line:
            begin, head = pending.pop(process, (number, ""))
            line = head + line.partition("resumed>")[2]
        # Names in open folders, as whole paths.
        line = re.sub(r'(?:\d+|AT_FDCWD)<([^>]*)>, "([^"/][^"]*)"', r'"\1/\2"',
                      line) if "renameat" in line else line
        found = (re.match(r"\s*(\w+)\(\d+<([^>]*)>(.*)", line)
                 or re.match(r'\s*(rename\w*)\([^"]*"([^"]+)"(.*)', line))
        if found and not re.search(r"= -1 E\w+", line):
            calls.append(Call(begin, number, *found.groups()))
    return calls


def publishing_order(cairn, folder):
    """Records system calls of a pull: data is on disk before it has its name, or before the journal calls it
    so, and names before the index.

    Returns (problems, a line on it).
    """
    # Larger than the bytes after which a pull syncs on its way.
    image, problems, trace = Image("order", [200 << 20, 300_000, 0]), [], folder / "calls"
    puller = Puller(cairn, folder / "order")
    with FaultyRegistry({REPOSITORY: image}, rate=16 << 20) as server:
        outcome = puller.pull(server, REPOSITORY, limit=180, prefix=[
            "strace", "-f", "-y", "-qq", "-s", "400", "-o", trace,
            "-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync,rename,renameat,renameat2"])
    if outcome.code != 0:
        return [f"strace: {outcome.text} {outcome.words[-200:]}"], "not recorded"
    calls = recorded(trace)

    def synced_between(path, first, last):
        """Whether a sync of a file began after one moment and ended before another."""
        return any(call.begin > first and call.end < last for call in calls
                   if call.name in ("fdatasync", "fsync")
                   and (call.path.endswith(path) if path.startswith("/blobs") else call.path == path))

    def written(path, before, start=0, end=1 << 62):
        """When the last write to a part of a file ended."""
        moments = [-1]
        for call in calls:
            if call.path == path and call.end < before and call.name in ("write", "pwrite64", "ftruncate"):
                place = re.search(r", (\d+), (\d+)\s*\)\s*= (\d+)$",
                                  call.rest) if call.name == "pwrite64" else None
                if not place or (int(place[2]) < end and int(place[2]) + int(place[3]) > start):
                    moments.append(call.end)
        return max(moments)
    blobs, indexes, notes = [], 0, 0
    for call in calls:
        target = re.search(r'"([^"]+)"[^"]*= 0$', call.rest) if call.name.startswith("rename") else None
        # The journal is a hint: each of its lines has a checksum, and none is believed without its boot.
        if target and not target[1].endswith(".map") and not synced_between(
            call.path, written(call.path, call.begin), call.begin):
            problems.append(f"{target[1]} has its name before its bytes are on disk")
        if target and "/blobs/" in target[1]:
            blobs.append(call.end)
        elif target and target[1].endswith("index.json") and blobs:
            indexes += 1
            if not synced_between("/blobs/sha256", max(blobs), call.begin):
                problems.append("the index names the image before its blobs' folder is synced")
        elif call.path.endswith(".map"):
            for start, end in re.findall(r"= (\d+) (\d+) ", call.rest):
                notes += 1
                data = call.path.removesuffix(".map") + ".partial"
                last = written(data, call.begin, int(start), int(end))
                if last < 0 or not synced_between(data, last, call.begin):
                    problems.append(f"the journal calls {start} to {end} synced before they are")
    if len(blobs) < 5 or not indexes or not notes:
        problems.append(
            f"only {len(blobs)} blobs, {indexes} indexes and {notes} notes of synced bytes were seen")
    return problems, (f"{len(blobs)} blobs: data, then name, then folder, then index; {notes} journal lines: "
                      f"data, then the line")
