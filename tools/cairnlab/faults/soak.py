"""Many pulls, and large ones: what is not given back, and what grows with size. The parts of tools/soak."""
import hashlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import time

from cairnlab import measure, places, reliability
from cairnlab.faults.runs import Puller
from cairnlab.registry.contents import Image
from cairnlab.registry.fault_server import FaultyRegistry

CAIRN = os.environ.get("CAIRN") or str(places.ROOT / ".build/release/cairn")
SMALL = [int(2 ** (9 + n)) for n in range(10)]


def in_one_process(folder, pulls):
    """Descriptors, threads and memory of one process that pulls again and again."""
    built = subprocess.run(
        ["swift", "build", "--scratch-path", ".build-soak", "-c", "release", "--product", "Soak",
         "--static-swift-stdlib"],
        cwd=places.ROOT, env={**os.environ, "CAIRN_EXTRA": "soak"}, capture_output=True, text=True)
    if built.returncode:
        return False, f"does not build:\n{built.stdout}{built.stderr}"
    images = {"app/image": Image("soak", SMALL), "app/broken": Image("broken", SMALL)}

    def plan(request):
        return "404" if request.digest == images["app/broken"].layers[4] else None
    with FaultyRegistry(images) as origin, FaultyRegistry(images, plan, token=True,
                                                          blob_origin=origin) as server:
        done = subprocess.run(
            [places.ROOT / ".build-soak/release/Soak", f"{server.host}/app/image",
             f"{server.host}/app/broken", folder, str(pulls)],
            capture_output=True, text=True)
    words = (done.stdout + done.stderr).strip().replace("\n", "; ")
    return done.returncode == 0, words


def as_processes(folder, pulls):
    """Pulls as processes of their own into one store: nothing stays but the image, and the last is as quick
    as the first.
    """
    puller, walls, peaks = Puller(CAIRN, folder / "many"), [], []
    images = {f"app/{n}": Image(f"soak {n}", SMALL) for n in range(20)}
    with FaultyRegistry(images) as server:
        for number in range(pulls):
            repository = f"app/{number % len(images)}"
            usage = measure.run(puller.command(server, repository))
            if usage.status != 0:
                return False, f"pull {number}: {usage.errors[-200:]}"
            if puller.lacks(images[repository]):
                return False, f"pull {number}: incomplete"
            walls.append(usage.wall)
            peaks.append(usage.peak)
            # Every image comes anew each time.
            if number % len(images) == len(images) - 1:
                left = [str(path) for path in (puller.store / ".cairn/ingest").iterdir()]
                if left or puller.wrong():
                    return False, f"left behind: {left}"
                subprocess.run(["rm", "-rf", puller.store], check=True)
    tenth = max(1, pulls // 10)
    early, late = sorted(walls[:tenth])[tenth // 2], sorted(walls[-tenth:])[tenth // 2]
    size = puller.history.stat().st_size
    return (late < 2 * early and size < 20 << 20 and max(peaks) < 64,
            f"median of the first tenth {early * 1000:.0f} ms, of the last {late * 1000:.0f} ms; most memory "
            f"{max(peaks):.0f} MiB; "
            f"history {size / 1e6:.1f} MB")


def many_layers(folder, layers=5_000):
    """An image of thousands of layers, with 64 workers."""
    image = Image("layers", [200 + n % 50 for n in range(layers)])
    puller = Puller(CAIRN, folder / "layers")
    # Late answers, so that all workers are at work at once.
    with FaultyRegistry({"app/image": image},
                        lambda request: ("late", 0.05) if request.kind == "blob" else None) as server:
        usage = measure.run(puller.command(server, "app/image", "--workers", "64"))
        right = usage.status == 0 and not puller.lacks(image) and not puller.wrong()
    return (right and usage.peak < 100 and 60 <= server.peak <= 66,
            f"{layers} layers, 64 workers, {server.peak} connections: {usage.wall:.1f} s, {usage.cpu:.1f} s "
            f"of CPU, {usage.peak:.0f} MiB")


def large_store(folder, entries=100_000):
    """A store of so many blobs and images."""
    puller = Puller(CAIRN, folder / "store")
    images = {"app/image": Image("small", SMALL), "app/new": Image("new", SMALL)}
    with FaultyRegistry(images) as server:
        puller.pull(server, "app/image")
        blobs, index = puller.store / "blobs/sha256", json.loads((puller.store / "index.json").read_text())
        entry = index["manifests"][0]
        for number in range(entries):
            data = f"blob {number}".encode()
            (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        for number in range(entries // 10):
            index["manifests"].append(
                {**entry, "annotations": {"org.opencontainers.image.ref.name": f"ex.am/p/{number}:latest"}})
        (puller.store / "index.json").write_text(json.dumps(index))
        rows, right = [], True
        # Bits that flipped since: of all these, the one that has to be found.
        (blobs / hashlib.sha256(b"blob 7").hexdigest()).write_bytes(b"blob 8")
        for name, command in (
                ("pull what is there", puller.command(server, "app/image")),
                ("pull a new image", puller.command(server, "app/new")),
                ("store list", [CAIRN, "store", "list", "--store", puller.store]),
                ("store verify", [CAIRN, "store", "verify", "--store", puller.store])):
            usage = measure.run(command)
            right = right and usage.status == (
                65 if name == "store verify" else 0) and usage.peak < 200 and usage.wall < 30
            rows.append(f"{name} {usage.wall:.1f} s, {usage.peak:.0f} MiB")
            if name == "store verify":
                right = right and "1 damaged" in usage.output + usage.errors
        listed = subprocess.run([CAIRN, "store", "list", "--store", puller.store], capture_output=True,
                                text=True).stdout
        wanted = {"ex.am/p/": entries // 10, "app/new": 1, "app/image": 1}
        right = right and all(listed.count(name) == count for name, count in wanted.items())
        right = right and len(puller.wrong()) == 1
        right = right and not any(puller.lacks(image) for image in images.values())
    return right, f"{entries} blobs, {entries // 10} names, one damaged: " + "; ".join(rows)


TABLES = ["path", "pull", "layer", "epoch", "aggregate"]


def grow(database, file, size, paths=499):
    """Fills every table: as many paths as Cairn keeps, and ever more pulls, which it would have folded."""
    machine, now = database.execute("SELECT machine FROM path").fetchone()[0], time.time()
    database.executemany(
        "INSERT INTO path (machine, registry, blobHost, network, pulls, usedAt) VALUES (?, ?, ?, 'home', "
        "100, ?)",
        [(machine, f"registry-{n}.example", f"cdn-{n}.example", now - n) for n in range(paths)])
    paths = [row[0] for row in database.execute("SELECT id FROM path")]
    database.executemany(
        "INSERT OR IGNORE INTO aggregate VALUES (?, ?, 0, ?, 5, 15, 0.1, 5)",
        [(path, n, now) for path in paths for n in range(1, 65)])
    pull = database.execute("SELECT max(id) FROM pull").fetchone()[0]
    digest = "sha256:" + "a" * 64
    while file.stat().st_size < size:
        numbers = range(pull + 1, pull + 5_001)
        pull = numbers[-1]
        database.executemany("INSERT INTO pull VALUES (?, ?, ?, 10, 1000000, 'climb', 1, 'line', 0.02)",
                             [(n, paths[n % len(paths)], now - n) for n in numbers])
        database.executemany("INSERT INTO layer VALUES (?, ?, 1000, 1000, 1.0, 1000, 0, 1)",
                             [(n, digest) for n in numbers for _ in range(20)])
        database.executemany("INSERT INTO epoch VALUES (?, ?, 0, 1, 1000, 0.02, 0, 'settled')",
                             [(n, k) for n in numbers for k in range(1, 11)])
        database.commit()


def large_history(folder, size=1 << 30):
    """A history grown to so many bytes by hand: its own pruning would not let it."""
    puller = Puller(CAIRN, folder / "history")
    with FaultyRegistry({"app/image": Image("small", SMALL)}) as server:
        puller.pull(server, "app/image")
        with sqlite3.connect(puller.history) as database:
            grow(database, puller.history, size)
            rows = {
                table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        database.close()
        report = measure.run([CAIRN, "tune", "--report", "--history", puller.history])
        again = measure.run(puller.command(server, "app/image", "--store", folder / "other"))
    right = report.status == 0 and report.wall < 1 and report.peak < 100 and again.status == 0
    said = ", ".join(f"{count} rows of {table}" for table, count in rows.items())
    return right, (f"{size >> 20} MiB, {said}: tune --report {report.wall:.2f} s, {report.peak:.0f} MiB; the "
                   f"next pull {again.wall:.1f} s")


def run(pulls, only):
    """Runs the parts whose names fit a regular expression; whether each was within its bounds."""
    parts = [("one process", lambda folder: in_one_process(folder, pulls)),
             ("processes", lambda folder: as_processes(folder, pulls)),
             ("layers", many_layers), ("store", large_store), ("history", large_history)]
    failed, kept = 0, places.ROOT / ".build-soak/rows"
    kept.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=places.ROOT, capture_output=True,
                            text=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="cairn-soak-") as folder:
        for name, part in parts:
            if re.search(only, name):
                begun = time.monotonic()
                right, words = part(pathlib.Path(folder))
                failed += not right
                print(f"{'ok   ' if right else 'WRONG'} {name}: {words} ({time.monotonic() - begun:.0f} s)",
                      flush=True)
                if pulls >= 2_000:
                    (kept / name).write_text(
                        f"| {name} | {'ok' if right else '**beyond its bound**'} | {words} | {commit} |\n")
    rows = [kept / name for name, _ in parts]
    if all(row.exists() for row in rows):
        reliability.write("tools/soak", {
            "Load": ["| part | result | seen | commit |", "|---|---|---|---|",
                     *(row.read_text().strip() for row in rows)]})
    return failed == 0

