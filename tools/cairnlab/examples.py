"""Runs the examples of README.md and of the help screens as they are written, and says what was seen of each.

    tools/examples                 with the release build, or CAIRN=path of a cairn
    tools/examples --only store    those with this word

Registries are a real one on loopback that stands for docker.io and ghcr.io. docker, podman, ctr and ssh are
stand-ins that take what they are given; skopeo is itself, but writes into a layout. Commands that ask are
answered yes, as on a terminal.
"""
import argparse
import os
import pathlib
import re
import subprocess
import tempfile

from cairnlab.places import ROOT
from cairnlab.registry import images, servers

CAIRN = os.environ.get("CAIRN") or str(ROOT / ".build/release/cairn")
# An example that has not ended by then has failed.
PATIENCE = 180
IMAGES = {
    "library/alpine:latest": "linux/amd64", "library/busybox:latest": "linux/amd64",
    "library/ubuntu:22.04": "linux/amd64", "library/ubuntu:latest": "linux/amd64",
    "astral-sh/uv:latest": "linux/amd64,linux/arm64"}
# What takes an image from standard input must get an archive; what is on another machine has another home.
LOADER = "#!/bin/sh\ntar -tf - > /dev/null && echo loaded\n"
STAND_INS = {
    "docker": LOADER, "podman": LOADER, "ctr": LOADER,
    "ssh": '#!/bin/sh\nshift; HOME="$HOME/other" exec "$@"\n',
    "skopeo": '#!/bin/sh\nfor word; do case "$word" in containers-storage:*) word="oci:$HOME/copied:x";; '
              'esac; '
              'set -- "$@" "$word"; shift; done\nexec /usr/bin/skopeo "$@"\n'}
# Names that are placeholders are not run.
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b|…|/shared/")
# What sentences speak of is no example.
MENTION = re.compile(r"^cairn (tune --sweep|serve)$")


def of_readme():
    """Commands in blocks of README.md, and those in its sentences."""
    text = (ROOT / "README.md").read_text()
    parts = text.split("```")
    for block in parts[1::2]:
        for line in block.splitlines():
            yield re.sub(r"\s{2,}#.*$", "", line)
    for prose in parts[::2]:
        yield from re.findall(r"`([^`]+)`", prose.replace("\n", " "))


def of_help():
    """Commands that help screens show."""
    for file in sorted((ROOT / "Tests/CommandTests/Help").glob("*.txt")):
        for line in file.read_text().splitlines():
            if line.startswith("  "):
                yield re.sub(r"\s{2,}\(.*$", "", line.strip())


def examples():
    """Every command that can be run, once."""
    found = []
    for command in [*of_readme(), *of_help()]:
        command = command.strip()
        if re.match(r"cairn \w+|skopeo copy oci:",
                    command) and command not in found and not MENTION.match(command):
            found.append(command)
    return found


def run(command, folder):
    """The exit code and the last line of what a command says on a terminal."""
    environment = {
        "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "CAIRN_HOSTS_DIR": str(folder / "certs.d"),
        "TERM": "xterm", "COLUMNS": "110"}
    if command.startswith("skopeo"):
        # An example before it has removed that.
        command = "cairn pull alpine --quiet && " + command
    if command.startswith("cairn serve"):
        command = "timeout --preserve-status -s INT 3 " + command
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], input=b"y\n", capture_output=True, cwd=folder,
        env=environment,
        timeout=PATIENCE)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout.decode(errors="replace"))
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    return done.returncode, lines[-1] if lines else ""


def prepare(folder, port):
    """A home, stand-ins for other programs, and mirrors in place of the registries."""
    for name in ("bin", ".zfunc", ".config/fish/completions", ".local/share/bash-completion/completions",
                 "other"):
        (folder / name).mkdir(parents=True)
    (folder / "bin/cairn").symlink_to(CAIRN)
    for name, script in STAND_INS.items():
        (folder / "bin" / name).write_text(script)
        (folder / "bin" / name).chmod(0o755)
    for registry in ("docker.io", "ghcr.io"):
        (folder / "certs.d" / registry).mkdir(parents=True)
        (folder / "certs.d" / registry / "hosts.toml").write_text(f'server = "http://127.0.0.1:{port}"\n')
    (folder / "images.txt").write_text("alpine\n# a comment\nbusybox\n")
    for name, platforms in IMAGES.items():
        recipe = images.Recipe(images.sizes("2M,1M"), platforms=tuple(platforms.split(",")), seed=name)
        images.push(f"127.0.0.1:{port}/{name}", recipe)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD")
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="cairn-examples-") as name:
        folder = pathlib.Path(name)
        with servers.docker_registry(folder / "registry", data=folder / "data") as port:
            prepare(folder, port)
            print("| example | seen |\n|---|---|")
            for command in examples():
                if options.only not in command:
                    continue
                if PLACEHOLDER.search(command):
                    print(f"| `{command}` | not run: a place or a name of somebody's own |")
                    continue
                code, seen = run(command, folder)
                good = code == 0 or (command.startswith("cairn serve") and code == 130)
                failures += not good
                print(
                    f"| `{command}` | {'' if good else f'**exit code {code}**: '}{seen.replace('|', '/')} |",
                    flush=True)
    return 1 if failures else 0
