"""The plots of tools/bench's report."""
from cairnlab import svg


def peer_plot(report):
    """Each cell a line: every peer's time by Cairn's cold time."""
    marks = []
    for own, choose in (("default", lambda c, k: c.default(k)),
                        ("best", lambda c, k: (c.best(k) or (None,))[0])):
        for (cell, name), ratio in report.against_peers("cairn cold", choose).items():
            runs = next(c for c in report.cells if c.name == cell).runs[name]
            is_late = all(run["status"] != "ok" for run in runs)
            marks.append((cell, runs[0]["kind"], ratio, own == "default", is_late))
    return svg.strips("Time of each program by Cairn's first pull (right of 1: Cairn is faster)",
                      [cell.name for cell in report.cells], marks, report.rivals)


def sweep_plot(report):
    """Each cell a curve: seconds by pool size, with the cold and the warm pull."""
    panels = []
    for cell in report.cells:
        points = sorted(
            (int(name.split()[1]), cell.seconds(name)) for name in cell.kinds().get("cairn-fixed", [])
            if cell.seconds(name))
        panels.append((cell.name, points, cell.seconds("cairn cold"), cell.seconds("cairn warm"),
                       cell.line_seconds))
    return svg.curves("Seconds by pool size; dashed: the first pull, dotted: a later one, grey: the line "
                      "alone", panels)
