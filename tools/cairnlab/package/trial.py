"""See `tools/try-packages`."""
import contextlib
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

from . import archive, image, source

SUITES = {"bookworm": 12, "trixie": 13}
MIRROR = "http://deb.debian.org/debian"
CACHE = source.ROOT / ".build/package/debian"
# Megabytes, milliseconds, and seconds from nothing to an image.
BARS = {".deb": 9, "installed": 30, "start": 10, "first pull": 20}


def run(*command, **options):
    """Runs a command to its end; what it printed is shown where it fails."""
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if ran.returncode != 0:
        raise SystemExit(
            f"{' '.join(map(str, command))}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def sample():
    """An image of one small layer, and its blobs."""
    layer = archive.zipped(archive.tar({"hello": {"data": b"hello\n" * 100_000, "mode": 0o644}}, 0))
    config = image.encode(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
    manifest = image.encode({
        "schemaVersion": 2, "mediaType": image.TYPES + "manifest.v1+json",
        "config": image.entry(image.TYPES + "config.v1+json", config),
        "layers": [image.entry(image.TYPES + "layer.v1.tar+gzip", layer)]})
    return manifest, [layer, config]


def fresh(suite, folder):
    """A Debian that nobody has touched."""
    packed = CACHE / f"{suite}.tar"
    if not packed.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        made = folder / "made"
        run("debootstrap", "--variant=minbase", suite, made, MIRROR)
        run("tar", "-C", made, "-cf", packed, ".")
        shutil.rmtree(made)
    system = folder / suite
    system.mkdir()
    run("tar", "-C", system, "-xf", packed)
    shutil.copy("/etc/resolv.conf", system / "etc/resolv.conf")
    return system


@contextlib.contextmanager
def mounted(system):
    run("mount", "-t", "proc", "proc", system / "proc")
    try:
        yield
    finally:
        run("umount", system / "proc")


def left_behind(system, owned):
    """What of a package's files, or with its name, is still there."""
    named = run("find", system, "-xdev", "(", "-name", "cairn*", "-o", "-name", "_cairn*", ")").split()
    return named + [path for path in owned if (system / path[1:]).is_file()]


def start_up(command):
    """Milliseconds of `--version`, least of many: others use this machine, too."""
    times = []
    for _ in range(31):
        begin = time.perf_counter()
        subprocess.run([*command, "--version"], check=True, capture_output=True)
        times.append(1e3 * (time.perf_counter() - begin))
    return min(times)


def try_debian(suite, package, folder, host):
    system = fresh(suite, folder)
    inside = ["chroot", system]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-y", "-qq",
             "--no-install-recommends"]
    with mounted(system):
        if subprocess.run(["chroot", system, "sh", "-c", "command -v swift"],
                          capture_output=True).returncode == 0:
            raise SystemExit(f"{suite} has Swift: this shows nothing")
        run(*inside, *quiet, "update")
        shutil.copy(package, system / "tmp/cairn.deb")
        begin = time.monotonic()
        run(*inside, *quiet, "install", "/tmp/cairn.deb")
        version = run(*inside, "cairn", "--version").strip()
        nobody = ["chroot", "--userspec=65534:65534", system, "env", "-i", "HOME=/tmp/home",
                  "PATH=/usr/bin:/bin"]
        run(*nobody, "mkdir", "/tmp/home")
        digest = run(*nobody, "cairn", "pull", f"{host}/cairn", "--plain-http", "--quiet").strip()
        taken = time.monotonic() - begin
        owned = run(*inside, "dpkg", "--listfiles", "cairn").split()
        run(*nobody, "cairn", "store", "verify")
        listed = run(*nobody, "cairn", "store", "list")
        report = run(*nobody, "cairn", "tune")
        pages = len(list((system / "usr/share/man/man1").glob("cairn*.1.gz")))
        run(*inside, *quiet, "purge", "cairn")
        shutil.rmtree(system / "tmp/home")
        (system / "tmp/cairn.deb").unlink()
        left = left_behind(system, owned)
    shutil.rmtree(system)
    if left:
        raise SystemExit(f"{suite}: after removal there is still {left}")
    if host not in listed or host not in report or pages < 10:
        raise SystemExit(f"{suite}: {listed} {report} {pages} pages")
    print(f"Debian {SUITES[suite]}: installed with all it needs and {version} pulled {digest[:19]} in "
          f"{taken:.0f} s; "
          f"{pages} manual pages; removed, nothing is left")
    return taken


def try_image(packed, folder, host):
    """The layout is whole, and what is in it runs as nobody, without anything else."""
    print("skopeo:", run("skopeo", "inspect", "--format", "{{.Digest}} {{.Architecture}}",
                         f"oci-archive:{packed}").strip())
    config = json.loads(run("skopeo", "inspect", "--config", f"oci-archive:{packed}"))["config"]
    layout, root = folder / "layout", folder / "root"
    with tarfile.open(packed) as tar:
        tar.extractall(layout, filter="data")
    index = json.loads((layout / "index.json").read_text())

    def blob(digest):
        return layout / "blobs" / digest.replace(":", "/")

    manifest = json.loads(blob(index["manifests"][0]["digest"]).read_text())
    root.mkdir()
    for layer in manifest["layers"]:
        run("tar", "-C", root, "-xpzf", blob(layer["digest"]))
    user = config["User"]
    inside = [shutil.which("chroot"), f"--userspec={user}", root]
    environment = dict(one.split("=", 1) for one in config["Env"])
    (root / "proc").mkdir()
    with mounted(root):
        pulled = run(*inside, "/usr/bin/cairn", "pull", f"{host}/cairn", "--plain-http", "--quiet",
                     env=environment).strip()
        served = subprocess.run([*map(str, inside), *config["Entrypoint"], "--help"], capture_output=True,
                                text=True, env=environment)
    print(f"image: as {user}, pulled {pulled[:19]}; {' '.join(config['Entrypoint'])} --help: "
          + ("works" if served.returncode == 0 and "serve" in served.stdout
             else "this cairn has no such command"))


def try_rpm(out, tarball, folder):
    """Built twice from the tarball's files: the same bytes."""
    sums = set()
    for number in "one", "two":
        place = folder / number
        (place / "files").mkdir(parents=True)
        run("tar", "-C", place / "files", "--strip-components=1", "-xzf", tarball)
        epoch = str(int((place / "files/bin/cairn").stat().st_mtime))
        run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {place}", "--define",
            f"cairn_files {place}/files", out / "cairn.spec",
            env={"SOURCE_DATE_EPOCH": epoch, "PATH": "/usr/bin:/bin", "HOME": str(place)})
        package = next((place / "RPMS").rglob("*.rpm"))
        sums.add(hashlib.sha256(package.read_bytes()).hexdigest())
    listed = run("rpm", "-qpl", package).split()
    if "/usr/bin/cairn" not in listed:
        raise SystemExit(f"the .rpm has {listed}")
    same = "twice the same bytes" if len(sums) == 1 else "NOT the same bytes twice"
    print(f"rpm: {package.name}, {package.stat().st_size / 1e6:.2f} MB, {len(listed)} files, {same}")
    return len(sums) == 1


def main():
    out = pathlib.Path(sys.argv[1]).resolve()
    package, tarball = next(out.glob("*.deb")), next(out.glob("cairn-*.tar.gz"))
    good = True
    run("sha256sum", "--check", "SHA256SUMS", cwd=out)
    complaints = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", "--display-info", package],
        capture_output=True, text=True)
    print("lintian:", complaints.stdout.strip() or "content")
    good &= complaints.returncode == 0
    bill = next(out.glob("*.spdx.json"))
    run(source.ROOT / ".build/package/venv/bin/pyspdxtools", "-i", bill)
    print(f"SPDX: {bill.name} is valid, {len(json.loads(bill.read_text())['packages'])} packages")
    manifest, blobs = sample()
    with (tempfile.TemporaryDirectory(prefix="cairn-packages-") as name,
          image.registry(manifest, blobs) as server):
        folder, host = pathlib.Path(name), server.host
        first = max(try_debian(suite, package, folder, host) for suite in SUITES)
        try_image(next(out.glob("cairn-image-*.tar")), folder, host)
        good &= try_rpm(out, tarball, folder)
        run("tar", "-C", folder, "-xzf", tarball)
        taken = start_up([next(folder.glob("cairn-*/bin/cairn"))])
    installed = int(run("dpkg-deb", "--field", package, "Installed-Size")) / 1000
    measured = {".deb": package.stat().st_size / 1e6, "installed": installed, "start": taken,
                "first pull": first}
    for what, bar in BARS.items():
        met = "met" if measured[what] <= bar else "MISSED"
        unit = {"start": "ms", "first pull": "s"}.get(what, "MB")
        print(f"{what}: {measured[what]:.1f} {unit}; the bar is {bar}: {met}")
        good &= measured[what] <= bar
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
