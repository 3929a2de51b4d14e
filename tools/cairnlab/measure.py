"""Runs a command and says what it cost."""
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

# Peak memory counts what a process held before exec too, so a small process starts each command. Its
# children's children count once they are waited for.
STARTER = (
    "import os,sys\n"
    "pid=os.fork()\n"
    "if pid==0: os.execvp(sys.argv[2],sys.argv[2:])\n"
    "_,status,u=os.wait4(pid,0)\n"
    "open(sys.argv[1],'w').write(f'{status} {u.ru_utime+u.ru_stime} {u.ru_maxrss}')\n")


# Seconds between two looks at a running command's own memory.
LOOK = 0.05


class Usage:
    """What a command cost: wall and CPU seconds, peak memory in MiB, how it ended and what it wrote.

    `peak` is the resident set with the pages of program files, which the kernel shares and can drop; `own` is
    the most that was seen without them (anonymous pages of the command's main process, looked at every 50
    ms).
    """

    def __init__(self, wall, cpu, peak, own, status, output, errors):
        self.wall, self.cpu, self.peak, self.own = wall, cpu, peak, own
        self.status, self.output, self.errors = status, output, errors


class OwnMemory(threading.Thread):
    """Looks at the anonymous memory of a starter's child until told to stop."""

    def __init__(self, starter):
        super().__init__(daemon=True)
        self.starter, self.peak, self.over = starter, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(LOOK):
            try:
                with open(f"/proc/{self.starter}/task/{self.starter}/children") as file:
                    child = file.read().split()[0]
                with open(f"/proc/{child}/status") as file:
                    found = [int(line.split()[1]) for line in file if line.startswith("RssAnon")]
            except (OSError, IndexError):
                continue
            self.peak = max([self.peak, *found])

    def mebibytes(self):
        self.over.set()
        self.join()
        return self.peak / 1024


def run(command, timeout=None, environment=None):
    """Runs a command to its end, or kills it with its children; `status` is None where time was out."""
    with tempfile.NamedTemporaryFile("r") as usage:
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", STARTER, usage.name, *map(str, command)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            start_new_session=True)
        own = OwnMemory(process.pid)
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Usage(time.monotonic() - start, None, None, own.mebibytes(), None, "", "")
        wall = time.monotonic() - start
        status, cpu, peak = usage.read().split()
    return Usage(wall, float(cpu), int(peak) / 1024, own.mebibytes(), os.waitstatus_to_exitcode(int(status)),
                 output, errors)
