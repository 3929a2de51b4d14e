"""What tools/bench measured, by cells: an image over a link; and what the simulator says of them."""
import collections
import json
import math
import pathlib
import statistics
import subprocess
import tempfile

from cairnlab.link.emulated import PAYLOAD


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


class Cell:
    """One image over one link: every contender's runs."""

    def __init__(self, link, image):
        self.link, self.image, self.model, self.sizes = link, image, {}, []
        self.runs = collections.defaultdict(list)

    @property
    def name(self):
        return f"{self.link} {self.image}"

    @property
    def line_seconds(self):
        """What the line alone would take: every byte once, as TCP's payload, without a round trip."""
        return sum(self.sizes) / (self.model["bandwidthMbit"] * 1e6 / 8 * PAYLOAD)

    def seconds(self, contender):
        """Median seconds of the runs that brought the right image; None: there is none."""
        walls = [run["wall"] for run in self.runs.get(contender, []) if run["status"] == "ok"]
        return statistics.median(walls) if walls else None

    def spread(self, contender):
        walls = [run["wall"] for run in self.runs[contender] if run["status"] == "ok"]
        return (min(walls), max(walls))

    def kinds(self):
        """Contenders by program."""
        found = collections.defaultdict(list)
        for name, runs in self.runs.items():
            found[runs[0]["kind"]].append(name)
        return found

    def best(self, kind):
        """The fastest setting of a program: (name, seconds), or None."""
        timed = [(self.seconds(name), name) for name in self.kinds().get(kind, []) if self.seconds(name)]
        return (min(timed)[1], min(timed)[0]) if timed else None

    def default(self, kind):
        """A program's own choice: its name, also where it brought nothing."""
        return next((n for n in self.kinds().get(kind, []) if self.runs[n][0]["isDefault"]), None)


def read(results):
    """Everything that was kept: (what is known of the machine, cells by name, self-tests)."""
    about, cells, tests = {}, {}, []
    rows = [json.loads(line) for line in pathlib.Path(results).read_text().splitlines()]
    # Only what was measured with the same Cairn and size as the last.
    for row in (row for row in rows if row.get("key") == rows[-1].get("key")):
        if "machine" in row:
            about.update(row)
        elif "selfTest" in row:
            tests.append(row)
        else:
            cell = cells.setdefault((row["link"], row["image"]), Cell(row["link"], row["image"]))
            if "sizes" in row:
                cell.sizes, cell.model = row["sizes"], row["model"]
            else:
                cell.runs[row["contender"]].append(row)
    return about, [cell for cell in cells.values() if cell.runs], tests


def predict(cairn, cells):
    """Seconds that the simulator expects for each cell and fixed pool size, by cell's name and size."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for cell in cells:
            sizes = sorted(int(name.split()[1]) for name in cell.kinds().get("cairn-fixed", [])
                           if cell.seconds(name))
            if not sizes:
                continue
            model = dict(cell.model)
            model["changes"] = [dict(change) for change in model.get("changes", [])]
            for part in (model, *model["changes"]):
                for field in ("bandwidthMbit", "perConnectionMbit"):
                    if field in part:
                        part[field] *= PAYLOAD
            # What the lab does not emulate is not asked of the simulator either.
            model.pop("client", None)
            model["server"] = {key: value for key, value in model.get("server", {}).items()
                               if key in ("redirects", "connectionLimit", "retryAfterSeconds")}
            image = {"name": cell.image, "about": "as it was pulled",
                     "layersKB": [size / 1e3 for size in cell.sizes]}
            for name, document in (("model", model), ("image", image)):
                pathlib.Path(folder, f"{name}.json").write_text(json.dumps(document))
            rows = json.loads(subprocess.run(
                [cairn, "simulate", "--model", f"{folder}/model.json", "--image", f"{folder}/image.json",
                 "--seeds", "3",
                 "--workers", ",".join(map(str, sizes)), "--format", "json"],
                check=True, capture_output=True, text=True).stdout)
            for row in rows:
                found[cell.name, int(row["workers"])] = row["seconds"]
    return found
