"""What stands around `cairn serve` while clients are tried: registries that count what is taken from them,
and the endpoint itself.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from cairnlab.registry import images, servers
from cairnlab.registry.relay import Relay

# One large layer leads, as in most images; the index has a platform that nobody here asks for.
RECIPE = images.Recipe(images.sizes("12M,4M,1M,200K"), platforms=("linux/amd64", "linux/arm64"))
USER = "user:secret"


class Image:
    """What an image consists of, as its registry has it, for linux/amd64."""

    def __init__(self, folder, port, name):
        """Read from a registry's own folder, which asks for no token."""
        repository, _, tag = name.rpartition(":")
        root = pathlib.Path(folder) / "data/docker/registry/v2"
        link = root / "repositories" / repository / "_manifests/tags" / tag / "current/link"
        self.name = f"127.0.0.1:{port}/{name}"
        self.index = link.read_text().strip()

        def read(digest):
            return (root / "blobs/sha256" / digest[7:9] / digest[7:] / "data").read_bytes()

        index = json.loads(read(self.index))
        self.manifest = next(
            one["digest"] for one in index["manifests"] if one["platform"]["architecture"] == "amd64")
        manifest = json.loads(read(self.manifest))
        self.config = manifest["config"]["digest"]
        self.blobs = {one["digest"]: one["size"] for one in [manifest["config"], *manifest["layers"]]}

    @property
    def size(self):
        return sum(self.blobs.values())


class Upstream:
    """A registry behind a relay. `port` is what it is known by; `requests`, `received` are the relay's."""

    def __init__(self, folder, token=None):
        self.folder, self.token = pathlib.Path(folder), token

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.inner = self.stack.enter_context(servers.docker_registry(self.folder, token=self.token))
        self.port = servers.free_port()
        self.relay = self.stack.enter_context(Relay(self.inner, self.port))
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def image(self, name):
        return Image(self.folder, self.port, name)

    def strangers(self):
        """Who took blobs and manifests without going through the endpoint."""
        return sorted({
            request.header("user-agent") or "?" for request in self.relay.requests
            if re.search(r"/(blobs|manifests)/", request.target)
            and "cairn" not in (request.header("user-agent") or "")})

    def blob_requests(self):
        return [one for one in self.relay.requests if one.method == "GET" and "/blobs/" in one.target]


class Endpoint:
    """`cairn serve` at a port; `relay` in front of it writes down what clients ask.

    With a pair of files, a certificate and its key, it speaks TLS.
    """

    def __init__(self, cairn, folder, options, pair=None, address="127.0.0.1"):
        self.cairn, self.folder, self.address, self.trust = cairn, pathlib.Path(folder), address, None
        self.options = [*options, *(["--tls-cert", str(pair[0]), "--tls-key", str(pair[1])] if pair else [])]
        self.url = "https" if pair else "http"
        if pair:
            self.trust = ssl.create_default_context(cafile=str(pair[0]))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.process, self.number = servers.free_port(), None, 0
        # The same port: another one in `Host` would not be the endpoint's.
        self.relay = Relay(self.port, self.port, address="127.0.0.2")

    def __enter__(self):
        self.relay.__enter__()
        return self

    def __exit__(self, *exception):
        self.stop()
        self.relay.__exit__()

    def start(self, fresh=True):
        """Starts it, with an empty cache and history unless it goes on from what it had."""
        if fresh:
            for name in ("store", "cache"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / "history.sqlite").unlink(missing_ok=True)
        self.number += 1
        log = open(self.folder / f"serve-{self.number}.log", "wb")
        self.process = subprocess.Popen(
            [self.cairn, "serve", "--listen", f"{self.address}:{self.port}", "--store", self.folder / "store",
             "--history", self.folder / "history.sqlite", *self.options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache"), "HOME": str(self.folder)})
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(
                        f"serve ended: {(self.folder / f'serve-{self.number}.log').read_text()[-2000:]}")
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                self.get("/healthz")
                return
            time.sleep(0.02)
        raise RuntimeError("serve does not answer /healthz")

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}://{self.address}:{self.port}{path}", timeout=5,
                                    context=self.trust) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """Ends it by SIGTERM; returns its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(35)
        finally:
            self.process = None

    def metrics(self):
        return self.get("/metrics")

    def configuration(self, client, recorded=True):
        """What `--print-config` says for clients that come through the relay, or by themselves: texts by
        path.
        """
        address = self.relay.address if recorded else self.address
        text = subprocess.run(
            [self.cairn, "serve", "--print-config", client, "--listen", f"{address}:{self.port}",
             *self.options],
            check=True, capture_output=True, text=True).stdout
        return sections(text)


def sections(text):
    """The files in a text of `--print-config`, by path."""
    body = re.split(r"\n\n# ", text)[0] if not text.startswith("# ") else ""
    parts = re.split(r"^==> (.+) <==\n", body, flags=re.MULTILINE)[1:]
    return {path: content.rstrip("\n") + "\n" for path, content in zip(parts[::2], parts[1::2], strict=True)}
