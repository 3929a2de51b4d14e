"""Test images: layers of pseudo-random bytes, made from a recipe and pushed to a registry, or written as
files.

Layers are real tar archives (one file), compressed with gzip or zstd, or an empty layer for size 0, so that
other tools can unpack them. Only Python's standard library is used, and the zstd program for that
compression.
"""
import base64
import dataclasses
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import ssl
import subprocess
import tarfile
import urllib.error
import urllib.parse
import urllib.request

OCI = {
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "index": "application/vnd.oci.image.index.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar",
}
DOCKER = {
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "index": "application/vnd.docker.distribution.manifest.list.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar",
}




@dataclasses.dataclass(frozen=True)
class Recipe:
    """What an image is made of: equal recipes give equal digests."""
    layers: tuple[int, ...] = (1 << 20,)
    # Some make an index; `shared`: all of them have the same layers.
    platforms: tuple[str, ...] = ()
    shared: bool = False
    flavour: str = "oci"
    compression: str = "gzip"
    # With an empty configuration.
    artifact: bool = False
    seed: str = "cairn"


def size(text):
    """Bytes by a text like 12M."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


def sizes(text):
    """Bytes of each layer by a text like 3M,200K,0."""
    return tuple(size(part) for part in text.split(",") if part)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(document):
    return json.dumps(document, indent=2, sort_keys=True).encode()


def noise(seed, length):
    """So many bytes of a seed: in pieces, which are the same as one; Python makes no 2^31 bits at once."""
    generator, piece = random.Random(seed), 1 << 24
    return b"".join(generator.randbytes(min(piece, length - at)) for at in range(0, length, piece))


def random_file(path, size, seed):
    """Writes so many pseudo-random bytes to a file; a layer of a static registry."""
    generator = random.Random(seed)
    with open(path, "wb") as file:
        while size > 0:
            count = min(size, 16 << 20)
            file.write(generator.randbytes(count))
            size -= count
    return path


def layer(seed, length, compression):
    """A tar with one file of `length` bytes; returns (compressed bytes, digest of the tar)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if length > 0:
            info = tarfile.TarInfo(f"data/{seed}.bin")
            info.size = length
            # Incompressible, so that the blob is about as large as asked for.
            tar.addfile(info, io.BytesIO(noise(seed, length)))
    data = buffer.getvalue()
    if compression == "gzip":
        packed = gzip.compress(data, compresslevel=1, mtime=0)
    elif compression == "zstd":
        packed = subprocess.run(["zstd", "-1", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    else:
        packed = data
    return packed, digest(data)


class Registry:
    """A registry that takes what is pushed to it."""

    def __init__(self, base, credentials=None):
        self.base = base
        self.headers = {}
        if credentials:
            self.headers["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
        self.context = ssl._create_unverified_context()
        self.token = None

    def call(self, method, url, data=None, headers=None, retried=False):
        url = urllib.parse.urljoin(self.base, url)
        request = urllib.request.Request(url, data=data, method=method)
        for name, value in {**(headers or {}), **self.headers}.items():
            request.add_header(name, value)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        try:
            return urllib.request.urlopen(request, context=self.context)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code == 401 and challenge.startswith("Bearer") and not retried:
                self.authorise(challenge)
                return self.call(method, url, data, headers, retried=True)
            raise

    def authorise(self, challenge):
        fields = dict(
            part.split("=", 1) for part in challenge[len("Bearer "):].replace('",', '"\n').split("\n"))
        fields = {name.strip(): value.strip('"') for name, value in fields.items()}
        query = urllib.parse.urlencode({k: v for k, v in fields.items() if k in ("service", "scope")})
        request = urllib.request.Request(fields["realm"] + "?" + query)
        for name, value in self.headers.items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, context=self.context) as answer:
            self.token = json.load(answer)["token"]

    def blob(self, repository, data):
        name = digest(data)
        try:
            self.call("HEAD", f"/v2/{repository}/blobs/{name}")
            return name
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        with self.call("POST", f"/v2/{repository}/blobs/uploads/", data=b"") as answer:
            location = answer.headers["Location"]
        # Behind a proxy the registry may name itself by another origin.
        parts = urllib.parse.urlsplit(location)
        query = parts.query + ("&" if parts.query else "") + "digest=" + urllib.parse.quote(name)
        self.call(
            "PUT", f"{parts.path}?{query}", data=data,
            headers={"Content-Type": "application/octet-stream"}).close()
        return name

    def manifest(self, repository, selector, data, media_type):
        self.call(
            "PUT", f"/v2/{repository}/manifests/{selector}", data=data,
            headers={"Content-Type": media_type}).close()
        return digest(data)


def described(data, media_type):
    """A descriptor of some bytes."""
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def configuration(platform, diff_ids):
    """The configuration of an image for a platform; whatever is made, is made on the same day."""
    system, architecture, *variant = platform.split("/")
    fields = {
        "architecture": architecture, "os": system, "created": "2017-04-23T00:00:00Z",
        "config": {"Cmd": ["/bin/sh"]}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [
            {"created": "2017-04-23T00:00:00Z", "created_by": f"layer {i}"} for i in range(len(diff_ids))],
    }
    if variant:
        fields["variant"] = variant[0]
    return encode(fields)


def push_manifest(registry, repository, selector, recipe, platform, seed):
    """Pushes the image for one platform; returns the index's entry for it."""
    types = DOCKER if recipe.flavour == "docker" else OCI
    mark = "." if types is DOCKER else "+"
    layer_type = types["layer"] + ("" if recipe.compression == "none" else mark + recipe.compression)
    layers, diff_ids = [], []
    for index, length in enumerate(recipe.layers):
        data, diff_id = layer(f"{seed}/{index}", length, recipe.compression)
        registry.blob(repository, data)
        layers.append(described(data, layer_type))
        diff_ids.append(diff_id)
    if recipe.artifact:
        config, config_type = b"{}", "application/vnd.oci.empty.v1+json"
    else:
        config, config_type = configuration(platform, diff_ids), types["config"]
    registry.blob(repository, config)
    manifest = {
        "schemaVersion": 2, "mediaType": types["manifest"], "layers": layers,
        "config": described(config, config_type)}
    if recipe.artifact:
        manifest["artifactType"] = "application/vnd.example.test"
    data = encode(manifest)
    registry.manifest(repository, selector or digest(data), data, types["manifest"])
    system, architecture, *variant = platform.split("/")
    entry = described(data, types["manifest"]) | {"platform": {"os": system, "architecture": architecture}}
    if variant:
        entry["platform"]["variant"] = variant[0]
    return entry


def push(target, recipe=Recipe(), creds=None):
    """Makes an image and pushes it; returns its digest.

    `target` is http(s)://HOST/REPOSITORY:TAG, where the scheme may be left out for http; `creds` is
    USER:PASSWORD.
    """
    url = urllib.parse.urlsplit(target if "://" in target else f"http://{target}")
    repository, _, tag = url.path.lstrip("/").rpartition(":")
    registry = Registry(f"{url.scheme}://{url.netloc}", creds)
    if not recipe.platforms:
        return push_manifest(registry, repository, tag, recipe, "linux/amd64", recipe.seed)["digest"]
    entries = [
        push_manifest(registry, repository, None, recipe, platform,
                      recipe.seed if recipe.shared else f"{recipe.seed}/{platform}")
        for platform in recipe.platforms
    ]
    index_type = (DOCKER if recipe.flavour == "docker" else OCI)["index"]
    data = encode({"schemaVersion": 2, "mediaType": index_type, "manifests": entries})
    return registry.manifest(repository, tag, data, index_type)


def sizes_of(host, repository, name):
    """The sizes of an image's blobs by their digests, as a registry on loopback has it."""
    url = f"http://{host}/v2/{repository}/manifests/{name}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": OCI["manifest"]})) as answer:
        manifest = json.load(answer)
    return {part["digest"]: part["size"] for part in [*manifest["layers"], manifest["config"]]}


def write_static(root, repository, layers, tag="latest"):
    """Writes an image of the given raw layers as files that nginx can serve as a registry.

    Layers are paths of files; they are linked, not copied.
    """
    root = pathlib.Path(root)
    blobs, manifests = root / "v2" / repository / "blobs", root / "v2" / repository / "manifests"
    blobs.mkdir(parents=True, exist_ok=True)
    manifests.mkdir(parents=True, exist_ok=True)

    def add(path):
        with open(path, "rb") as file:
            name = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        target = blobs / name
        if not target.exists():
            os.link(path, target)
        return {"digest": name, "size": os.path.getsize(path)}

    config = root / f"{repository.replace('/', '-')}.config"
    config.write_bytes(configuration("linux/amd64", []))
    document = {
        "schemaVersion": 2, "mediaType": OCI["manifest"],
        "config": {"mediaType": OCI["config"], **add(config)},
        "layers": [{"mediaType": OCI["layer"], **add(path)} for path in layers],
    }
    (manifests / tag).write_bytes(encode(document))


STATIC_REGISTRY = """
location ~ ^/v2/.*/manifests/ {{ root {root}; default_type application/vnd.oci.image.manifest.v1+json; }}
location /v2/ {{ root {root}; default_type application/octet-stream; }}
"""
