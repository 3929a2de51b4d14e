"""The pictures of "How it works": the way of a pull, the hill, and how it is climbed; the last two from
`cairn simulate`.
"""
import csv
import io
import math
import re
import subprocess

from cairnlab.package import source
from cairnlab.svg import line, text

# Words and lines that can be read on light and on dark.
GREY, FAINT = "#808a91", "#80808055"
BLUE, ORANGE, GREEN, AMBER = COLOURS = ["#3d8fd1", "#d9722e", "#22a37c", "#e0a030"]
FOLDER = source.ROOT / "docs/pictures"
LINKS = [
    ("cdn-cap-20", "each connection has 20 Mbit/s"), ("home-100", "four fill the line"),
    ("overload-10", "the server slows down beyond ten")]
SIZES = [1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64]


def head(width, height, label):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" '
            f'aria-label="{label}" font-family="sans-serif">')


def words(x, y, said, anchor="start", size=13, colour=GREY):
    return text(x, y, said, anchor, size, colour)


def simulate(binary, *options):
    return subprocess.run(
        [binary, "simulate", "--models", "models", *options], cwd=source.ROOT, check=True,
        capture_output=True, text=True).stdout


def hill(binary):
    """Throughput against pool size, each as a share of its best."""
    width, height, left, bottom = 760, 360, 60, 310
    parts = [head(width, height, "Throughput against the number of workers on three modelled links")]

    def place(size, share):
        return left + math.log2(size) / 6 * (width - left - 30), bottom - share * (bottom - 70)
    for share in (0, 0.25, 0.5, 0.75, 1):
        _, y = place(1, share)
        parts += [line(left, y, width - 30, y, FAINT), words(left - 8, y + 4, f"{share:.0%}", "end")]
    for size in (1, 2, 4, 8, 16, 32, 64):
        x, _ = place(size, 0)
        parts += [line(x, 70, x, bottom, FAINT), words(x, bottom + 20, size, "middle")]
    parts.append(words((left + width) / 2, bottom + 42, "workers", "middle"))
    parts.append(words(left, 20, "share of the best rate of each link"))
    for number, (link, what) in enumerate(LINKS):
        rows = csv.DictReader(io.StringIO(simulate(
            binary, "--model", link, "--image", "heavy-tail", "--seeds", "8", "--workers",
            ",".join(map(str, SIZES)), "--format", "csv")))
        rates = {int(row["workers"]): float(row["MiB/s"]) for row in rows}
        best = max(rates.values())
        points = " ".join("{:.1f},{:.1f}".format(*place(size, rates[size] / best)) for size in SIZES)
        x, y = place(max(rates, key=rates.get), 1)
        parts += [f'<polyline points="{points}" fill="none" stroke="{COLOURS[number]}" stroke-width="2.5"/>',
                  f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLOURS[number]}"/>',
                  line(left + 225 * number, 40, left + 225 * number + 22, 40, COLOURS[number], 3),
                  words(left + 225 * number + 28, 44, what, size=12)]
    return "\n".join(parts) + "\n</svg>\n"


def climb(binary):
    """The pool size during a first pull, and the reasons."""
    said = simulate(
        binary, "--model", "cdn-cap-20", "--image", "one-big", "--policy", "climb", "--seeds", "1",
        "--lengths", "15", "--explain")
    steps = [(float(at), int(size), why.strip())
             for at, size, why in re.findall(r"^ +([\d.]+) s +(\d+) workers +(.*)$", said, re.M)]
    end = float(re.search(r"cold, climb: ([\d.]+) s", said).group(1))
    most = max(size for _, size, _ in steps) * 1.1
    width, left, top, bottom = 760, 60, 30, 230
    height = bottom + 60 + 22 * len(steps)
    parts = [head(width, height, "The pool size during a pull, with the reasons for each change")]

    def place(at, size):
        return left + at / end * (width - left - 30), bottom - size / most * (bottom - top)
    for size in range(0, int(most) + 1, 10):
        y = place(0, size)[1]
        parts += [line(left, y, width - 30, y, FAINT), words(left - 8, y + 4, size, "end")]
    for second in range(0, int(end) + 1, 3):
        parts.append(words(place(second, 0)[0], bottom + 20, f"{second} s", "middle"))
    parts.append(words(left, 18, "workers"))
    path = []
    for (at, size, _), (until, *_) in zip(steps, [*steps[1:], (end,)], strict=True):
        path += [place(at, size), place(until, size)]
    parts.append('<polyline points="{}" fill="none" stroke="{}" stroke-width="2.5"/>'.format(
        " ".join(f"{x:.1f},{y:.1f}" for x, y in path), BLUE))
    for number, (at, size, why) in enumerate(steps, 1):
        x, y = place(at, size)
        row = bottom + 34 + 22 * number
        for cx, cy in (x, y), (left - 30, row - 4):
            parts += [f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="9" fill="{BLUE}"/>',
                      words(cx, cy + 4, number, "middle", 11, "#fff")]
        parts.append(words(left - 14, row, f"{at:.1f} s, {size} workers: {why}"))
    return "\n".join(parts) + "\n</svg>\n"


def way():
    """Boxes from a name to an image, and two blobs as they are cut."""
    width, height = 760, 330
    parts = [head(width, height, "The way of a pull: resolve, want, fetch in ranges, verify, publish")]
    stages = [
        ("resolve", "name, index, manifest"), ("want", "blobs that are missing"),
        ("fetch", "ranges, by workers"),
        ("verify", "read back, hashed"), ("publish", "blobs, then the name")]
    wide = 132
    for number, (title, what) in enumerate(stages):
        x = 14 + number * 149
        parts += [f'<rect x="{x}" y="14" width="{wide}" height="58" rx="8" fill="none" stroke="{BLUE}" '
                  f'stroke-width="2"/>',
                  words(x + wide / 2, 38, title, "middle", 15, BLUE),
                  words(x + wide / 2, 58, what, "middle", 11.5)]
        if number:
            parts += [line(x - 15, 43, x - 3, 43, GREY, 2),
                      f'<path d="M{x - 7} 38 l6 5 l-6 5" fill="none" stroke="{GREY}" stroke-width="2"/>']
    blobs = [
        ("layer 1", [(0, 150, 2), (150, 270, 2), (270, 340, 1), (340, 400, 1), (400, 560, 0)], [4, 7]),
        ("layer 2", [(0, 110, 2), (110, 190, 1), (190, 300, 0)], [9]), ("layer 3", [(0, 60, 2)], [])]
    for number, (name, pieces, _) in enumerate(blobs):
        y = 118 + 50 * number
        parts.append(words(14, y + 19, name))
        for begin, end, state in pieces:
            colour = [FAINT, AMBER, GREEN][state]
            parts.append(
                f'<rect x="{90 + begin}" y="{y}" width="{end - begin - 2}" height="28" fill="{colour}"/>')
    parts.append(words(90 + 290, 112, "worker 1", size=11) + words(90 + 350, 112, "worker 2", size=11)
                 + words(90 + 115, 162, "worker 3", size=11))
    for number, (colour, what) in enumerate([
            (GREEN, "on the disk and hashed: the contiguous beginning"),
            (AMBER, "arriving, each range on a connection of its own"),
            (FAINT, "not asked for yet: cut when a worker is free")]):
        y = 276 + 19 * number
        parts += [f'<rect x="90" y="{y - 11}" width="14" height="14" fill="{colour}"/>',
                  words(112, y + 1, what, size=12.5)]
    return "\n".join(parts) + "\n</svg>\n"


def draw(binary):
    FOLDER.mkdir(exist_ok=True)
    for name, picture in ("way", way()), ("hill", hill(binary)), ("climb", climb(binary)):
        (FOLDER / f"{name}.svg").write_text(picture)
        print(FOLDER / f"{name}.svg")
