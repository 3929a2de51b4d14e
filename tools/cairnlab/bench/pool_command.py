"""How near Cairn comes to the best fixed pool, on real sockets: servers of several kinds, in the link lab.

    tools/bench-pool                            every case, about 40 minutes
    tools/bench-pool --case home-100 lossy      ... these
    tools/bench-pool --list

In each round every fixed size pulls once, and Cairn does without a history (cold) and after three lessons,
the first of them cold (warm), in random order, each into an empty store in memory. An image takes the best
fixed pool about 5 s. The figures are ratios within one case; seconds depend on the machine. What misses its
bar is in bold. A fixed size that takes twice as long as the fastest pull so far is given up in the first
round.

`limit-100k-5` is nginx with `limit_rate 100k` and a round trip of 5 ms; it counts by the second and for each
request, so that a request begins with a burst. `overloaded` is a server that slows down beyond ten requests.
"""
import argparse
import json
import pathlib
import sys

from cairnlab import prepare
from cairnlab.bench import pool, pulls
from cairnlab.link import lab


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=list(pool.CASES), choices=list(pool.CASES),
                        metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--colds", type=int, default=2,
                        help="cold pulls in a round, the first lesson among them")
    parser.add_argument("--lessons", type=int, default=3, help="pulls before the warm ones")
    parser.add_argument("--layers", help="sizes of the image's layers, in place of a case's own")
    parser.add_argument("--patience", type=float, default=20,
                        help="seconds after which any fixed pool is given up")
    parser.add_argument("--json", help="write everything that was measured there, after each case")
    parser.add_argument("--list", action="store_true", help="show the cases and end")
    return parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def held(value, bar):
    """A ratio; in bold where it misses its bar."""
    return f"{value:.2f}" if value <= bar else f"**{value:.2f}**"


def table(results):
    bars = pool.BARS
    columns = [
        "case", *(f"fixed {size}" for size in pool.SIZES), "best", "enough", f"cold (bar {bars['cold']})",
        f"worst cold ({bars['worst']})", f"warm ({bars['warm']})", "worst warm", "warm ends at, most",
        f"most over enough ({bars['workers']:g})"]
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for name, one in results.items():
        fixed = [f"{seconds:.2f}" if seconds else "-"
                 for size, seconds in one["fixed"].items() if size in pool.SIZES]
        cells = [
            name, *fixed, f"{one['best']:.2f} ({one['bestSize']})", one["enough"],
            held(one["cold"], bars["cold"]),
            held(one["worst"], bars["worst"]), held(one["warm"], bars["warm"]), f"{one['worstWarm']:.2f}",
            f"{one['warmLast']}, {one['warmMost']}", held(one["warmMost"] / one["enough"], bars["workers"])]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main():
    options = arguments()
    if options.list:
        print("\n".join(pool.CASES))
        return 0
    try:
        if not lab.is_inside():
            prepare.prepare(lab.PACKAGES, ["cairn", "link-emulator"])
        lab.enter(goes_first=True)
    except lab.LabUnavailable as error:
        print(error, file=sys.stderr)
        return 69
    results = {}
    for name in options.case:
        found = pool.CaseBench(name, options, say).measure()
        if found is None:
            print(f"{name} is left out: the link does not do what its model says", flush=True)
            continue
        results[name] = found
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(results))
    print("\n" + table(results) + "\n")
    for name, one in results.items():
        print(
            f"Worst cold pull of {name}: {one['worstSeconds']:.2f} s, {one['worst']:.2f} of the best\n\n```")
        print(pulls.shown(one["worstSteps"]) + "\n```\n")
    return 0
