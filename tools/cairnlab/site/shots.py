"""Looks at pages in headless Chromium: a phone, a tablet and a desk, light and dark."""
import pathlib
import subprocess
import tempfile

from . import pages

WIDTHS = {"phone": (390, 1500), "tablet": (820, 1400), "desk": (1440, 1300)}
PAGES = ["index.html", "docs/how-it-works.html", "docs/how-to/corporate-proxy.html",
         "reference/cairn-pull.html", "docs/benchmarks/quick.html"]


def browse(address, *options):
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={profile}",
             "--virtual-time-budget=5000", *options, address],
            check=True, capture_output=True, text=True).stdout


def take(site):
    out = pages.WORK / "shots"
    out.mkdir(exist_ok=True)
    found = browse(f"file://{site}/index.html?q=proxy", "--dump-dom")
    if "matching document" not in found:
        raise SystemExit("the search finds nothing in pages that are files")
    for page in PAGES:
        for name, (width, height) in WIDTHS.items():
            for scheme in "light", "dark":
                place = out / f"{pathlib.Path(page).stem}-{name}-{scheme}.png"
                browse(
                    f"file://{site / page}", f"--window-size={width},{height}", f"--screenshot={place}",
                    f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}")
                print(place)
