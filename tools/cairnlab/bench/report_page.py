"""The report of tools/bench as a page in Markdown."""
import collections
import statistics

from cairnlab.bench.cells import geometric_mean


def markdown(report, plots):
    versions = ", ".join(
        f"{name} {value.removeprefix(f'{name} ').removeprefix('version ')}"
        for name, value in report.about.get("versions", {}).items())
    text = [
        f"# Benchmark: {report.name}", "",
        "Written by `tools/bench`; every figure comes from one run of it. Seconds are medians and depend "
        "on the machine; what can be",
        "compared are ratios within a cell. Servers, emulated link and clients shared this machine.", "",
        f"{report.about.get('machine')}; {versions}.", "", "## Bars", "",
        "Ratios above 1 against peers mean that Cairn was faster; against Cairn's own fixed sizes below "
        "1.", "",
        "| | bar | measured | |", "|---|---|---|---|",
        *(f"| {what} | {bar} | {seen} | {'met' if met else 'missed'} |"
          for what, bar, seen, met in report.bars()), "",
    ]
    for path, caption in plots:
        text += [f"![{caption}]({path})", ""]
    text += cell_table(report) + start_table(report) + prediction_table(report)
    text += cost_table(report) + failure_table(report)
    text += ["", "## The links, measured before use", "", "| link | | measured | model | | |",
             "|---|---|---|---|---|---|",
             *(f"| {test['link']} | {what} | {seen:.2f} | {wanted:.2f} | {unit} | "
               f"{'ok' if right else 'WRONG'} |"
               for test in report.tests for what, seen, wanted, unit, right in test["selfTest"])]
    return "\n".join(text) + "\n"


def cell_table(report):
    """Seconds of each program in each cell."""
    text = ["## Cells", "",
            "Seconds; in brackets the fastest and slowest run. *line*: every byte once at the line's "
            "rate, without a round trip. "
            "*best fixed*: the best of Cairn's own pool sizes.", "",
            "| cell | line | cold | warm | best fixed | " + " | ".join(report.peer_kinds) + " |",
            "|---|" + "---|" * (4 + len(report.peer_kinds))]
    for cell in report.cells:
        fixed = cell.best("cairn-fixed")
        row = [cell.name, f"{cell.line_seconds:.2f}", timed(cell, "cairn cold"),
               timed(cell, "cairn warm"),
               f"{fixed[1]:.2f} ({fixed[0].split()[1]})" if fixed else ""]
        for kind in report.peer_kinds:
            default, best = cell.default(kind), cell.best(kind)
            shown = timed(cell, default, brackets=False) if default else ""
            if best and best[0] != default:
                shown += f"{', ' if shown else ''}{best[1]:.2f} ({best[0].removeprefix(kind).strip()})"
            row.append(shown)
        text.append("| " + " | ".join(row) + " |")
    return text


def cost_table(report):
    """What each program costs the machine, the network and the server."""
    text = ["", "## Costs", "", "Medians over the cells that a program finished; *by cairn cold*: "
                                "geometric mean of the CPU seconds by "
            "those of Cairn's first pull in the same cells. *own*: anonymous memory, without the pages "
            "of program files.", "",
            "| | CPU s/GB | by cairn cold | peak MiB | own MiB | connections | requests | refused | "
            "wire bytes by image | runs | not right |",
            "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name in dict.fromkeys(name for cell in report.cells for name in cell.runs):
        cells = [cell for cell in report.cells if name in cell.runs and cell.seconds(name)]
        runs = [run for cell in report.cells for run in cell.runs.get(name, [])]
        good = [run for run in runs if run["status"] == "ok"]
        if not good:
            continue
        ratios = [report.cost(cell, name, "cpu") / report.cost(cell, "cairn cold", "cpu") for cell in cells
                  if cell.seconds("cairn cold")]

        def middle(field, name=name, cells=cells):
            return statistics.median(report.cost(cell, name, field) for cell in cells)

        wire = statistics.median(run["wireBytes"] / run["bytes"] for run in good)
        text.append(
            f"| {name} | {middle('cpu'):.2f} | {geometric_mean(ratios):.2f} | {middle('peak'):.0f} | "
            f"{middle('own'):.0f} | "
            f"{middle('connections'):.0f} | {middle('requests'):.0f} | {sum(r['refused'] for r in good)} "
            f"| "
            f"{wire:.3f} | {len(runs)} | {len(runs) - len(good)} |")
    return text


def failure_table(report):
    """What ended otherwise than it should; nothing where all was right."""
    failures = collections.Counter(
        (name, run["status"].split(" sha256")[0])
        for cell in report.cells for name, runs in cell.runs.items() for run in runs
        if run["status"] != "ok")
    if not failures:
        return []
    return ["", "## Not right, or not in time", "", "| | runs | what |", "|---|---|---|",
            *(f"| {name} | {count} | {what} |" for (name, what), count in sorted(failures.items()))]


def start_table(report):
    """How long each program takes until the first byte of a layer, by link."""
    names = [name for name in dict.fromkeys(name for cell in report.cells for name in cell.runs)
             if not name.startswith("cairn ") or name in ("cairn cold", "cairn warm")]
    rows = []
    for link in dict.fromkeys(cell.link for cell in report.cells):
        cells = [cell for cell in report.cells if cell.link == link]
        trip = cells[0].model["roundTripMs"] / 1e3
        shown = []
        for name in names:
            found = [run["firstLayer"] for cell in cells for run in cell.runs.get(name, [])
                     if run.get("firstLayer")]
            # The request's arrival is known: half a round trip later its answer is with who asked.
            seconds = statistics.median(found) + trip / 2 if found else None
            shown.append(f"{seconds:.2f} ({seconds / trip:.1f})" if found else "")
        if any(shown):
            rows.append(f"| {link} | {trip * 1e3:.0f} | " + " | ".join(shown) + " |")
    if not rows:
        return []
    return ["", "## Before the first byte of a layer", "",
            "Seconds from the command's start to the first byte of a layer, in brackets as round trips; "
            "medians over the link's "
            "cells, the program's own start included.", "",
            "| link | round trip, ms | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names),
            *rows]


def prediction_table(report):
    """Predicted and measured seconds side by side."""
    sizes = sorted({size for _, size in report.predictions})
    if not sizes:
        return []
    text = ["", "## The simulator against the lab", "", "Seconds predicted / measured, by pool size.", "",
            "| cell | " + " | ".join(map(str, sizes)) + " |", "|---|" + "---|" * len(sizes)]
    for cell in report.cells:
        shown = [f"{report.predictions[cell.name, size]:.1f} / {cell.seconds(f'cairn {size}'):.1f}"
                 if (cell.name, size) in report.predictions else "" for size in sizes]
        text.append(f"| {cell.name} | " + " | ".join(shown) + " |")
    return text


def timed(cell, name, brackets=True):
    seconds = cell.seconds(name)
    if seconds is None:
        runs = cell.runs.get(name, [])
        return "" if not runs else f"> {runs[0]['wall']:.0f}" if runs[0][
            "status"] == "timeout" else "failed"
    low, high = cell.spread(name)
    return f"{seconds:.2f} [{low:.2f}, {high:.2f}]" if brackets and low < high else f"{seconds:.2f}"
