"""Two registries, one of them with private images, the endpoint before them, and what clients asked of it."""
import contextlib
import json
import re

from cairnlab.registry import images, servers
from cairnlab.serve import scene

# What a server may answer by; the rest is the same in every request of a client.
HEADERS = ["accept", "accept-encoding", "authorization", "range", "user-agent"]


class Site:
    """Everything that runs while clients are tried."""

    def __init__(self, folder, cairn):
        self.folder, self.cairn = folder, cairn
        self.records = {}

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        tokens = self.stack.enter_context(servers.TokenServer(self.folder / "tokens"))
        self.public = self.stack.enter_context(scene.Upstream(self.folder / "public"))
        self.private = self.stack.enter_context(scene.Upstream(
            self.folder / "private", token=(tokens.realm, tokens.service, tokens.issuer, tokens.certificate)))
        for name in ("demo:latest", "library/demo:latest"):
            images.push(f"127.0.0.1:{self.public.inner}/{name}", scene.RECIPE)
        images.push(f"127.0.0.1:{self.private.inner}/private/demo:latest", scene.RECIPE, scene.USER)
        self.image = self.public.image("demo:latest")
        self.private_image = self.private.image("private/demo:latest")
        names = [f"127.0.0.1:{self.public.port}", f"127.0.0.1:{self.private.port}"]
        # Docker's older store pulls from Docker Hub alone; here its images are in the first registry.
        hub = self.folder / "hosts/docker.io"
        hub.mkdir(parents=True, exist_ok=True)
        (hub / "hosts.toml").write_text(f'[host."http://{names[0]}"]\n  capabilities = ["pull", "resolve"]\n')
        self.endpoint = self.stack.enter_context(scene.Endpoint(self.cairn, self.folder / "endpoint", [
            "--registry", names[0], "--registry", f"{names[1]}=private", "--registry", "docker.io",
            "--plain-http", names[0], "--plain-http", names[1], "--hosts-dir", str(self.folder / "hosts")]))
        # It pings `/v2/`, and takes a challenge there for its own: it cannot share an endpoint with a private
        # registry.
        self.plain = self.stack.enter_context(scene.Endpoint(self.cairn, self.folder / "plain", [
            "--registry", names[0], "--registry", "docker.io", "--plain-http", names[0], "--hosts-dir",
            str(self.folder / "hosts")]))
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def endpoint_of(self, kind):
        """The endpoint that a kind of client pulls through."""
        return self.plain if kind.form == "plain" else self.endpoint

    def record(self, name, endpoint):
        """Keeps what was asked since the last reset, with words for what differs from one run to the next."""
        image = self.private_image if "private" in name else self.image
        layers = [digest for digest in image.blobs if digest != image.config]
        words = {image.index: "{index}", image.manifest: "{manifest}", image.config: "{config}"}
        words |= {digest: f"{{layer{number}}}" for number, digest in enumerate(layers)}
        host = image.name.partition("/")[0]
        words |= {host: "{host}", host.replace(":", "%3A"): "{host}", host.replace(":", "__"): "{host}"}
        kept = []
        for request in endpoint.relay.requests:
            target = request.target
            for digest, word in words.items():
                target = target.replace(digest, word)
            headers = {key: request.headers[key] for key in HEADERS if key in request.headers}
            if "authorization" in headers:
                headers["authorization"] = headers["authorization"].partition(" ")[0]
            # The machine that recorded is nobody's business.
            headers["user-agent"] = re.sub(r" (kernel|git-commit)/\S+", "", headers.get("user-agent", ""))
            kept.append({"method": request.method, "target": target, "headers": headers})
        self.records[name] = kept

    def write(self, path):
        """Adds what was recorded to a fixture: what is there of other clients stays."""
        known = json.loads(path.read_text()) if path.exists() else {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(known | self.records, indent=1, sort_keys=True) + "\n")
