"""Whose code is in the binary, and under which terms."""
import pathlib
import re
import shutil
import subprocess

from . import build, source

# Packages whose code is linked: those that the product needs, and what these need. Others are only resolved.
LINKED = [
    "swift-argument-parser", "swift-atomics", "swift-collections", "swift-log", "swift-nio",
    "swift-subprocess", "swift-system",
]


def swift_share():
    return pathlib.Path(shutil.which("swift")).resolve().parents[1] / "share/swift"


def components(facts):
    """(name, version, address, SPDX licence, licence text, notice or None) of each, by name."""
    checkouts = source.ROOT / build.SCRATCH / "checkouts"
    runtime = swift_share() / "LICENSE.txt"
    found = [("swift", swift_version(), "https://www.swift.org", spdx(runtime.read_text()),
              runtime.read_text(), None)]
    for name in LINKED:
        if name not in facts.pins:
            continue
        address, version, _ = facts.pins[name]
        folder = checkouts / name
        licence = next(folder / file for file in ("LICENSE.txt", "LICENSE") if (folder / file).exists())
        notice = folder / "NOTICE.txt"
        found.append((
            name, version, address, spdx(licence.read_text()), licence.read_text(),
            notice.read_text() if notice.exists() else None))
    return found


def spdx(text):
    exception = " WITH Swift-exception" if "Runtime Library Exception" in text else ""
    return "Apache-2.0" + exception


def swift_version():
    words = subprocess.run(["swift", "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"Swift version (\S+)", words).group(1)


def text(facts):
    """All of it in one file."""
    parts = ["cairn contains code of others, linked statically. Their licences and notices:\n"]
    for name, version, address, spdx, licence, notice in components(facts):
        title = f"{name} {version} ({address}): {spdx}"
        parts.append(f"{'=' * 100}\n{title}\n{'=' * 100}\n\n{licence.strip()}\n")
        if notice:
            parts.append(f"{'-' * 100}\nNotices of {name}\n{'-' * 100}\n\n{notice.strip()}\n")
    return "\n".join(parts)
