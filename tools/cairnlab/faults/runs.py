"""Pulls for tools/faults: started, timed, ended if they hang, and judged by what is in the store
afterwards.
"""
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

# Exit codes of sysexits.h that a pull ends with.
INTEGRITY, NOT_FOUND, NETWORK, DISK, UNAUTHORISED = 65, 66, 69, 73, 77


@dataclasses.dataclass
class Outcome:
    """How a pull ended: its exit code (None: it hung and was killed), seconds, and what it said."""
    code: int
    seconds: float
    words: str

    @property
    def text(self):
        return {None: "hung", 0: "image"}.get(self.code, f"exit {self.code}")


# Answers whose bytes are right as far as they go: what is fetched again after them counts as sent twice.
TRUE_BYTES = {None, "late", "cut body", "reset body", "last byte", "stall", "trickle"}


def spans(requests):
    """What was rightly sent of blobs, as (digest, first byte, one after the last)."""
    return [(one.digest, one.range[0] if one.range else 0, (one.range[0] if one.range else 0) + one.sent)
            for one in requests if one.kind == "blob" and one.status in (200, 206)
            and one.fault in TRUE_BYTES]


def overlap(first, second):
    """Bytes that two lists of spans have in common, each counted once."""
    total = 0
    for name in {digest for digest, _, _ in second}:
        marks = []
        for part, side in ((first, 0), (second, 1)):
            for digest, start, end in part:
                if digest == name and end > start:
                    marks += [(start, side, 1), (end, side, -1)]
        open_now, last = [0, 0], 0
        for place, side, step in sorted(marks):
            if open_now[0] > 0 and open_now[1] > 0:
                total += place - last
            open_now[side] += step
            last = place
    return total


def culprit(words):
    """The beginning of the digest of the blob that an error is about, or None."""
    named = re.search(r"blob ([0-9a-f]{12})|manifest says sha256:([0-9a-f]{12})", words)
    return f"sha256:{named[1] or named[2]}" if named else None


def kept_and_sent_again(outcome, before, after):
    """Bytes that a pull had been sent rightly and the one after it was sent again; `after` holds the requests
    of both.

    What is damaged is not kept.
    """
    damaged = culprit(outcome.words) if outcome.code == INTEGRITY else None
    known = {id(one) for one in before}
    return overlap(spans([one for one in before if not damaged or not one.digest.startswith(damaged)]),
                   spans([one for one in after if id(one) not in known]))


def sent_twice(parts):
    """Bytes of spans beyond those that are needed to have each of them once."""
    return sum(end - start for _, start, end in parts) - overlap(parts, parts)


class Puller:
    """A store, a history, and the program that fills them."""

    def __init__(self, cairn, folder):
        self.cairn, self.folder = cairn, pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.store = self.folder / "store"
        self.history = self.folder / "history.sqlite"

    def command(self, server, repository, *options):
        trust = ["--ca-file", server.certificate[0]] if server.certificate else ["--plain-http"]
        return [self.cairn, "pull", f"{server.host}/{repository}", "--store", self.store, "--history",
                self.history,
                "--progress", "none", "--hosts-dir", self.folder / "hosts", *trust, *options]

    def start(self, command, environment=None, prefix=()):
        return subprocess.Popen(
            [str(word) for word in (*prefix, *command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, "HOME": str(self.folder), **(environment or {})})

    def pull(self, server, repository, *options, limit=60, environment=None, prefix=(), command=None):
        """One pull, from its start to its end; `limit` is the seconds after which it counts as hung."""
        begun = time.monotonic()
        process = self.start(command or self.command(server, repository, *options), environment, prefix)
        try:
            _, words = process.communicate(timeout=limit)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            _, words = process.communicate()
            code = None
        return Outcome(code, time.monotonic() - begun, words.strip())

    # MARK: Judging

    def wrong(self):
        """Published blobs that are not what their names say; must be empty at any moment."""
        found = []
        for path in (self.store / "blobs").glob("*/*"):
            try:
                with open(path, "rb") as file:
                    if hashlib.file_digest(file, path.parent.name).hexdigest() != path.name:
                        found.append(path.name)
            except FileNotFoundError:
                continue
        return found

    def history_problem(self):
        """Why the history cannot be used; None: it can, or there is none yet."""
        aside = [path.name for path in self.folder.glob("*.corrupt-*")]
        if aside:
            return f"was put aside: {aside[0]}"
        if not self.history.exists():
            return None
        done = subprocess.run([self.cairn, "tune", "--report", "--history", self.history],
                              capture_output=True, text=True)
        return None if done.returncode == 0 else done.stderr.strip()

    def left_over(self):
        """What a store holds after `cairn store prune` that no image needs; must be empty."""
        done = subprocess.run([self.cairn, "store", "prune", "--store", self.store], capture_output=True,
                              text=True)
        if done.returncode != 0:
            return [f"prune: {done.stderr.strip()}"]
        return [str(path.relative_to(self.store)) for path in self.store.rglob("*")
                if path.is_file() and (path.name.endswith(".new") or path.parent.name == "ingest")]

    def lacks(self, image):
        """What of an image is not in the store; empty: it is there and the index names it."""
        blobs = self.store / "blobs/sha256"
        missing = [name for name in [image.digest, *image.blobs]
                   if not (blobs / name.removeprefix("sha256:")).exists()]
        try:
            index = json.loads((self.store / "index.json").read_text())
            named = {entry["digest"] for entry in index.get("manifests", [])}
        except (OSError, ValueError):
            named = set()
        return missing + ([] if image.digest in named else ["the name"])
