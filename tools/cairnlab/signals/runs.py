"""Moments for tools/signals: a program is started, seen in its phase, sent a signal, and what is left is
looked at.
"""
import collections
import fcntl
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

from cairnlab.faults.runs import Puller

# Seconds from the signal to the end.
LIMIT = 2.0
# After a second signal nothing is waited for any more.
AT_ONCE = 1.0
# Seconds more where it is only asked whether it ends: on a busy machine, by a debug build.
slack = 0.0
# Whoever does not come into a phase in so many seconds never does.
PATIENCE = 40


class Phase:
    """One phase of the program, and how often and how it was met; see signal_phases for each."""
    name = ""
    # Seconds within which the signal comes, once the phase was reached; a phase that is held there lasts as
    # long as that.
    window = 0.3
    # Seconds in which it has to end; less where nothing has to be put in order.
    limit = LIMIT
    # One second run after so many moments: where it takes long, the next moment is one as well.
    again_every = 1

    def __init__(self, cairn, folder, seed):
        self.chance = random.Random(f"{self.name} {seed}")
        self.puller = Puller(cairn, folder / self.name)
        self.cairn, self.folder = cairn, self.puller.folder
        self.met, self.by_itself, self.missed, self.resumed = 0, 0, 0, 0
        self.ends, self.ways, self.problems = collections.defaultdict(list), collections.Counter(), []
        (self.folder / "tmp").mkdir()
        self.way = ""

    def slowest(self, kind):
        return max(self.ends[kind], default=0.0)

    # MARK: What each phase says for itself

    def __enter__(self):
        """Makes what all moments need."""
        return self

    def __exit__(self, *exception):
        pass

    def prepare(self):
        """Makes what one moment needs; chooses `self.way`."""

    def command(self):
        raise NotImplementedError

    def is_in(self):
        """Whether the running program is in this phase now."""
        raise NotImplementedError

    def code(self, number, twice):
        """The exit code that is right."""
        return 128 + number

    def is_whole(self):
        """Whether all that was asked for is there: what exit code 0 after a signal needs."""
        return False

    def left(self):
        """What is there and must not be, beside what no phase may leave."""
        return []

    def second(self):
        """The second run; what is wrong with it."""
        return []

    # MARK: The program

    def start(self, command, prefix=(), **pipes):
        return subprocess.Popen(
            [str(word) for word in (*prefix, *command)],
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
               "stderr": open(self.folder / "words", "w"), **pipes},
            start_new_session=True, env=self.environment())

    def environment(self):
        return {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")}

    @classmethod
    def obstacle(cls):
        """Why it cannot be tried here; None: it can."""
        return None

    def is_twice(self):
        """Whether this moment gets a second signal."""
        return self.chance.random() < 1 / 8

    def pause(self):
        """Seconds between a first signal and a second: as soon as somebody can press it again."""
        return self.chance.uniform(0.02, 0.15)

    def settle(self, process, first):
        """After a signal that stays alone: waits for what the program may wait for; the time from which it
        has its limit.
        """
        return first

    def begin(self):
        """Starts the program; phases with pipes of their own do it otherwise."""
        return self.start(self.command())

    def end(self, process):
        """Called when it has ended, whatever happened."""

    def quick(self, *command):
        """A command that has to succeed; what is wrong with it."""
        try:
            done = subprocess.run([self.cairn, *map(str, command)], capture_output=True, text=True,
                                  env=self.environment(),
                                  stdin=subprocess.DEVNULL, timeout=120)
        except subprocess.TimeoutExpired:
            return [f"cairn {command[0]} hung"]
        return [] if done.returncode == 0 else [
                f"cairn {' '.join(map(str, command[:2]))}: exit {done.returncode} {done.stderr[-200:]}"]


def run(phase, moments):
    """Sends signals until the phase was met so often; returns it."""
    with phase:
        tries = 0
        while phase.met < moments and tries < 3 * moments + 10 and len(phase.problems) < 40:
            tries += 1
            one(phase)
        if phase.met < moments:
            phase.problems.append(f"{phase.name}: met only {phase.met} times in {tries}")
        words = phase.second()
        # Where nothing was ever kept there is no store, and nothing to verify.
        if phase.puller.store.exists():
            words += phase.quick("store", "verify", "--store", phase.puller.store)
        phase.problems += [f"{phase.name}: at the end: {word}" for word in words]
    shutil.rmtree(phase.folder, ignore_errors=True)
    return phase


def one(phase):
    phase.prepare()
    number, twice = phase.chance.choice([signal.SIGINT, signal.SIGTERM]), phase.is_twice()
    process = phase.begin()
    try:
        wait(phase, process)
        was_in = process.poll() is None and phase.is_in()
        sent = time.monotonic()
        process.send_signal(number)
        first = sent
        if twice:
            # A busy machine may be late with the first one, and the second, taken with it, would be none.
            time.sleep(phase.pause() + slack / 10)
            # The kernel makes one of two that nobody has taken.
            while is_pending(process, number) and time.monotonic() < first + LIMIT + slack:
                time.sleep(0.005)
            if process.poll() is None:
                sent = time.monotonic()
                process.send_signal(number)
            else:
                twice = False
        else:
            first = sent = phase.settle(process, first)
        code = ended(process, sent + (AT_ONCE if twice else phase.limit) + slack)
        seconds = time.monotonic() - (sent if twice else first)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        phase.end(process)
    judge(phase, process, number, code, seconds, was_in, twice)


def is_pending(process, number):
    """Whether a signal waits to be taken."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    return any(int(mask, 16) >> (number - 1) & 1
               for mask in re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)", status, re.M))


def wait(phase, process):
    """Until the phase was reached, and a random moment of it after that."""
    begun = time.monotonic()
    while process.poll() is None and not phase.is_in():
        if time.monotonic() - begun > PATIENCE:
            return
        time.sleep(0.001)
    due = time.monotonic() + phase.chance.uniform(0, phase.window)
    while process.poll() is None and time.monotonic() < due:
        time.sleep(0.001)


def ended(process, limit):
    """The exit code; None: it had not ended in time."""
    while process.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)
    return process.poll()


def judge(phase, process, number, code, seconds, was_in, twice):
    def wrong(words):
        phase.problems.append(
                f"{phase.name} ({phase.way}), {number.name}{' twice' if twice else ''}: {words}")
    if not was_in:
        phase.missed += 1
    elif code is None:
        wrong(f"had not ended after {seconds:.2f} s")
    elif code == 0 and phase.is_whole():
        phase.by_itself += 1
    elif code != phase.code(number, twice):
        wrong(f"exit {code} instead of {phase.code(number, twice)}: "
              f"{(phase.folder / 'words').read_text(errors='replace')[-200:]}")
    if was_in and code is not None:
        phase.met += 1
        phase.ways[phase.way] += 1
        phase.ends["two" if twice else "one"].append(seconds)
    for words in left(phase) + survivors(process):
        wrong(words)
    if code != 0 or phase.code(number, twice) == 0:
        for words in phase.left():
            wrong(words)
    if phase.met % phase.again_every == 0:
        phase.resumed += 1
        for words in phase.second():
            wrong(f"then: {words}")


def left(phase):
    """What no phase may leave: temporary names, locks, published blobs of another content, a history that
    does not open.
    """
    found = []
    for path in phase.folder.rglob("*"):
        if re.match(r"\.cairn-.*\.new$|cairn-sweep-", path.name):
            found.append(f"left {path.relative_to(phase.folder)}")
        elif "lock" in path.name and path.is_file():
            with open(path) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    found.append(f"{path.name} is still locked")
    reason = phase.puller.history_problem()
    return found + ([f"history: {reason}"] if reason else [])


def survivors(process):
    """Whether something that it started goes on without it."""
    for _ in range(1000):
        alive = [number for number in os.listdir("/proc") if number.isdigit() and is_of(number, process.pid)]
        if not alive:
            return []
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    return ["a process that it started goes on"]


def is_of(number, group):
    """Whether a process lives and belongs to a group; what nobody has waited for yet is dead all the same."""
    try:
        state, _, of = pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return state not in "ZX" and int(of) == group
