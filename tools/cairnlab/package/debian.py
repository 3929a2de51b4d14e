"""The Debian package, made by `dpkg-deb` of a folder: no source package, since Debian has no Swift to build
it with.
"""
import datetime
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile

from . import archive, licences, source, tree

# Nobody, in an unknown domain: whoever publishes packages puts an own address here by --maintainer.
MAINTAINER = "The Cairn authors <cairn@maintainers.invalid>"
DESCRIPTION = """\
container-image downloader that tunes itself
 Cairn downloads container images with a pool of parallel workers whose size is
 measured while it pulls and remembered for the next time. It splits large
 layers, resumes after any interruption, verifies every byte as it stands on
 disk, and keeps images in a store that skopeo, umoci and others read as it is.
 .
 This package has the command, its manual pages and shell completions."""
# What lintian would say of a binary that is made by Swift.
OVERRIDES = """\
# The Swift compiler has no such functions.
cairn: hardening-no-fortify-functions *
# Pieces of words in tables of names, and words of the Swift runtime.
cairn: spelling-error-in-binary *
"""

# Units are installed and not enabled: whoever wants an endpoint says so. What was enabled is stopped before
# it is removed.
SCRIPTS = {
    "postinst": """\
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload > /dev/null || true
fi
""",
    "prerm": """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop UNITS > /dev/null || true
fi
""",
    "postrm": """\
#!/bin/sh
set -e
if [ "$1" = purge ] && command -v deb-systemd-helper > /dev/null; then
  deb-systemd-helper purge UNITS > /dev/null || true
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload > /dev/null || true
fi
"""}
UNIT_OVERRIDES = """\
# Without systemd, whoever wants an endpoint starts it in the own way.
cairn: package-supports-alternative-init-but-no-init.d-script *
"""


def at_home(path, entry):
    """A unit as it is below `/usr`."""
    if "/systemd/system/" not in path:
        return entry
    return entry | {"data": entry["data"].replace(b"/usr/local/bin/", b"/usr/bin/")}


def units(whole):
    return sorted((path.split("/")[-1] for path in whole if "/systemd/system/" in path), reverse=True)


def files(facts, binary, maintainer):
    whole = {
        # Zsh looks there for what Debian's packages bring.
        f"usr/{path}".replace("zsh/site-functions", "zsh/vendor-completions"): at_home(path, entry)
        for path, entry in tree.usr(facts, binary).items()}
    doc = "usr/share/doc/cairn"
    whole[f"{doc}/copyright"] = tree.file(copyright_file(facts).encode())
    whole[f"{doc}/changelog.gz"] = tree.file(archive.zipped(changelog(facts, maintainer).encode()))
    whole[f"{doc}/NEWS.gz"] = tree.file(archive.zipped((source.ROOT / "CHANGELOG.md").read_bytes()))
    whole["usr/share/lintian/overrides/cairn"] = tree.file(
        (OVERRIDES + (UNIT_OVERRIDES if units(whole) else "")).encode())
    return whole


def changelog(facts, maintainer):
    date = datetime.datetime.fromtimestamp(facts.epoch, datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return (
        f"cairn ({facts.version}) unstable; urgency=medium\n\n"
        f"  * Release {facts.version}: see NEWS.gz.\n\n -- {maintainer}  {date}\n")


def copyright_file(facts):
    """In Debian's machine-readable form; licences that every Debian has are named, the rest is there in
    full.
    """
    found = licences.components(facts)
    parts = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: cairn\n"
        "Comment:\n Swift's runtime, its FoundationEssentials and the packages named below are linked "
        "statically.\n"
        + "\n".join(f"  {name} {version}, {address}" for name, version, address, *_ in found),
        "Files: *\nCopyright: The Cairn authors\n  The Swift project authors\n  Apple Inc.\n"
        "License: Apache-2.0 and Apache-2.0-with-Swift-exception",
        "License: Apache-2.0\n On Debian systems the licence is in /usr/share/common-licenses/Apache-2.0.",
        "License: Apache-2.0-with-Swift-exception\n"
        " On Debian systems Apache-2.0 is in /usr/share/common-licenses/Apache-2.0. The exception:\n .\n"
        + field(exception(found)),
    ]
    for name, _, _, _, _, notice in found:
        if notice:
            parts.append(f"Files: {name}\nCopyright: see its notices, below\nLicense: Apache-2.0\nComment:\n"
                         + field(notice))
    return "\n\n".join(parts) + "\n"


def exception(found):
    text = next(licence for *_, spdx, licence, _ in found if "exception" in spdx)
    return text[text.index("## Runtime Library Exception"):].strip()


def field(text):
    return "\n".join(" " + line.rstrip() if line.strip() else " ." for line in text.strip().splitlines())


def dependencies(binary):
    """What the binary needs of Debian, by the symbols that it uses."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "debian").mkdir()
        (folder / "debian/control").write_text("Source: cairn\n\nPackage: cairn\nArchitecture: any\n")
        words = subprocess.run(
            ["dpkg-shlibdeps", "-O", f"-e{binary}"], cwd=folder, check=True, capture_output=True,
            text=True).stdout
    return re.search(r"shlibs:Depends=(.*)", words).group(1)


def build(facts, binary, out, maintainer=MAINTAINER):
    whole = files(facts, binary, maintainer)
    installed = sum((len(entry["data"]) + 1023) // 1024 for entry in whole.values()) + len(
        archive.with_folders(whole))
    control = (
        f"Package: cairn\nVersion: {facts.version}\nArchitecture: {facts.debian}\nMaintainer: {maintainer}\n"
        f"Installed-Size: {installed}\nDepends: {dependencies(binary)}\nRecommends: ca-certificates\n"
        f"Section: admin\nPriority: optional\nDescription: {DESCRIPTION}\n")
    sums = "".join(f"{hashlib.md5(entry['data']).hexdigest()}  {path}\n"
                   for path, entry in sorted(whole.items()))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "cairn"
        for path, entry in archive.with_folders(whole).items():
            place = folder / path
            if "data" in entry:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(entry["data"])
            else:
                place.mkdir(parents=True, exist_ok=True)
            place.chmod(entry["mode"])
        (folder / "DEBIAN").mkdir()
        scripts = {name: text.replace("UNITS", " ".join(units(whole)))
                   for name, text in SCRIPTS.items()} if units(whole) else {}
        for file, text in ({"control": control, "md5sums": sums} | scripts).items():
            (folder / "DEBIAN" / file).write_text(text)
            (folder / "DEBIAN" / file).chmod(0o755 if file in scripts else 0o644)
        for path in [folder, *folder.rglob("*")]:
            os.utime(path, (facts.epoch, facts.epoch))
            if path.is_dir():
                path.chmod(0o755)
        package = out / f"cairn_{facts.version}_{facts.debian}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", "--build", folder, package], check=True,
            env=os.environ | {"SOURCE_DATE_EPOCH": str(facts.epoch)}, stdout=subprocess.DEVNULL)
    return package
