"""What is packaged: the commit, its version and time, the architecture, and what is linked."""
import dataclasses
import json
import pathlib
import platform
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]

# uname's, Debian's, rpm's, OCI's and the compiler's names.
ARCHITECTURES = {"x86_64": ("amd64", "x86_64", "amd64"), "aarch64": ("arm64", "aarch64", "arm64")}


@dataclasses.dataclass(frozen=True)
class Source:
    version: str
    commit: str
    # Seconds since 1970: the commit's, and what every file of a package is dated.
    epoch: int
    is_clean: bool
    machine: str
    # Packages of Swift by their name: version and revision.
    pins: dict

    @property
    def debian(self):
        return ARCHITECTURES[self.machine][0]

    @property
    def oci(self):
        return ARCHITECTURES[self.machine][2]

    @property
    def name(self):
        return f"cairn-{self.version}-linux-{self.machine}"


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True,
                          text=True).stdout.strip()


def version():
    """The one place where the version is written."""
    text = (ROOT / "Sources/CairnKit/Cairn.swift").read_text()
    return re.search(r'static let version = "([^"]+)"', text).group(1)


def read():
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise SystemExit(f"there are no packages for {machine}")
    # A clone has no list of what its dependencies need in turn until they are looked up.
    subprocess.run(["swift", "package", "resolve"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    return Source(
        version=version(), commit=git("rev-parse", "HEAD"), epoch=int(git("log", "-1", "--format=%ct")),
        is_clean=git("status", "--porcelain") == "", machine=machine,
        pins={pin["identity"]: (pin["location"].removesuffix(".git"), pin["state"]["version"],
                                pin["state"]["revision"])
              for pin in pins})
