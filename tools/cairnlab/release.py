"""Looks whether the commit that is checked out may be released.

    tools/release --check                       every step; needs root for fresh Debians, and most of an hour
    tools/release --check --only version,docs   some of them
    tools/release --check --skip tests,bench    all but some

Steps: version, clean, lints, docs, schema, tests, packages, completions, site, bench. Packages are made in
two clones in different folders and compared byte by byte. Nothing is tagged, signed or sent anywhere: what is
to be done then is printed.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from cairnlab import places
from cairnlab.package import source
from cairnlab.site import links

SEMANTIC = r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?"


class Unfit(Exception):
    """Why a release cannot be made of this commit."""


def run(*command, cwd=places.ROOT):
    ran = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    if ran.returncode != 0:
        raise Unfit(f"{' '.join(map(str, command))}:\n{(ran.stdout + ran.stderr).strip()[-3000:]}")
    return ran.stdout


def version():
    """One version, in the source, the changelog and no tag yet."""
    found = source.version()
    if not re.fullmatch(SEMANTIC, found):
        raise Unfit(f"{found} is no semantic version")
    heading = re.search(r"^## (.*)$", (places.ROOT / "CHANGELOG.md").read_text(), re.M).group(1)
    if not heading.startswith(f"[{found}]"):
        raise Unfit(f"the changelog begins with {heading!r}, and the version is {found}")
    if f"v{found}" in run("git", "tag", "--list").split():
        raise Unfit(f"v{found} is a tag already: this commit needs another version")
    # Other places name files of a release, and nothing else may know a version.
    stale = [
        f"{page.relative_to(places.ROOT)}: {name}"
        for page in [*places.ROOT.glob("*.md"), *places.ROOT.glob("docs/**/*.md")]
        for name in re.findall(r"cairn_([\d.]+)_amd64", page.read_text()) if name != found]
    if stale:
        raise Unfit("packages of another version are named in " + ", ".join(stale))
    date = re.search(r"\d{4}-\d{2}-\d{2}", heading)
    return f"{found}, " + (f"of {date[0]}" if date else "without a date yet: write it into the changelog")


def clean():
    changes = run("git", "status", "--porcelain")
    if changes:
        raise Unfit(f"the tree has changes:\n{changes}")
    return source.git("rev-parse", "--short", "HEAD")


def lints():
    run(places.TOOLS / "lint")
    return "content"


def docs():
    wrong = links.markdown() + links.names()
    if wrong:
        raise Unfit("\n".join(f"{page}: {link} leads nowhere" for page, link in wrong))
    return "every link leads somewhere"


def schema():
    """That what is written fits is for the tests."""
    found = sorted((places.ROOT / "docs/schema").glob("*.json"))
    for file in found:
        if "$schema" not in json.loads(file.read_text()):
            raise Unfit(f"{file.name} does not say what kind of schema it is")
    return f"{len(found)} schemas" if found else "none here"


def tests():
    lines = run("tools/test").splitlines()
    said = [line for line in lines if "Test run with" in line]
    if not said:
        raise Unfit("tools/test does not say how many tests it ran")
    return said[-1].strip("✔ ")


def packages():
    """Two clones, the same bytes; then they are tried."""
    with tempfile.TemporaryDirectory(prefix="cairn-release-") as name:
        sums = []
        for place in "one", "another/deeper":
            clone = pathlib.Path(name) / place
            run("git", "clone", "--quiet", places.ROOT, clone)
            run("tools/package", cwd=clone)
            sums.append((clone / ".build/package/out/SHA256SUMS").read_text())
        if sums[0] != sums[1]:
            raise Unfit(f"two clones give other bytes:\n{sums[0]}\n{sums[1]}")
        out = places.ROOT / ".build/package/out"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(pathlib.Path(name) / "one/.build/package/out", out)
        shutil.copy(pathlib.Path(name) / "one/.build/package/build/cairn",
                    places.ROOT / ".build/package/cairn")
    said = run("tools/try-packages", out)
    return "the same bytes from two clones; " + " | ".join(said.strip().splitlines())


def binary():
    """The one that is packed, where it was built."""
    builds = [places.ROOT / ".build/package/cairn", places.ROOT / ".build/package/build/cairn",
              places.ROOT / ".build/release/cairn"]
    found = next((build for build in builds if build.exists()), None)
    if found is None:
        raise Unfit("there is no release build: run the step packages first")
    return found


def completions():
    return " | ".join(run("tools/completions", binary()).strip().splitlines())


def site():
    return run("tools/site", "--cairn", binary()).strip()


def bench():
    """A short look at what a pull costs; the races are for people to run and read."""
    os.environ["CAIRN"] = str(binary())
    return " | ".join(run("tools/bench-engine", "small").strip().splitlines())


STEPS = [version, clean, lints, docs, schema, tests, packages, completions, site, bench]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", required=True, help="look, and change nothing")
    parser.add_argument("--only", default=",".join(step.__name__ for step in STEPS), metavar="STEP,…")
    parser.add_argument("--skip", default="", metavar="STEP,…")
    options = parser.parse_args()
    names = {step.__name__ for step in STEPS}
    only, skip = options.only.split(","), options.skip.split(",") if options.skip else []
    for name in only + skip:
        if name not in names:
            parser.error(f"there is no step {name}; there are: {', '.join(step.__name__ for step in STEPS)}")
    bad = 0
    for step in STEPS:
        if step.__name__ not in only or step.__name__ in skip:
            continue
        begin = time.monotonic()
        try:
            verdict = "good: " + step()
        except Unfit as why:
            verdict, bad = f"BAD: {why}", bad + 1
        print(f"{step.__name__:12} {time.monotonic() - begin:6.0f} s  {verdict}", flush=True)
    if bad:
        return 1
    found = source.version()
    print(f"next: git tag -s v{found} -m 'Cairn {found}'; sign SHA256SUMS; publish .build/package/out and "
          f".build/site/html")
    return 0
