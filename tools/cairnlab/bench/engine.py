"""Measures the engine against its bars, on loopback, with files in memory (tmpfs).

    tools/bench-engine cpu       CPU seconds per GB against curl -Z plus openssl dgst, HTTP and TLS
    tools/bench-engine memory    peak resident memory: a 4 GB image and a 40 MB one, 32 workers
    tools/bench-engine small     connections and requests of 60 layers x 0.5 MiB
    tools/bench-engine all

Runs of a comparison are interleaved and medians are reported, as ratios within one run. Needs nginx,
curl, openssl and a release build (`swift build -c release`), or CAIRN=path of a cairn to measure.
"""
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from cairnlab import measure, places
from cairnlab.registry import images, servers

CAIRN = os.environ.get("CAIRN") or str(places.ROOT / ".build/release/cairn")


def run(command):
    """Runs a command; returns (CPU seconds, wall seconds, peak memory in MiB, standard output)."""
    usage = measure.run(command)
    if usage.status != 0:
        raise SystemExit(f"{command[0]} failed: {usage.errors[-2000:]}")
    return usage.cpu, usage.wall, usage.peak, usage.output


def serve(folder, image):
    """nginx as a static registry by HTTP and TLS; a context manager, with ports and certificate."""
    certificate, key = servers.make_certificate(folder)
    http, tls = servers.free_port(), servers.free_port()
    locations = images.STATIC_REGISTRY.format(root=folder)
    section = (
        f"server {{ listen 127.0.0.1:{http}; {locations} }}\n"
        f"server {{ listen 127.0.0.1:{tls} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};\n"
        f"ssl_protocols TLSv1.2 TLSv1.3; {locations} }}\n")
    return servers.nginx(folder / "nginx", section, http,
                         access_log=f"{folder}/access.log c"), http, tls, certificate


def pull(port, store, *options, tls=None, image="bench"):
    shutil.rmtree(store, ignore_errors=True)
    scheme = ["--ca-file", str(tls)] if tls else ["--plain-http"]
    host = "localhost" if tls else "127.0.0.1"
    return run([CAIRN, "pull", f"{host}:{port}/{image}", "--store", str(store),
                "--history", f"{store}.sqlite", "--progress", "json", *scheme, *options])


def finished(output):
    return next(json.loads(line) for line in output.splitlines() if '"finished"' in line)


def bench_cpu(folder, repeats=5, blob=400 << 20):
    layers = [images.random_file(folder / f"layer{i}", blob, i) for i in range(4)]
    images.write_static(folder, "bench", layers)
    context, http, tls, certificate = serve(folder, "bench")
    gigabytes = 4 * blob / 1e9
    names = [path.name for path in (folder / "v2/bench/blobs").iterdir() if path.stat().st_size == blob]
    print(f"cpu: 4 x {blob >> 20} MiB, medians of {repeats} interleaved runs, seconds of CPU per GB")
    with context:
        for label, port, ca in (("http", http, None), ("tls", tls, certificate)):
            cairn, curl, digest, walls = [], [], [], []
            for _ in range(repeats):
                result = pull(port, folder / "store", "--workers", "4", tls=ca)
                cairn.append(result[0])
                walls.append(result[1])
                shutil.rmtree(folder / "store")
                out = folder / "curl"
                out.mkdir()
                scheme, host = ("https", "localhost") if ca else ("http", "127.0.0.1")
                urls = []
                for name in names:
                    urls += ["-o", str(out / name.replace(":", "-")),
                             f"{scheme}://{host}:{port}/v2/bench/blobs/{name}"]
                trust = ["--cacert", str(ca)] if ca else []
                curl.append(run(
                    ["curl", "-sS", "--fail", "--http1.1", "-Z", "--parallel-max", "4", *trust, *urls])[0])
                digest.append(run(["openssl", "dgst", "-sha256", *map(str, sorted(out.iterdir()))])[0])
                shutil.rmtree(out)
            base = [a + b for a, b in zip(curl, digest, strict=True)]
            ratio = statistics.median(cairn) / statistics.median(base)
            print(
                f"  {label:5} cairn {statistics.median(cairn) / gigabytes:.3f}  curl "
                f"{statistics.median(curl) / gigabytes:.3f}"
                f" + dgst {statistics.median(digest) / gigabytes:.3f}  ratio {ratio:.3f}  (bar 1.15)"
                f"  cairn wall {statistics.median(walls):.2f} s, spread {min(cairn) / gigabytes:.3f} to "
                f"{max(cairn) / gigabytes:.3f}")
    return True


def bench_memory(folder):
    big = [images.random_file(folder / f"big{i}", 500 << 20, f"m{i}") for i in range(8)]
    small = [images.random_file(folder / f"small{i}", 5 << 20, f"s{i}") for i in range(8)]
    images.write_static(folder, "big", big)
    images.write_static(folder, "small", small)
    context, http, _, _ = serve(folder, "big")
    with context:
        peaks = {}
        for image in ("big", "small"):
            peaks[image] = pull(http, folder / "store", "--workers", "32", image=image)[2]
            shutil.rmtree(folder / "store")
    print(
        f"memory: 32 workers, peak {peaks['big']:.1f} MiB on 4 GB (bar 64), {peaks['small']:.1f} MiB on 40 MB"
        f" (difference {peaks['big'] - peaks['small']:.1f}, bar 16)")


def bench_small(folder):
    layers = [images.random_file(folder / f"tiny{i}", 512 << 10, f"t{i}") for i in range(60)]
    images.write_static(folder, "tiny", layers)
    context, http, _, _ = serve(folder, "tiny")
    with context:
        for workers in (1, 4, 16, 32):
            log = folder / "access.log"
            log.write_text("")
            report = finished(pull(http, folder / "store", "--workers", str(workers), image="tiny")[3])
            time.sleep(0.2)
            lines = log.read_text().splitlines()
            connections = len({line.split()[0] for line in lines})
            print(
                f"small: {workers} workers, 61 blobs: {connections} connections (bar {workers + 2}), "
                f"{len(lines)} requests (bar {61 + 4}), {report['seconds']:.2f} s")


def main():
    which = sys.argv[1] if len(sys.argv) > 1 else "all"
    if which not in ("cpu", "memory", "small", "all"):
        raise SystemExit(__doc__)
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    print(f"machine: {os.cpu_count()} CPUs, {os.uname().machine}, {os.uname().sysname} {os.uname().release}")
    for name, bench in (("small", bench_small), ("cpu", bench_cpu), ("memory", bench_memory)):
        if which in (name, "all"):
            with tempfile.TemporaryDirectory(dir=base, prefix="cairn-bench-") as folder:
                bench(pathlib.Path(folder))
