"""Measures `cairn pull … --output docker-archive:- | podman load` against `podman pull`, and writes the
README's picture of it.

    tools/bench-load                      150 MiB, from a registry that gives each connection 8 MB/s, all
                                          together 100 MB/s
    tools/bench-load --each 2 --line 40   other caps, in MB/s
    tools/bench-load --svg FILE           also draws it

Each way is taken in turn, --rounds times; figures are medians. podman stores into a folder of its own that is
thrown away. Cairn's store and podman's are empty each time; Cairn's history is empty in "first", and has
"first" in it in "later".
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from cairnlab import places
from cairnlab.bench import load_picture
from cairnlab.registry import capped, images, servers

LAYERS = "120M,20M,8M,2M"


class Podman:
    """podman with a storage of its own, which needs no overlay file system."""

    def __init__(self, folder):
        self.root = folder
        self.command = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run"),
                        "--storage-driver", "vfs"]

    def empty(self):
        subprocess.run([*self.command, "system", "reset", "--force"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()

    def images(self):
        return subprocess.run([*self.command, "images", "--quiet"], check=True, capture_output=True,
                              text=True).stdout.split()


def timed(steps, environment):
    """Runs a pipeline of commands; its seconds."""
    began = time.monotonic()
    running, source = [], None
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1
        process = subprocess.Popen(
            step, stdin=source, stdout=subprocess.DEVNULL if is_last else subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment)
        if source:
            source.close()
        source = process.stdout
        running.append(process)
    errors = [process.stderr.read() for process in running]
    ends = [process.wait() for process in running]
    if any(ends):
        raise SystemExit(b"\n".join(errors).decode())
    return time.monotonic() - began


def measure(cairn, port, folder, rounds):
    podman = Podman(folder / "podman")
    image = f"127.0.0.1:{port}/load:latest"
    times = {"podman": [], "first": [], "later": []}
    for number in range(rounds):
        environment = {**os.environ, "XDG_STATE_HOME": str(folder / f"state-{number}"), "TMPDIR": str(folder)}
        for way in times:
            podman.empty()
            shutil.rmtree(folder / "store", ignore_errors=True)
            if way == "podman":
                steps = [[*podman.command, "pull", "--tls-verify=false", "--quiet", image]]
            else:
                steps = [[cairn, "pull", image, "--store", folder / "store", "--output", "docker-archive:-"],
                         [*podman.command, "load", "--quiet"]]
            times[way].append(timed(steps, environment))
            if len(podman.images()) != 1:
                raise SystemExit(f"{way}: podman has no image")
            print(f"round {number + 1}: {way} {times[way][-1]:.1f} s", file=sys.stderr, flush=True)
    podman.empty()
    return {way: statistics.median(values) for way, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cairn", default=str(places.ROOT / ".build/release/cairn"),
                        help="the program that is measured")
    parser.add_argument("--each", type=float, default=8, help="MB/s of each connection")
    parser.add_argument("--line", type=float, default=100, help="MB/s of all of them together")
    parser.add_argument("--layers", default=LAYERS, help="sizes of the image's layers, in MiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--svg", type=pathlib.Path, help="a file for the picture")
    options = parser.parse_args()
    install = f'. "{places.TOOLS}/cairnlab/install.sh"; need_packages podman "${{SERVER_PACKAGES[@]}}"'
    if subprocess.run(["bash", "-c", install]).returncode:
        raise SystemExit(1)
    if not pathlib.Path(options.cairn).exists():
        raise SystemExit(f"there is no {options.cairn}: tools/demo builds it")
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cairn-load-")))
        registry = stack.enter_context(servers.docker_registry(folder / "registry"))
        images.push(f"127.0.0.1:{registry}/load:latest", images.Recipe(images.sizes(options.layers)))
        port = stack.enter_context(capped.relay(registry, options.each * 1e6, options.line * 1e6))
        medians = measure(options.cairn, port, folder, options.rounds)
    rows = [("podman pull", medians["podman"]),
            ("cairn pull | podman load, the first time", medians["first"]),
            ("cairn pull | podman load, from then on", medians["later"])]
    for name, seconds in rows:
        print(f"{name:<42} {seconds:5.1f} s")
    if options.svg:
        mebibytes = round(sum(float(layer.rstrip("M")) for layer in options.layers.split(",")))
        options.svg.write_text(load_picture.svg(rows, mebibytes, options.each, options.line))
