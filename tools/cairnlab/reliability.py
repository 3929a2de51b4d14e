"""Keeps docs/reliability.md: each tool replaces the sections that it measured, and the others stay."""
import datetime
import re
import sys

from cairnlab import places
from cairnlab.bench import run
from cairnlab.site import prose

PAGE = places.ROOT / "docs/reliability.md"
INTRODUCTION = """# Reliability

Each section is written by the command that it names, from what that command saw; how it is done is in
[design/faults.md](design/faults.md).
"""
# In the page's order.
SECTIONS = ["Faults one by one", "Random mixes", "Killed pulls", "Many at once", "Power loss", "Signals",
            "Load", "Fuzzing", "Sanitizers"]


def write(command, sections):
    """Replaces sections: lists of lines, by their names."""
    page = PAGE.read_text() if PAGE.exists() else ""
    known = {name: text.strip() for name, text in re.findall(r"^## (.*)\n((?:(?!^## ).*\n?)*)", page, re.M)}
    about = run.machine()
    line = (f"*`{command}`, {datetime.date.today().isoformat()}, cairn {about['versions']['commit']}, "
            f"{about['machine']}.*")
    for name, lines in sections.items():
        assert name in SECTIONS, name
        known[name] = "\n".join([line, "", *lines]).strip()
    parts = [INTRODUCTION, *(f"## {name}\n\n{known[name]}\n" for name in SECTIONS if name in known)]
    PAGE.write_text(prose.wrap("\n".join(parts)))


if __name__ == "__main__":
    # reliability.py COMMAND SECTION: the section's lines come from standard input.
    write(sys.argv[1], {sys.argv[2]: sys.stdin.read().splitlines()})
