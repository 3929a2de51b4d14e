"""What a tool needs before it starts: Debian's packages and release builds."""
import os
import subprocess

from cairnlab.places import ROOT

# Who names a program of its own measures that one, so it is not built.
NAMED_BY = {"cairn": "CAIRN", "link-emulator": "LINK_EMULATOR"}


def prepare(packages=(), products=("cairn",)):
    """Installs what is missing (as root; else names it and ends the program) and builds for release."""
    script = (
        '. tools/cairnlab/install.sh; need_swift && need_packages "${BUILD_PACKAGES[@]}" '
        '"${SERVER_PACKAGES[@]}" "$@"')
    if subprocess.run(["bash", "-c", script, "-", *packages], cwd=ROOT).returncode != 0:
        raise SystemExit(69)
    for product in products:
        if os.environ.get(NAMED_BY.get(product, "")):
            continue
        done = subprocess.run(
            ["swift", "build", "-c", "release", "--product", product, "--static-swift-stdlib",
             "-debug-info-format", "none"], cwd=ROOT,
            capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stdout[-4000:] + done.stderr[-2000:])
