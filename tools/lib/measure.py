"""Runs a command and says what it cost."""
import os
import signal
import subprocess
import sys
import tempfile
import time

# Peak memory counts what a process held before exec too, so a small process starts each command. Its children's
# children count once they are waited for.
STARTER = (
    "import os,sys\n"
    "pid=os.fork()\n"
    "if pid==0: os.execvp(sys.argv[2],sys.argv[2:])\n"
    "_,status,u=os.wait4(pid,0)\n"
    "open(sys.argv[1],'w').write(f'{status} {u.ru_utime+u.ru_stime} {u.ru_maxrss}')\n")


class Usage:
    """What a command cost: wall and CPU seconds, peak memory in MiB, how it ended and what it wrote."""

    def __init__(self, wall, cpu, peak, status, output, errors):
        self.wall, self.cpu, self.peak = wall, cpu, peak
        self.status, self.output, self.errors = status, output, errors


def run(command, timeout=None, environment=None):
    """Runs a command to its end, or kills it with its children; `status` is None where time was out."""
    with tempfile.NamedTemporaryFile("r") as usage:
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", STARTER, usage.name, *map(str, command)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Usage(time.monotonic() - start, None, None, None, "", "")
        wall = time.monotonic() - start
        status, cpu, peak = usage.read().split()
    return Usage(wall, float(cpu), int(peak) / 1024, int(status), output, errors)
