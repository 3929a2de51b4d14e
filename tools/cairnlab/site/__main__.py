"""See `tools/site`."""
import argparse
import pathlib

from cairnlab.package import source

from . import links, pages, pictures, shots


def main():
    parser = argparse.ArgumentParser(prog="tools/site",
                                     description="Builds the documentation as a site that needs no server.")
    parser.add_argument("--cairn", type=pathlib.Path, metavar="BINARY",
                        help="whose help texts become the reference")
    parser.add_argument("--pictures", action="store_true", help="draw docs/pictures anew")
    parser.add_argument("--shots", action="store_true", help="look at pages in headless Chromium")
    options = parser.parse_args()
    builds = [
        source.ROOT / ".build" / kind / "cairn" for kind in ("package/build/release", "release", "debug")]
    binary = options.cairn or next((build for build in builds if build.exists()), None)
    if binary is None:
        raise SystemExit("build cairn first, or name it with --cairn")
    if options.pictures:
        pictures.draw(binary.resolve())
        return
    site = pages.build(binary.resolve())
    wrong = links.markdown() + links.site(site)
    for page, link in wrong:
        print(f"{page}: {link} leads nowhere")
    print(f"{len(list(site.rglob('*.html')))} pages: {site}/index.html")
    if options.shots:
        shots.take(site)
    if wrong:
        raise SystemExit(1)


main()
