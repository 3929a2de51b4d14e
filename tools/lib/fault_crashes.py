"""Killed pulls for tools/faults: SIGKILL at random moments, many pulls at once, and the order of system calls."""
import contextlib
import random
import re
import signal
import sqlite3
import subprocess
import time

from fault_cases import REPOSITORY
from fault_runs import Puller
from fault_server import FaultyRegistry, Image

WORKERS = 4


def overlap(first, second):
    """Bytes that two lists of (digest, start, end) have in common, each counted once."""
    total = 0
    for name in {digest for digest, _, _ in second}:
        marks = []
        for spans, side in ((first, 0), (second, 1)):
            for digest, start, end in spans:
                if digest == name and end > start:
                    marks += [(start, side, 1), (end, side, -1)]
        open_now, last = [0, 0], 0
        for place, side, step in sorted(marks):
            if open_now[0] > 0 and open_now[1] > 0:
                total += place - last
            open_now[side] += step
            last = place
    return total


def spans(requests):
    """What was sent of blobs."""
    return [(one.digest, one.range[0] if one.range else 0, (one.range[0] if one.range else 0) + one.sent)
            for one in requests if one.kind == "blob" and one.status in (200, 206)]


def history_problem(path):
    """Why the history cannot be used; None: it can, or there is none yet."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            found = database.execute("PRAGMA integrity_check").fetchone()[0]
            return None if found == "ok" else found
    except sqlite3.DatabaseError as error:
        return str(error)


class Crashes:
    """Kills pulls until so many were killed, over so many stores."""

    def __init__(self, cairn, folder, seed, pulls, kills):
        self.cairn, self.folder, self.chance = cairn, folder, random.Random(f"crashes {seed}")
        self.pulls, self.wanted, self.kills = pulls, kills, 0
        self.problems, self.again, self.worst = [], [], 0.0

    def run(self, say):
        for number in range(self.pulls):
            self.one(number, round((number + 1) * self.wanted / self.pulls))
            say(f"{self.kills} kills in {number + 1} pulls, {len(self.problems)} wrong")

    def one(self, number, until):
        image = Image(f"crash {number}", [int(2 ** self.chance.uniform(12, 22)) for _ in range(self.chance.randint(2, 8))])
        puller = Puller(self.cairn, self.folder / "crash")
        with FaultyRegistry({REPOSITORY: image}, rate=2 << 20) as server:
            length, earlier, longest = 1.0, [], 0
            while self.kills < until:
                seen = len(server.requests)
                # Half of them near the end, where blobs get names and the history is written.
                moment = self.chance.uniform(0, length) if self.chance.random() < 0.5 else self.chance.gauss(length, 0.03)
                process = puller.start(puller.command(server, REPOSITORY, "--workers", str(WORKERS)))
                begun = time.monotonic()
                try:
                    process.wait(max(0.005, moment))
                    length = time.monotonic() - begun
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    self.kills += 1
                process.stderr.close()
                now = spans(server.requests[seen:])
                again = overlap(earlier, now)
                longest = max([longest, *(one.range[1] - one.range[0] for one in server.requests[seen:] if one.range), 256 << 10])
                self.again.append(again)
                self.worst = max(self.worst, again / longest)
                if again > WORKERS * longest:
                    self.problems.append(f"pull {number}: {again} bytes fetched again, longest segment {longest}")
                earlier += now
                self.check(number, puller)
                if process.returncode == 0:
                    # It ended before its moment: from the beginning, which is quicker to kill in.
                    earlier = []
                    puller = Puller(self.cairn, self.folder / "crash")
            then = puller.pull(server, REPOSITORY)
            if then.code != 0 or puller.lacks(image):
                self.problems.append(f"pull {number}: not completed: {then.text} {then.words[-200:]}")
            self.check(number, puller)

    def check(self, number, puller):
        self.problems += [f"pull {number}: wrong bytes in {name}" for name in puller.wrong()]
        reason = history_problem(puller.history)
        if reason:
            self.problems.append(f"pull {number}: history: {reason}")


def crowd(cairn, folder, seed, processes=8, kills=24):
    """Processes that pull overlapping images into one store and are killed at random: (problems, a line on it)."""
    chance, problems = random.Random(f"crowd {seed}"), []
    sizes = [3 << 20, 2 << 20, 700_000, 1 << 20, 90_000, 400_000]
    images = {f"app/{n}": Image("crowd", sizes[:n + 2]) for n in range(4)}
    puller = Puller(cairn, folder / "crowd")
    with FaultyRegistry(images, rate=1 << 20) as server:
        def start(repository):
            return puller.start(puller.command(server, repository, "--workers", str(WORKERS)))
        names = [f"app/{n % 4}" for n in range(processes)]
        running = {index: start(name) for index, name in enumerate(names)}
        killed, begun = 0, time.monotonic()
        while running and time.monotonic() - begun < 120:
            time.sleep(chance.uniform(0.02, 0.25))
            for index, process in list(running.items()):
                if process.poll() is not None:
                    words = process.stderr.read()
                    del running[index]
                    if process.returncode not in (0, -signal.SIGKILL):
                        problems.append(f"{names[index]}: exit {process.returncode} {words[-200:]}")
            if killed < kills and running:
                index = chance.choice(list(running))
                running[index].kill()
                running[index].wait()
                running[index].stderr.close()
                killed += 1
                running[index] = start(names[index])
        for process in running.values():
            process.kill()
            problems.append("a pull waited for ever")
        problems += [f"wrong bytes in {name}" for name in puller.wrong()]
        for name, image in images.items():
            problems += [f"{name} lacks {part[:19]}" for part in puller.lacks(image)]
        whole = sum(len(data) for data in server.blobs.values())
        served, segment = server.served(), max((r.range[1] - r.range[0] for r in server.requests if r.range), default=1 << 20)
        if served > whole + killed * WORKERS * segment:
            problems.append(f"{served} bytes for {whole}, {killed} kills")
        return problems, (f"{processes} processes, {len(images)} images, {killed} kills: {served / whole:.2f} times the bytes of their "
                          f"blobs, {time.monotonic() - begun:.0f} s")


def publishing_order(cairn, folder):
    """Records system calls of a pull: each blob's data is on disk before it has its name, and names before the index has them.

    Returns (problems, a line on it).
    """
    image, problems, trace = Image("order", [3 << 20, 300_000, 0]), [], folder / "calls"
    puller = Puller(cairn, folder / "order")
    with FaultyRegistry({REPOSITORY: image}) as server:
        outcome = puller.pull(server, REPOSITORY, prefix=[
            "strace", "-f", "-y", "-qq", "-o", trace, "-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync,rename,renameat,renameat2"])
    if outcome.code != 0:
        return [f"strace: {outcome.text} {outcome.words[-200:]}"], "not recorded"
    written, synced, blobs, indexes, pending = {}, {}, [], 0, {}
    for number, line in enumerate(trace.read_text(errors="replace").splitlines()):
        process, _, line = line.partition(" ")
        # A call that another thread's came between is on disk when it is resumed.
        if "<unfinished" in line:
            pending[process] = line
        elif "resumed>" in line:
            line = pending.pop(process, "") + line
        else:
            pending.pop(process, None)
        call = re.search(r"(pwrite64|write|ftruncate|fdatasync|fsync)\(\d+<([^>]*)>", line)
        if call and call[1] in ("pwrite64", "write", "ftruncate"):
            written[call[2]] = number
        elif call and "<unfinished" not in line or call and "resumed>" in line:
            synced[call[2]] = number
        named = re.search(r'rename\w*\([^"]*"([^"]+)", [^"]*"([^"]+)"', line)
        if named and "/blobs/" in named[2] and "resumed>" not in line:
            blobs.append(number)
            if synced.get(named[1], -1) < written.get(named[1], 0):
                problems.append(f"{named[2]} has its name before its bytes are on disk")
        elif named and named[2].endswith("index.json") and blobs and "resumed>" not in line:
            indexes += 1
            if not any(when > max(blobs) for path, when in synced.items() if path.endswith("/blobs/sha256")):
                problems.append("the index names the image before its blobs' folder is synced")
    if not blobs or not indexes:
        problems.append(f"{len(blobs)} blobs and {indexes} indexes were seen to get their names")
    return problems, f"{len(blobs)} blobs: data, then name, then folder, then index"
