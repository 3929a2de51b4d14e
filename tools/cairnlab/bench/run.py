"""The runs of tools/bench: every contender over every link and image, and what each run cost."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import time

from cairnlab import measure, places
from cairnlab.bench import peers
from cairnlab.link import emulated, lab
from cairnlab.registry import images, servers

CAIRN = os.environ.get("CAIRN") or str(places.ROOT / ".build/release/cairn")


def version(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "missing"


def machine():
    """One line on the machine, and the versions of who races."""
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "machine": f"{os.cpu_count()} CPUs ({names[0] if names else os.uname().machine}), Linux "
                   f"{os.uname().release}",
        "versions": {
            "cairn": version(CAIRN, "--version"), "skopeo": version("skopeo", "--version"),
            "podman": version("podman", "--version"),
            "curl": " ".join(version("curl", "--version").split()[:2]),
            "aria2": version("aria2c", "--version"),
            "docker-registry": version("docker-registry", "--version"),
            "commit": version("git", "-C", str(places.ROOT), "describe", "--always", "--dirty"),
        },
    }


class Bench:
    """A set of cells, and the file that keeps what was measured."""

    def __init__(self, options, contenders, results):
        self.options, self.contenders, self.results = options, contenders, results
        self.folder = pathlib.Path(lab.PRIVATE)
        self.results.parent.mkdir(parents=True, exist_ok=True)
        # What was measured with another Cairn or at another size is not gone on with.
        programs = hashlib.sha256(pathlib.Path(CAIRN).read_bytes() + pathlib.Path(lab.EMULATOR).read_bytes())
        self.key = f"{programs.hexdigest()[:12]} {options.seconds:g} s"
        self.done = set()
        if results.exists():
            for line in results.read_text().splitlines():
                row = json.loads(line)
                if "contender" in row and row.get("key") == self.key:
                    self.done.add((row["link"], row["image"], row["contender"], row["round"]))
                    # Who did not end in time does not get another round.
                    if row["status"] != "ok":
                        self.done |= {(row["link"], row["image"], row["contender"], n)
                                      for n in range(options.repeats)}

    def keep(self, row):
        with open(self.results, "a") as file:
            file.write(json.dumps(row | {"key": self.key}) + "\n")

    def run(self):
        self.keep(machine() | {"seconds": self.options.seconds, "repeats": self.options.repeats})
        for link in self.options.links:
            wanted = [image for image in self.options.images if self.missing(link, image)]
            if wanted:
                self.run_link(link, wanted)

    def missing(self, link, image):
        return [
            (one, n) for n in range(self.options.repeats) for one in self.contenders
            if (link, image, one.name, n) not in self.done]

    def run_link(self, link, images):
        path = places.ROOT / "models" / f"{link}.json"
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        works = {image: self.push(path, image, data) for image in images}
        with lab.Lab(path, self.folder / "lab", data) as link_lab:
            rows = link_lab.self_test()
            if not lab.show_self_test(link, rows):
                # Once more: another process may have taken the machine for a moment.
                rows = link_lab.self_test()
                if not lab.show_self_test(link, rows):
                    self.keep({"link": link, "selfTest": [list(row) for row in rows]})
                    print(f"{link} is left out: it does not do what its model says", flush=True)
                    return
            self.keep({"link": link, "selfTest": [list(row) for row in rows]})
            for image, (layers, blobs, digest) in works.items():
                self.run_cell(link_lab, link, image, layers, blobs, digest)
        shutil.rmtree(self.folder / "lab")

    # MARK: Images

    def push(self, path, image, data):
        """Makes the image at the size that the link takes the wanted seconds for, and pushes it."""
        model = json.loads(path.read_text())
        shape = json.loads((places.ROOT / "models/images" / f"{image}.json").read_text())["layersKB"]
        wanted = model["bandwidthMbit"] * 1e6 / 8 * emulated.PAYLOAD * self.options.seconds
        scale = wanted / (sum(shape) * 1e3)
        # A tar and gzip have 2.5 KiB of their own; random bytes do not compress.
        layers = [max(0, int(size * 1e3 * scale) - 2_560) for size in shape]
        with servers.docker_registry(self.folder / "push", data=data) as port:
            digest = images.push(f"127.0.0.1:{port}/bench/{image}:latest",
                                 images.Recipe(tuple(layers), seed=image))
            blobs = images.sizes_of(f"127.0.0.1:{port}", f"bench/{image}", digest)
        return layers, blobs, digest

    # MARK: Cells

    def run_cell(self, link_lab, link, image, layers, blobs, digest):
        scratch = self.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        work = peers.Work(
            cairn=CAIRN, reference=f"{link_lab.registry}/bench/{image}:latest", scheme=link_lab.scheme,
            blob_origin=link_lab.blob_origin, repository=f"bench/{image}", blobs=blobs,
            certificate=str(link_lab.certificate), certificates=str(link_lab.certificate_folder),
            out=str(self.folder / "out"), scratch=scratch)
        missing = self.missing(link, image)
        self.keep({"link": link, "image": image, "sizes": list(blobs.values()), "model": link_lab.model})
        if any(one.kind == "cairn-warm" for one, _ in missing):
            warm = next(one for one, _ in missing if one.kind == "cairn-warm")
            for _ in range(2):
                self.one_run(link_lab, warm, work, digest)
        slow = set()
        for number in range(self.options.repeats):
            order = [one for one, n in missing if n == number]
            random.Random(f"{link}/{image}/{number}").shuffle(order)
            for one in order:
                if one.name in slow:
                    continue
                row = {"link": link, "image": image, "contender": one.name, "kind": one.kind,
                       "isDefault": one.is_default, "round": number, "bytes": sum(blobs.values()),
                       **self.one_run(link_lab, one, work, digest, seed=number + 1)}
                if row["status"] != "ok":
                    slow.add(one.name)
                self.keep(row)
                print(f"  {link} {image} {number}: {one.name:22} {row['wall']:7.2f} s  {row['status']}"
                      f"  {row['connections']} connections, {row['utilisation'] * 100:.0f} % of the link",
                      flush=True)

    def one_run(self, link_lab, one, work, digest, seed=99):
        for path in (work.out, work.scratch / "fresh.sqlite", work.scratch / "podman"):
            shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else pathlib.Path(path).unlink(
                missing_ok=True)
        command = one.command(work)
        link_lab.quiet()
        # In one round the bandwidth wanders alike for everybody.
        link_lab.restart(seed)
        began = time.time()
        with link_lab.cross_traffic():
            usage = measure.run(command, timeout=8 * self.options.seconds + 20)
        counters = link_lab.counters()
        *layers, _ = work.blobs
        first = min((at for digest, at in counters["blobsAt"].items() if digest in layers), default=None)
        capacity = link_lab.model["bandwidthMbit"] * 1e6 / 8 * usage.wall
        return {
            "status": self.judge(one, work, usage, digest), "wall": usage.wall, "cpu": usage.cpu,
            "peak": usage.peak,
            "own": usage.own, "firstLayer": first and first - began,
            "connections": counters["connections"], "requests": counters["requests"],
            "refused": counters["refused"],
            "wireBytes": counters["down"]["bytes"], "upBytes": counters["up"]["bytes"],
            "dropped": counters["down"]["dropped"], "lost": counters["down"]["lost"],
            "overruns": counters["overruns"], "longestSleepMs": counters["longestSleepMs"],
            "utilisation": counters["down"]["bytes"] / capacity, "emulatorCPU": counters["cpuSeconds"],
        }

    @staticmethod
    def judge(one, work, usage, digest):
        if usage.status is None:
            return "timeout"
        if usage.status != 0:
            return "failed: " + (usage.errors.strip().splitlines() or ["without a word"])[-1][:200]
        if one.kind == "podman":
            root = work.scratch / "podman"
            got = subprocess.run(
                ["podman", "--root", str(root / "root"), "--runroot", str(root / "run"), "--storage-driver",
                 "vfs",
                 "image", "inspect", "--format", "{{.Digest}}", work.reference], capture_output=True,
                 text=True)
            return "ok" if got.stdout.strip() == digest else "wrong image"
        found = one.blobs(work.out)
        for name in work.blobs:
            if name not in found:
                return f"missing {name[:19]}"
            with open(found[name], "rb") as file:
                if "sha256:" + hashlib.file_digest(file, "sha256").hexdigest() != name:
                    return f"wrong bytes in {name[:19]}"
        return "ok"
