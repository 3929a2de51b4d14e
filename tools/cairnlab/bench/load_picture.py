"""The README's picture, as SVG text: bars of seconds, which can be read on white and on black."""
import html

WIDTH, ROW, TOP, LEFT = 760, 44, 58, 16
# Of middling brightness: enough contrast with white and with black.
INK, OTHER, OURS = "#6e7781", "#8b949e", "#2f81f7"


def text(x, y, words, size=14, weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" '
            f'fill="{INK}">{html.escape(words)}</text>')


def svg(rows, mebibytes, each, line):
    """Rows are (name, seconds), the first one is not ours; the image's MiB, and MB/s of a connection and of
    all.
    """
    height = TOP + ROW * len(rows) + 8
    scale = (WIDTH - 2 * LEFT - 70) / max(seconds for _, seconds in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} '
        f'{height}" '
        'font-family="system-ui, sans-serif">',
        text(LEFT, 24, f"Seconds until podman has an image of {mebibytes:g} MiB", size=16, weight="bold"),
        text(LEFT, 44,
             f"from a registry that gives each connection {each:g} MB/s, all together {line:g} MB/s",
             size=13)]
    for number, (name, seconds) in enumerate(rows):
        y = TOP + ROW * number
        width = max(2, seconds * scale)
        parts += [
            text(LEFT, y + 14, name, size=13),
            f'<rect x="{LEFT}" y="{y + 20}" width="{width:.0f}" height="16" rx="3" '
            f'fill="{OTHER if number == 0 else OURS}"/>',
            text(LEFT + width + 8, y + 33, f"{seconds:.1f} s", size=14, weight="bold")]
    return "\n".join(parts) + "\n</svg>\n"
