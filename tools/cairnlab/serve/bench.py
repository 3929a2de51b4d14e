"""The measurements of tools/bench-serve; all of them run inside the link lab's namespaces."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time

from cairnlab import places
from cairnlab.link import emulated, lab
from cairnlab.registry import images, servers
from cairnlab.registry.contents import Content, Repeated
from cairnlab.registry.fault_server import FaultyRegistry
from cairnlab.registry.relay import Relay

CAIRN = os.environ.get("CAIRN") or str(places.ROOT / ".build/release/cairn")
PORT = 5151
# One large layer leads, as in most images: shares of the whole.
SHARES = [0.6, 0.2, 0.1, 0.06, 0.04]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Serve:
    """`cairn serve` at a port of this namespace, with folders of its own."""

    def __init__(self, folder, *options):
        self.folder, self.options = pathlib.Path(folder), options

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [CAIRN, "serve", "--listen", f"127.0.0.1:{PORT}", "--store", self.folder / "store", "--history",
             self.folder / "history.sqlite", *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        servers.wait_for_port(PORT, self.process)
        return self

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder / "store", ignore_errors=True)

    def cpu(self):
        """CPU seconds so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name="VmHWM"):
        """MiB of resident memory: VmHWM is the most there was, RssAnon what is its own now."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        return 0.0


def timed(command, **options):
    start = time.monotonic()
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {done.stderr[-1500:]}")
    return time.monotonic() - start


class Clients:
    """Ways to pull the lab's image: direct and through serve."""

    def __init__(self, folder, one):
        self.folder, self.one = folder, one
        self.out = folder / "out"
        self.name = f"{one.registry}/lab/sample:latest"
        self.through = f"127.0.0.1:{PORT}/{one.registry.replace(':', '__')}/lab/sample:latest"

    def skopeo(self, through):
        trust = ["--src-tls-verify=false"]
        if not through and self.one.tls:
            trust = ["--src-cert-dir", self.one.certificate_folder]
        return ["skopeo", "--insecure-policy", "copy", "-q", *trust,
                f"docker://{self.through if through else self.name}", f"dir:{self.out}"]

    def podman(self, through):
        return ["podman", "--root", self.out / "root", "--runroot", self.out / "run", "--storage-driver",
                "vfs",
                "--events-backend", "file", "pull", "-q", "--tls-verify=false",
                self.through if through else self.name]

    def containerd(self, through):
        """`ctr content fetch`: what a pull brings, without unpacking."""
        hosts = self.folder / f"hosts-{'serve' if through else 'direct'}" / self.one.registry
        hosts.mkdir(parents=True, exist_ok=True)
        target = f"http://127.0.0.1:{PORT}" if through else f"{self.one.scheme}://{self.one.registry}"
        text = (
            f'server = "{self.one.scheme}://{self.one.registry}"\n\n'
            f'[host."{target}"]\n  capabilities = ["pull", "resolve"]\n')
        if not through and self.one.tls:
            text += f'  ca = "{self.one.certificate}"\n'
        (hosts / "hosts.toml").write_text(text)
        return ["ctr", "-a", self.socket, "content", "fetch", "--hosts-dir", hosts.parent, self.name]

    @contextlib.contextmanager
    def daemon(self):
        """A containerd with nothing in it."""
        self.socket = pathlib.Path("/run/lab-containerd.sock")
        root = self.folder / "containerd"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        config = root / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{root}/root"\nstate = "{root}/state"\ndisabled_plugins = '
            f'["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\n  address = "{self.socket}"\n')
        log = open(root / "log", "wb")
        process = subprocess.Popen(["containerd", "-c", config], stdout=log, stderr=log)
        try:
            for _ in range(200):
                if subprocess.run(["ctr", "-a", self.socket, "version"], capture_output=True).returncode == 0:
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()

    def run(self, kind, through):
        shutil.rmtree(self.out, ignore_errors=True)
        if kind == "containerd":
            with self.daemon():
                return timed(self.containerd(through))
        return timed(getattr(self, kind)(through))


class Bench:
    def __init__(self, seconds, repeats):
        self.seconds, self.repeats = seconds, repeats
        self.folder = pathlib.Path(lab.PRIVATE) / "bench"
        self.folder.mkdir(parents=True, exist_ok=True)
        # A cache on a disk: in memory no file's times tell of every change, so that blobs are hashed each
        # time they are given.
        self.cache = places.ROOT / ".build/bench-serve"

    # MARK: Links

    def push(self, model):
        """The lab's image, at a size that takes the wanted seconds; returns its folder of blobs and its
        bytes.
        """
        rate = json.loads((places.ROOT / "models" / f"{model}.json").read_text())[
            "bandwidthMbit"] * 1e6 / 8 * emulated.PAYLOAD
        layers = [int(rate * self.seconds * share) for share in SHARES]
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        with servers.docker_registry(self.folder / "push", data=data) as port:
            images.push(f"127.0.0.1:{port}/lab/sample:latest", images.Recipe(tuple(layers)))
        return data, sum(layers)

    def serve(self, one):
        trust = ["--ca-file", str(one.certificate)] if one.tls else ["--plain-http", one.registry]
        return Serve(self.folder / "serve", "--registry", one.registry, *trust)

    def pull(self, one):
        trust = ["--ca-file", one.certificate] if one.tls else ["--plain-http"]
        out = self.folder / "pulled"
        shutil.rmtree(out, ignore_errors=True)
        return timed(
            [CAIRN, "pull", f"{one.registry}/lab/sample", "--store", out, "--history", f"{out}.sqlite",
                      "--progress", "none", *trust])

    def link(self, model):
        """Each client direct and through a serve with an empty cache; rounds are interleaved."""
        data, size = self.push(model)
        kinds = ["skopeo", "podman", "containerd"]
        times = {}
        with lab.Lab(places.ROOT / "models" / f"{model}.json", self.folder / "lab", data, token=False) as one:
            lab.show_self_test(model, one.self_test())
            clients = Clients(self.folder, one)
            for _ in range(self.repeats):
                for kind in kinds:
                    for through in (False, True):
                        with self.serve(one) if through else contextlib.nullcontext():
                            one.restart()
                            times.setdefault((kind, through), []).append(self.attempt(clients, kind, through))
                            if through:
                                # All of it is in the cache now: what is left is the client's own time.
                                times.setdefault((kind, "warm"), []).append(self.attempt(clients, kind, True))
                one.restart()
                pathlib.Path(f"{self.folder}/pulled.sqlite").unlink(missing_ok=True)
                times.setdefault("pull", []).append(self.pull(one))
        pull = statistics.median(times["pull"])
        print(f"{model}, {size / 1e6:.0f} MB, medians of {self.repeats}: cairn pull {pull:.2f} s")
        for kind in kinds:
            direct, through, warm = (statistics.median(times[kind, way]) for way in (False, True, "warm"))
            print(f"  {kind:11} direct {direct:6.2f} s   through serve {through:6.2f} s   from loopback "
                  f"{warm:6.2f} s   serve/direct {through / direct:.2f}   direct/serve {direct / through:.2f}"
                  f"   serve/slower of pull and loopback {through / max(pull, warm):.2f}"
                  f"   serve/sum of both {through / (pull + warm):.2f}", flush=True)

    @staticmethod
    def attempt(clients, kind, through):
        """Seconds; endless where the client gave up, which slow lines bring some to without serve."""
        try:
            return clients.run(kind, through)
        except SystemExit as error:
            print(f"  {kind} {'through serve' if through else 'direct'}: {error}", flush=True)
            return float("inf")

    def first(self, model):
        """Milliseconds to the head of a manifest, and to the first byte of a cold blob."""
        data, _ = self.push(model)
        index = data / "docker/registry/v2/repositories/lab/sample/_manifests/tags/latest/current/link"
        digest = index.read_text().strip()
        document = json.loads(
            (data / "docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data").read_text())
        blob = max(document["layers"], key=lambda layer: layer["size"])["digest"]
        found = {}
        with lab.Lab(places.ROOT / "models" / f"{model}.json", self.folder / "lab", data, token=False) as one:
            for _ in range(self.repeats):
                for what, path in (("manifest", "manifests/latest"), ("blob", f"blobs/{blob}")):
                    one.restart()
                    found.setdefault((what, False),
                                     []).append(first_byte(one, f"/v2/lab/sample/{path}", False))
                    with self.serve(one):
                        one.restart()
                        found.setdefault((what, True), []).append(
                            first_byte(one, f"/v2/lab/sample/{path}?ns={one.registry}", True))
            trip = one.model["roundTripMs"]
        for what in ("manifest", "blob"):
            direct, through = (statistics.median(found[what, way]) * 1e3 for way in (False, True))
            bar = direct + trip + 20
            print(f"{model}: first byte of a {what}: direct {direct:.0f} ms, through serve {through:.0f} ms, "
                  f"bar {bar:.0f} ms")

    # MARK: Loopback

    @contextlib.contextmanager
    def static(self, sizes):
        """nginx with one image of raw layers; yields its port and the layers' digests."""
        root = self.folder / "static"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        layers = [
            images.random_file(root / f"layer{number}", size, number) for number, size in enumerate(sizes)]
        images.write_static(root, "bench", layers)
        document = json.loads((root / "v2/bench/manifests/latest").read_text())
        port = servers.free_port()
        section = f"server {{ listen 127.0.0.1:{port}; {images.STATIC_REGISTRY.format(root=root)} }}\n"
        with servers.nginx(root / "nginx", section, port):
            yield port, [layer["digest"] for layer in document["layers"]]
        shutil.rmtree(root)

    def ten(self, clients=10):
        with self.static([40 << 20, 10 << 20, 2 << 20]) as (inner, digests):
            relay = Relay(inner, servers.free_port(), rate=60 << 20)
            name = f"127.0.0.1:{relay.port}"
            with relay, Serve(self.folder / "serve", "--registry", name, "--plain-http", name):
                size = (52 << 20) + 1000
                with concurrent.futures.ThreadPoolExecutor(clients * 3) as pool:
                    jobs = [pool.submit(read, digest, name) for digest in digests for _ in range(clients)]
                    for job, digest in zip(jobs, [digest for digest in digests for _ in range(clients)],
                                           strict=True):
                        if job.result() != digest:
                            raise SystemExit(f"wrong bytes of {digest}")
                print(f"ten: {clients} clients of one image of {size / 1e6:.0f} MB: "
                      f"{relay.received / size:.4f} x its bytes "
                      f"from upstream, {len(relay.requests)} requests", flush=True)

    def warm(self, clients=4, size=400 << 20, rounds=5):
        with self.static([size]) as (port, digests):
            name = f"127.0.0.1:{port}"
            url = f"http://127.0.0.1:{PORT}/v2/bench/blobs/{digests[0]}?ns={name}"
            with Serve(self.cache, "--registry", name, "--plain-http", name, "--keep") as serve:
                if read(digests[0], name) != digests[0]:
                    raise SystemExit("wrong bytes")
                rates, costs = [], []
                for _ in range(rounds):
                    cpu, start = serve.cpu(), time.monotonic()
                    readers = [
                            subprocess.Popen(["curl", "-sf", "-o", "/dev/null", url]) for _ in range(clients)]
                    if any(reader.wait() for reader in readers):
                        raise SystemExit("curl failed")
                    gigabytes = clients * size / 1e9
                    rates.append(gigabytes / (time.monotonic() - start))
                    costs.append((serve.cpu() - cpu) / gigabytes)
                print(f"warm: {clients} clients of {size >> 20} MiB, medians of {rounds}: "
                      f"{statistics.median(rates):.2f} GB/s, "
                      f"{statistics.median(costs):.2f} CPU s/GB", flush=True)

    def memory(self, clients=64, slow=20, layers=4, size=1 << 30):
        """Every client wants one of the layers at first, and the quick ones a second one, which is in the
        cache by then or on its way.
        """
        made = Repeated.layers(layers, size)
        with FaultyRegistry({"bench": Content(b"{}", made)}, chunk=1 << 20) as upstream:
            name, digests = upstream.host, list(made)
            with Serve(self.cache, "--registry", name, "--plain-http", name, "--keep") as serve:
                idle, ended, most = serve.memory("RssAnon"), threading.Event(), [0.0]

                def watch():
                    while not ended.wait(0.05):
                        most[0] = max(most[0], serve.memory("RssAnon"))

                def trickle(number):
                    # 10 KB/s, and a receive buffer that holds little more.
                    connection = http.client.HTTPConnection("127.0.0.1", PORT)
                    connection.sock = socket.socket()
                    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 10)
                    connection.sock.connect(("127.0.0.1", PORT))
                    connection.request("GET", f"/v2/bench/blobs/{digests[number % layers]}?ns={name}")
                    answer = connection.getresponse()
                    while not ended.wait(0.1):
                        answer.read(1024)
                    connection.close()

                threads = [threading.Thread(target=watch)]
                threads += [threading.Thread(target=trickle, args=(number,)) for number in range(slow)]
                for thread in threads:
                    thread.start()
                readers = []
                for number in range(clients - slow):
                    wanted = [digests[(number + step) % layers] for step in range(2)]
                    urls = [word for digest in wanted for word in (
                        "-o", "/dev/null", f"http://127.0.0.1:{PORT}/v2/bench/blobs/{digest}?ns={name}")]
                    readers.append(subprocess.Popen(["curl", "-sf", *urls]))
                failed = sum(reader.wait() != 0 for reader in readers)
                ended.set()
                for thread in threads:
                    thread.join()
                print(f"memory: {clients} clients of {layers * size / 1e9:.1f} GB, {slow} of them slow: "
                      f"resident "
                      f"{serve.memory():.0f} MiB at most, of its own {most[0]:.0f} MiB (idle {idle:.0f}); "
                      f"{failed} of {clients - slow} failed", flush=True)


def read(digest, name):
    """Reads a blob through serve; returns the digest of what came."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    connection.request("GET", f"/v2/bench/blobs/{digest}?ns={name}")
    answer = connection.getresponse()
    hashed = hashlib.sha256()
    while part := answer.read(1 << 20):
        hashed.update(part)
    connection.close()
    return "sha256:" + hashed.hexdigest()


def first_byte(one, path, through):
    """Seconds until the first byte of the answer's body, redirects followed, connections included."""
    import ssl
    import urllib.parse

    trusted = ssl.create_default_context(cafile=str(one.certificate)) if one.tls else None
    start = time.monotonic()
    target = f"http://127.0.0.1:{PORT}{path}" if through else f"{one.scheme}://{one.registry}{path}"
    while True:
        parts = urllib.parse.urlsplit(target)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.netloc, context=trusted, timeout=60)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        query = f"?{parts.query}" if parts.query else ""
        connection.request("GET", parts.path + query, headers={"Accept": MANIFEST})
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308):
            target = answer.headers["Location"]
            connection.close()
            continue
        if answer.status != 200 or not answer.read(1):
            raise SystemExit(f"{target}: {answer.status}")
        connection.close()
        return time.monotonic() - start
