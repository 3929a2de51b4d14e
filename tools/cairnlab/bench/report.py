"""The report of tools/bench: what was measured as JSON, Markdown and plots."""
import statistics

from cairnlab.bench import report_page, report_plots
from cairnlab.bench.cells import geometric_mean, predict, read


class Report:
    def __init__(self, results, name, cairn):
        self.about, self.cells, self.tests = read(results)
        self.name = name
        self.peer_kinds = sorted(
            {kind for cell in self.cells for kind in cell.kinds() if not kind.startswith("cairn")})

        self.predictions = predict(cairn, self.cells)
        # What does not begin at a reference is a yardstick, and podman unpacks too: shown, and no rival.
        self.rivals = [kind for kind in self.peer_kinds if kind not in ("not a pull", "podman")]

    def against_sweep(self, contender):
        """Seconds of a contender by those of the best fixed size of Cairn's own sweep, for each cell."""
        ratios = {}
        for cell in self.cells:
            best, own = cell.best("cairn-fixed"), cell.seconds(contender)
            if best and own:
                ratios[cell.name] = own / best[1]
        return ratios

    def against_peers(self, own, choose):
        """A peer's seconds by Cairn's, for each cell and peer; `choose` picks the peer's setting.

        A peer that did not end in time counts with the time that it had; one that failed does not count.
        """
        ratios = {}
        for cell in self.cells:
            mine = cell.seconds(own)
            for kind in self.rivals:
                name = choose(cell, kind)
                if mine is None or name is None:
                    continue
                theirs = cell.seconds(name)
                if theirs is None:
                    late = [run["wall"] for run in cell.runs[name] if run["status"] == "timeout"]
                    theirs = late[0] if late else None
                if theirs:
                    ratios[cell.name, name] = theirs / mine
        return ratios

    def bars(self):
        rows = []

        def ratio_row(what, ratios, mean_bar, worst_bar):
            if not ratios:
                return
            mean, worst = geometric_mean(ratios.values()), max(ratios, key=ratios.get)
            missing = len([cell for cell in self.cells if cell.best("cairn-fixed")]) - len(ratios)
            rows.append((what, f"geometric mean <= {mean_bar}, worst <= {worst_bar}",
                         f"{mean:.3f}, worst {ratios[worst]:.2f} ({worst}); {len(ratios)} cells, {missing} "
                         f"without a figure",
                         mean <= mean_bar and ratios[worst] <= worst_bar and missing == 0))
        ratio_row("cold, by the best fixed size", self.against_sweep("cairn cold"), 1.10, 1.30)
        ratio_row("warm, by the best fixed size", self.against_sweep("cairn warm"), 1.03, 1.10)

        def peers_row(what, own, choose, bar):
            ratios = self.against_peers(own, choose)
            if not ratios:
                return
            worst = min(ratios, key=ratios.get)
            rows.append((what, f"no cell below {bar:.2f}",
                         f"geometric mean {geometric_mean(ratios.values()):.2f}, worst {ratios[worst]:.2f} "
                         f"({', '.join(worst)}), {sum(r < bar for r in ratios.values())} of {len(ratios)} "
                         f"below",
                         ratios[worst] >= bar))
        for own in ("cairn cold", "cairn warm"):
            peers_row(f"peers at their defaults, by {own}", own, lambda cell, kind: cell.default(kind),
                      1 / 1.02)
            peers_row(f"peers at their best setting, by {own}", own,
                      lambda cell, kind: (cell.best(kind) or (None,))[0], 1 / 1.05)
        harsh = [c for c in self.cells if "perConnectionMbit" in c.model or c.model.get("loss", 0) > 0.001]
        ratios = {key: value for key, value in
                  self.against_peers("cairn cold", lambda cell, kind: cell.default(kind)).items()
                  if key[0] in {cell.name for cell in harsh}}
        if ratios:
            rows.append(("capped or lossy: peers at their defaults, by cairn cold", ">= 3 in each cell",
                         f"{sum(r >= 3 for r in ratios.values())} of {len(ratios)}, geometric mean "
                         f"{geometric_mean(ratios.values()):.1f}, least {min(ratios.values()):.2f} "
                         f"({', '.join(min(ratios, key=ratios.get))})", min(ratios.values()) >= 3))
        errors = self.prediction_errors()
        if errors:
            middle, worst = statistics.median(map(abs, errors.values())), max(
                errors, key=lambda key: abs(errors[key]))
            rows.append(("the simulator against the lab", "median error below 10 %",
                         f"{middle * 100:.1f} %, worst {errors[worst] * 100:+.0f} % ({worst[0]}, {worst[1]} "
                         f"workers)",
                         middle < 0.10))
        rows += self.utilisation_rows() + self.cost_rows()
        own = [run for cell in self.cells for name in ("cairn cold", "cairn warm")
               for run in cell.runs.get(name, [])]
        wrong = [run for run in own if run["status"] != "ok"]
        rows.append(
            ("pulls of Cairn that ended right", "all", f"{len(own) - len(wrong)} of {len(own)}", not wrong))
        late = [run for cell in self.cells for runs in cell.runs.values() for run in runs
                if run.get("overruns", 0) > 0]
        rows.append(("runs in which the emulator ran out of room", "none", str(len(late)), not late))
        return rows

    def prediction_errors(self):
        """By how much each prediction is off, as a share of what was measured."""
        cells = {cell.name: cell for cell in self.cells}
        return {(name, size): seconds / cells[name].seconds(f"cairn {size}") - 1
                for (name, size), seconds in self.predictions.items()}

    def cost_rows(self):
        """CPU and memory by the other programs that speak the registry's protocol, over the cells that both
        finished.
        """
        rows = []
        for what, field in (("CPU seconds per GB", "cpu"),
                            ("peak memory with the program's own pages of its file, MiB", "peak"),
                            ("peak memory without them (anonymous), MiB", "own")):
            cells = [cell for cell in self.cells if cell.seconds("cairn cold") and cell.seconds("skopeo")
                     and sum(cell.sizes) > 5e6]
            own, theirs = (
                    [self.cost(cell, name, field) for cell in cells] for name in ("cairn cold", "skopeo"))
            if cells:
                own, theirs = statistics.median(own), statistics.median(theirs)
                rows.append((what, "below each client of the protocol",
                             f"cairn cold {own:.2f}, skopeo {theirs:.2f}", own < theirs))
        return rows

    @staticmethod
    def cost(cell, name, field):
        """Median of a cost over a cell's right runs; CPU by GB of the image."""
        per = sum(cell.sizes) / 1e9 if field == "cpu" else 1
        return statistics.median(run[field] / per for run in cell.runs[name] if run["status"] == "ok")

    def utilisation_rows(self):
        """What long pulls make of links that their connections can fill: bytes of the image by what the line
        carries.
        """
        shares = {}
        for cell in self.cells:
            cap, most = cell.model.get("perConnectionMbit"), min(
                    64, cell.model.get("server", {}).get("connectionLimit", 64))
            if cap and cap * most < cell.model["bandwidthMbit"]:
                continue
            for name in ("cairn cold", "cairn warm"):
                if (seconds := cell.seconds(name)) and seconds >= 15:
                    shares[cell.name, name] = cell.line_seconds / seconds
        if not shares:
            return []
        worst = min(shares, key=shares.get)
        return [("share of the line's rate, pulls of 15 s and more", ">= 0.95 in each cell",
                 f"{sum(share >= 0.95 for share in shares.values())} of {len(shares)}, geometric mean "
                 f"{geometric_mean(shares.values()):.2f}, least {shares[worst]:.2f} ({', '.join(worst)})",
                 shares[worst] >= 0.95)]


def write(results, folder, name, cairn):
    """Writes the report and its plots; returns the bars as text."""
    report = Report(results, name, cairn)
    folder.mkdir(parents=True, exist_ok=True)
    plots = []
    for suffix, drawing, caption in (("peers", report_plots.peer_plot(report), "peers"),
                                     ("sweep", report_plots.sweep_plot(report), "sweep")):
        (folder / f"{name}-{suffix}.svg").write_text(drawing)
        plots.append((f"{name}-{suffix}.svg", caption))
    (folder / f"{name}.md").write_text(report_page.markdown(report, plots))
    return "\n".join(f"{'met   ' if met else 'MISSED'} {what}: {seen}  ({bar})"
                     for what, bar, seen, met in report.bars())
