"""Whether what pulls say of what limited them is true: real servers and machines whose limit is known, and
simulated links.

    tools/verdicts                              servers on loopback, then 72 links drawn at random
    tools/verdicts --lab                        servers behind emulated links (root)
    tools/verdicts --case nginx-100k slow-disk  these
    tools/verdicts --simulate draw:7:36         these links only
    tools/verdicts --list

A row is what was true, a column what was said. Right are at least 95 % of the verdicts, and of pulls over 5 s
no more than 20 % end without one. What is true of a simulated pull is found out by pulling again with one
thing at a time twice as good.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from cairnlab import places, prepare
from cairnlab.link import lab
from cairnlab.verdicts import cases as verdict_cases

# Shorter pulls may end without a verdict.
LONG = 5.0
ALL = [*verdict_cases.CASES, *verdict_cases.LAB_CASES]
BARS = {"right": 0.95, "silent": 0.20}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="*", choices=ALL, metavar="NAME")
    parser.add_argument("--lab", action="store_true", help="the cases of the link lab")
    parser.add_argument("--colds", type=int, default=2, help="pulls of each server without a history")
    parser.add_argument("--warms", type=int, default=1, help="pulls that know the path")
    parser.add_argument("--simulate", metavar="LINKS", help="links as cairn simulate --model takes them")
    parser.add_argument("--json", help="write everything that was said there")
    parser.add_argument("--list", action="store_true", help="show the cases and end")
    return parser.parse_args()


def matrix(pulls):
    """Rows of what was true, columns of what was said, and the two figures with bars."""
    said = collections.Counter((one["truth"], one["said"] or "-") for one in pulls)
    truths = sorted({truth for truth, _ in said})
    columns = truths + sorted({word for _, word in said} - set(truths))
    lines = ["| true \\ said | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 1)]
    for truth in truths:
        lines.append("| " + " | ".join([truth] + [str(said[truth, word] or "") for word in columns]) + " |")
    spoken = [one for one in pulls if one["said"] not in (None, *verdict_cases.SILENT)]
    long = [one for one in pulls if one["seconds"] > LONG]
    right = sum(one["said"] == one["truth"] for one in spoken) / max(1, len(spoken))
    silent = sum(one["said"] in (None, *verdict_cases.SILENT) for one in long) / max(1, len(long))
    good = right >= BARS["right"] and silent <= BARS["silent"]
    lines.append(f"\nright: {100 * right:.1f} % of {len(spoken)} verdicts; silent: {100 * silent:.1f} % of "
                 f"{len(long)} pulls "
                 f"over {LONG:.0f} s" + ("" if good else "  <- misses its bar"))
    return "\n".join(lines), good


def run(bench, names, options):
    """Runs cases and says what each pull said."""
    for name in names:
        for one in bench.run(name, options.colds, options.warms):
            mark = "" if one["said"] == one["truth"] else "  <-"
            print(f"{name:18} {'warm' if one['warm'] else 'cold'} {one['seconds']:5.1f} s, "
                  f"{one['workers']} workers: {one['said']}: {one['words']}{mark}", flush=True)
            yield {"case": name, **one}


def real(options):
    """Pulls from real servers; whether what they said meets the bars."""
    cases = verdict_cases.LAB_CASES if options.lab else verdict_cases.CASES
    names = [name for name in options.case or cases if name in cases]
    if options.lab:
        lab.enter(goes_first=True)
        pulls = list(run(verdict_cases.LabBench(), names, options))
    else:
        with tempfile.TemporaryDirectory(prefix="cairn-verdicts-") as folder:
            pulls = list(run(verdict_cases.Bench(folder), names, options))
    text, good = matrix(pulls)
    print("\n" + text + "\n")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(pulls))
    return good


def simulated(options):
    """Pulls over simulated links."""
    links = options.simulate or "draw:20261126:72"
    return subprocess.run(
        [verdict_cases.CAIRN, "simulate", "--verdicts", "--model", links, "--seeds", "1",
         "--models", str(places.ROOT / "models")]).returncode == 0


def main():
    options = arguments()
    if options.list:
        print("\n".join(ALL))
        return 0
    good = True
    try:
        if not lab.is_inside():
            prepare.prepare(lab.PACKAGES if options.lab else (),
                            ["cairn", *(["link-emulator"] if options.lab else [])])
        if options.lab or options.case is not None or not options.simulate:
            good = real(options)
    except lab.LabUnavailable as error:
        print(error, file=sys.stderr)
        return 69
    if not options.lab and options.case is None:
        good = simulated(options) and good
    return 0 if good else 1
