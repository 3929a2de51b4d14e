"""Who races in tools/bench: what each contender is called, and the command that it runs.

Everyone starts from the image's reference. Plain downloaders are started by a script that brings the token
and the manifest (`by_hand.py`); what one of them does with the blobs' addresses alone is shown too, as a
yardstick.
"""
import dataclasses
import os
import pathlib
import shutil
import sys

from cairnlab import places

# Who races; what is not there is left out.
PACKAGES = ["skopeo", "podman", "aria2", "curl"]
SWEEP = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to fetch an image: `kind` groups settings of one program, `is_default` marks its own choice."""
    name: str
    kind: str
    is_default: bool
    command: object
    # Where its copies of the blobs are: files named by digest, or `None` for those that keep none.
    blobs: object = None

    @property
    def program(self):
        """What must be installed for it; None: it is ours or Python's."""
        word = self.kind.split()[0]
        if self.is_cairn or word == "2017":
            return None
        return {"aria2": "aria2c", "not": "aria2c", "crane-like": "curl"}.get(word, word)

    @property
    def is_cairn(self):
        return self.kind.startswith("cairn")


def cairn(name, kind, options, history, is_default=False):
    def command(work):
        return [work.cairn, "pull", work.reference, "--store", work.out, "--history", history(work),
                "--progress", "none", *work.trust("--ca-file", "--plain-http"), *options]
    return Contender(name, kind, is_default, command, layout_blobs)


def layout_blobs(out):
    """The blobs of an OCI image layout, by digest."""
    return {f"sha256:{path.name}": path for path in pathlib.Path(out, "blobs/sha256").iterdir()}


def flat_blobs(out):
    """Files named by digest, `:` written as `-`."""
    return {path.name.replace("-", ":"): path for path in pathlib.Path(out).iterdir()
            if path.name.startswith("sha256-")}


def skopeo(work):
    trust = ["--src-cert-dir", work.certificates] if work.tls else ["--src-tls-verify=false"]
    return ["skopeo", "--insecure-policy", "copy", "-q", *trust, f"docker://{work.reference}",
            f"oci:{work.out}:latest"]


def podman(work):
    trust = ["--cert-dir", work.certificates] if work.tls else ["--tls-verify=false"]
    root = work.scratch / "podman"
    return ["podman", "--root", str(root / "root"), "--runroot", str(root / "run"), "--storage-driver", "vfs",
            "--tmpdir", str(root / "tmp"), "--cgroup-manager", "cgroupfs", "pull", "-q", *trust,
            work.reference]


def by_hand(*command):
    """A plain downloader, started by a script that brings the token and the manifest."""
    def start(work):
        return [sys.executable, "-S", str(places.LIBRARY / "bench/by_hand.py"),
                f"{work.scheme}://{work.reference}", work.out,
                work.certificate, *command]
    return start


def given_addresses(*options):
    """aria2 with the addresses of the blobs where they are: no token, no manifest, no redirect."""
    def command(work):
        os.makedirs(work.out, exist_ok=True)
        listing = work.scratch / "aria2.list"
        listing.write_text(
            "".join(f"{work.blob_url(digest)}\n out={digest.replace(':', '-')}\n" for digest in work.blobs))
        trust = [f"--ca-certificate={work.certificate}"] if work.tls else []
        return ["aria2c", "-q", "--no-conf=true", "--disable-ipv6=true", *options, *trust, "-d", work.out,
                "-i", str(listing)]
    return command


def seed_client(processes):
    def command(work):
        os.makedirs(work.out, exist_ok=True)
        return [sys.executable, str(places.LIBRARY / "bench/seed_client.py"),
                f"{work.scheme}://{work.reference}", work.out,
                str(processes), work.certificate if work.tls else ""]
    return command


def fresh_history(work):
    return str(work.scratch / "fresh.sqlite")


def learned_history(work):
    return str(work.scratch / "learned.sqlite")


def contenders():
    """Everyone, each program's own choice before the settings that a person may find for it."""
    everyone = [
        cairn("cairn cold", "cairn", [], fresh_history, is_default=True),
        cairn("cairn warm", "cairn-warm", [], learned_history),
        *(cairn(f"cairn {n}", "cairn-fixed", ["--workers", str(n)], fresh_history) for n in SWEEP),
        Contender("skopeo", "skopeo", True, skopeo, layout_blobs),
        Contender("podman", "podman", True, podman),
        Contender("2017 serial", "2017", True, seed_client(1), flat_blobs),
        Contender("2017 pool 2xCPU", "2017", False, seed_client(2 * (os.cpu_count() or 1)), flat_blobs),
        Contender("curl", "curl", True, by_hand("curl"), flat_blobs),
        Contender("curl -Z", "curl -Z", True, by_hand("curl", "-Z"), flat_blobs),
        Contender("crane-like", "crane-like", True, by_hand("curl", "-Z", "--http2", "--parallel-max", "4"),
                  flat_blobs),
        *(Contender(f"curl -Z {n}", "curl -Z", False,
                    by_hand("curl", "-Z", "--http1.1", "--parallel-max", str(n)),
                    flat_blobs) for n in (8, 16, 32, 64)),
        Contender("aria2", "aria2", True, by_hand("aria2c"), flat_blobs),
        Contender("aria2 -x16 -s16 -j16", "aria2", False, by_hand("aria2c", "-x16", "-s16", "-j16"),
                  flat_blobs),
        # An address has at most 16 connections and pieces of at least 1 MiB: the most that aria2 can be told.
        *(Contender(f"aria2 {n} of 1M", "aria2", False,
                    by_hand("aria2c", f"-x{n}", f"-s{n}", f"-j{n}", "-k1M"), flat_blobs)
          for n in (4, 8, 16)),
        *(Contender(f"aria2 -x4 -s4 -j{n}", "aria2", False, by_hand("aria2c", "-x4", "-s4", f"-j{n}", "-k1M"),
                    flat_blobs)
          for n in (32, 64)),
        Contender("aria2, addresses given", "not a pull", False,
                  given_addresses("-x16", "-s16", "-j16", "-k1M"), flat_blobs),
    ]
    return [one for one in everyone if one.program is None or shutil.which(one.program)]


@dataclasses.dataclass
class Work:
    """What a contender is to fetch, and where to."""
    cairn: str
    reference: str
    scheme: str
    blob_origin: str
    repository: str
    blobs: dict
    certificate: str
    certificates: str
    out: str
    scratch: pathlib.Path

    @property
    def tls(self):
        return self.scheme == "https"

    def trust(self, option, otherwise):
        return [option, self.certificate] if self.tls else [otherwise]

    def blob_url(self, digest):
        return f"{self.blob_origin}/v2/{self.repository}/blobs/{digest}"
