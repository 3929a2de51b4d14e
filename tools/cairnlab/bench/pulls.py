"""Pulls of Cairn that are watched while they run: what arrived when, which pool sizes were chosen, and
why.
"""
import bisect
import json
import os
import pathlib
import subprocess
import threading
import time

from cairnlab import places
from cairnlab.link import lab
from cairnlab.registry import images, servers

CAIRN = os.environ.get("CAIRN") or str(places.ROOT / ".build/release/cairn")


def push(folder, data, name, layers):
    """Pushes an image to a registry's blobs in `data`; returns its size in bytes."""
    with servers.docker_registry(folder / "push", data=data) as port:
        digest = images.push(f"127.0.0.1:{port}/{name}:latest",
                             images.Recipe(images.sizes(layers), seed=name))
        return sum(images.sizes_of(f"127.0.0.1:{port}", name, digest).values())


class Pull:
    """A pull that runs from when this is made; its folder must be new."""

    def __init__(self, one, name, folder, history, *options):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.trace = self.folder / "trace.jsonl"
        trust = ["--ca-file", str(one.certificate)] if one.tls else ["--plain-http"]
        self.began = time.monotonic()
        self.lines = []
        with open(self.folder / "errors", "wb") as errors:
            self.process = subprocess.Popen(
                [CAIRN, "pull", f"{one.registry}/{name}:latest", "--store", str(self.folder / "store"),
                 "--history", str(history), "--progress", "json", *trust, *map(str, options)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                preexec_fn=lab.die_with_parent)
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.ended = time.monotonic()

    @property
    def runs(self):
        return self.thread.is_alive()

    def wait(self, seconds=None):
        """Waits for its end, or kills it after so many seconds; whether it went well."""
        self.thread.join(seconds)
        if self.runs:
            self.kill()
        return self.process.returncode == 0

    def kill(self):
        if self.runs:
            self.process.kill()
        self.thread.join()

    @property
    def error(self):
        return (self.folder / "errors").read_text()[-2000:]

    # MARK: What became of it

    def events(self):
        """(When, event) of every line of its progress, by this machine's clock."""
        found = []
        for at, line in list(self.lines):
            try:
                found.append((at, json.loads(line)))
            except ValueError:
                # The end of one that was killed.
                continue
        return found

    @property
    def seconds(self):
        """What the whole pull took, by its own clock."""
        return next((event["seconds"] for _, event in self.events() if event["event"] == "finished"), None)

    def sizes(self):
        """(Seconds since it was started, pool size, reason) of every change."""
        return [(at - self.began, event["poolSize"], event["poolReason"])
                for at, event in self.events() if event["event"] == "pool"]

    def bytes_at(self, moments):
        """Useful bytes at moments of this machine's clock, between two lines in proportion."""
        points = [(self.began, 0)]
        for at, event in self.events():
            if event["event"] == "progress":
                points.append((at, event["bytesDone"]))
            elif event["event"] == "finished":
                points.append((at, max(points[-1][1], event["bytes"])))
        times = [at for at, _ in points]
        found = []
        for moment in moments:
            index = bisect.bisect_right(times, moment)
            if index == 0:
                found.append(0)
            elif index == len(points):
                found.append(points[-1][1])
            else:
                (start, before), (end, after) = points[index - 1], points[index]
                found.append(before + (after - before) * (moment - start) / max(end - start, 1e-6))
        return found

    def samples(self):
        """(When, sample, decision) of each line of its trace, where one was asked for by `--trace`."""
        downloads = next((at for at, event in self.events() if event["event"] == "pool"), self.began)
        found = []
        if self.trace.exists():
            for line in self.trace.read_text().splitlines():
                try:
                    step = json.loads(line)
                except ValueError:
                    continue
                found.append((downloads + step["sample"]["now"], step["sample"], step["decision"]))
        return found


def shown(steps):
    """Pool sizes with their moments and reasons, one a line."""
    return "\n".join(f"{at:8.2f} s {size:4d} workers  {why}" for at, size, why in steps)
