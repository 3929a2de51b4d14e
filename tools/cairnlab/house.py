"""Finds what in tools/ and .ci/ has grown beyond what a reader holds in mind at once, lines and files, and
variables that the manual pages do not name.

Tests/ArchitectureTests/SizeTests.swift asks the same of Sources, ruff of the width of Python's lines.
"""
import subprocess

from cairnlab.package import manual
from cairnlab.places import ROOT

WIDTH = 110
LINES = 300
# Longer files, and why.
LONG: dict[str, str] = {
    "tools/cairnlab/faults/cases.py": "a table: a case each",
    "tools/cairnlab/serve/bench.py": "a measurement each, on one scene",
    "tools/cairnlab/signals/phases.py": "a table: a phase of a pull each",
}


def files():
    """What git knows there, but for what fuzzers found."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tools", ".ci"], cwd=ROOT,
        check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in listed if not name.startswith("tools/fuzz-corpus/") and (ROOT / name).is_file()]


def complaints():
    """A line for each place; also where a reason has outlived its file's length."""
    for name in files():
        lines = (ROOT / name).read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if len(line) > WIDTH:
                yield f"{name}:{number} has {len(line)} columns; {WIDTH} are the most"
        if len(lines) > LINES and name not in LONG:
            yield f"{name} has {len(lines)} lines; {LINES} are the most without a reason in cairnlab/house.py"
        if len(lines) <= LINES and name in LONG:
            yield f"{name} has {len(lines)} lines, and cairnlab/house.py a reason for more"
    for name in manual.unnamed_variables():
        yield f"the product reads ${name}, and cairnlab/package/manual.py does not name it"
    for name in LONG:
        if not (ROOT / name).exists():
            yield f"cairnlab/house.py has a reason for {name}, which is not there"


def main():
    found = list(complaints())
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
