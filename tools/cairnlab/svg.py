"""Two drawings for the benchmark's report, as SVG text."""
import html
import math

COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c564b", "#000000"]
HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" '
        'font-family="sans-serif" font-size="11">\n<rect width="{0}" height="{1}" fill="white"/>')


def text(x, y, words, anchor="start", size=11, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
            f'{html.escape(str(words))}</text>')


def line(x1, y1, x2, y2, colour="#ddd", width=1, dashes=None):
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"{style}/>')


def strips(title, rows, marks, kinds):
    """A row for each cell, ratios on a logarithmic axis: (row, kind, ratio, filled, whether it never
    ended).
    """
    left, top, height, width = 190, 70, 17, 620
    ratios = [mark[2] for mark in marks] + [0.8, 2]
    low, high = math.log(min(ratios) * 0.93), math.log(max(ratios) * 1.07)
    bottom = top + height * len(rows)

    def place(ratio):
        return left + (math.log(ratio) - low) / (high - low) * width
    parts = [HEAD.format(left + width + 20, bottom + 30), text(10, 18, title, size=13)]
    x = 10
    for index, kind in enumerate(kinds):
        parts.append(f'<circle cx="{x + 5}" cy="36" r="4" fill="{COLOURS[index % len(COLOURS)]}"/>'
                     + text(x + 13, 40, kind))
        x += 26 + 7 * len(kind)
    parts.append(text(10, 57, "filled: its own choice; ring: the best setting found by hand; >: not in time, "
                              "at least so much", colour="#666"))
    for tick in (0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50):
        if low <= math.log(tick) <= high:
            parts += [line(place(tick), top - 5, place(tick), bottom, "#333" if tick == 1 else "#ddd"),
                      text(place(tick), bottom + 14, f"{tick:g}x", "middle")]
    for number, row in enumerate(rows):
        y = top + height * number + height / 2
        parts += [text(left - 8, y + 4, row, "end"), line(left, y, left + width, y, "#f0f0f0")]
        for name, kind, ratio, filled, is_late in marks:
            if name != row:
                continue
            colour = COLOURS[kinds.index(kind) % len(COLOURS)]
            if is_late:
                parts.append(text(place(ratio), y + 5, ">", "middle", 16, colour))
            else:
                parts.append(f'<circle cx="{place(ratio):.1f}" cy="{y:.1f}" r="4" stroke="{colour}" '
                             f'stroke-width="1.5" '
                             f'fill="{colour if filled else "none"}"/>')
    return "\n".join(parts) + "\n</svg>\n"


def curves(title, panels):
    """A small drawing for each cell: (name, [(pool size, seconds)], cold, warm, line), both axes
    logarithmic.
    """
    columns, wide, high = 4, 230, 150
    rows = math.ceil(len(panels) / columns)
    parts = [HEAD.format(columns * wide + 20, rows * high + 40), text(10, 18, title, size=13)]
    for number, (name, points, cold, warm, ideal) in enumerate(panels):
        x, y = 40 + number % columns * wide, 50 + number // columns * high
        width, height = wide - 55, high - 55
        seconds = [s for _, s in points] + [s for s in (cold, warm, ideal) if s]
        low, top = math.log(min(seconds) * 0.9), math.log(max(seconds) * 1.1)

        def across(size, x=x, width=width):
            return x + math.log(size) / math.log(64) * width

        def up(value, y=y, height=height, low=low, top=top):
            return y + height - (math.log(value) - low) / (top - low) * height
        parts += [text(x, y - 6, name), line(x, y, x, y + height, "#888"),
                  line(x, y + height, x + width, y + height, "#888")]
        for size in (1, 2, 4, 8, 16, 32, 64):
            parts.append(text(across(size), y + height + 13, size, "middle", 9))
        for value in (min(seconds), max(seconds)):
            parts.append(text(x - 4, up(value) + 3, f"{value:.3g}", "end", 9))
        for value, dashes, colour in ((ideal, None, "#bbb"), (cold, "6 3", COLOURS[1]),
                                      (warm, "2 2", COLOURS[2])):
            if value:
                parts.append(line(x, up(value), x + width, up(value), colour, 1.3, dashes))
        path = " ".join(f"{across(n):.1f},{up(s):.1f}" for n, s in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[0]}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{across(n):.1f}" cy="{up(s):.1f}" r="2" fill="{COLOURS[0]}"/>'
                  for n, s in points]
    return "\n".join(parts) + "\n</svg>\n"
