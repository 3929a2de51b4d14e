"""The container image: cairn, the shared libraries that it needs, certificate authorities, and an account
that is nobody.

The files are those of the Debian packages that are installed here. The image is given to cairn over loopback,
as a registry would: the OCI layout is what cairn wrote and verified.
"""
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile

from cairnlab.registry.contents import Content
from cairnlab.registry.fault_server import FaultyRegistry

from . import archive, licences, tree

ACCOUNT = 65532
HOME = "var/lib/cairn"
TYPES = "application/vnd.oci.image."


def libraries(binary):
    """Every shared library, the loader among them: path as it is asked for, and file."""
    words = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    paths = re.findall(r"(/\S+) \(0x", words)
    return [(path, pathlib.Path(path).resolve()) for path in sorted(set(paths))]


def owners(paths):
    """The Debian packages that files belong to, with their versions."""
    found = {}
    for path in paths:
        words = None
        for place in (str(path), str(path).removeprefix("/usr")):
            ran = subprocess.run(["dpkg-query", "-S", place], capture_output=True, text=True)
            words = words or (ran.stdout if ran.returncode == 0 else None)
        if words is None:
            raise SystemExit(f"no Debian package has {path}: the image takes its files from packages")
        package = words.split(": ")[0].split(",")[0]
        shown = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${Version} ${source:Package} ${source:Version}", package],
            check=True, capture_output=True, text=True).stdout.split()
        found[shown[0]] = shown[1:]
    return found


def files(facts, binary):
    """The image's tree, and the Debian packages that it has files of."""
    found = libraries(binary)
    whole = {"usr/bin/cairn": tree.file(binary.read_bytes(), 0o755)}
    for path, file in found:
        whole["usr/lib/" + re.sub(r"^/(usr/)?lib(64)?/?", "", path)] = tree.file(file.read_bytes(), 0o755)
    whole["lib"] = {"mode": 0o777, "link": "usr/lib"}
    whole["lib64"] = {"mode": 0o777, "link": "usr/lib"}
    # What the package brings, not what an administrator of this machine trusts besides.
    authorities = sorted(pathlib.Path("/usr/share/ca-certificates/mozilla").glob("*.crt"))
    bundle = b"".join(file.read_bytes().rstrip(b"\n") + b"\n" for file in authorities)
    whole["etc/ssl/certs/ca-certificates.crt"] = tree.file(bundle)
    whole["etc/passwd"] = tree.file(
        "root:x:0:0:root:/:/sbin/nologin\n"
        f"cairn:x:{ACCOUNT}:{ACCOUNT}:cairn:/{HOME}:/sbin/nologin\n".encode())
    whole["etc/group"] = tree.file(f"root:x:0:\ncairn:x:{ACCOUNT}:\n".encode())
    whole["etc/nsswitch.conf"] = tree.file(b"passwd: files\ngroup: files\nhosts: files dns\n")
    whole["tmp"] = {"mode": 0o1777}
    whole[HOME] = {"mode": 0o700, "owner": ACCOUNT}
    whole["usr/share/doc/cairn/THIRD-PARTY.txt"] = tree.file(licences.text(facts).encode())
    packages = owners([file for _, file in found] + authorities[:1])
    for package in packages:
        terms = pathlib.Path(f"/usr/share/doc/{package}/copyright")
        whole[f"usr/share/doc/{package}/copyright"] = tree.file(terms.read_bytes())
    return whole, packages


def documents(facts, layer):
    """Manifest and configuration, as bytes."""
    time = datetime.datetime.fromtimestamp(facts.epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "cairn", "org.opencontainers.image.version": facts.version,
        "org.opencontainers.image.revision": facts.commit, "org.opencontainers.image.created": time,
        "org.opencontainers.image.licenses": "Apache-2.0"}
    config = encode({
        "created": time, "architecture": facts.oci, "os": "linux",
        "config": {
            "User": f"{ACCOUNT}:{ACCOUNT}", "WorkingDir": f"/{HOME}",
            "Env": ["PATH=/usr/bin", f"HOME=/{HOME}", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Entrypoint": ["/usr/bin/cairn", "serve"], "Cmd": ["--listen", "0.0.0.0:5151", "--registry", "*"],
            "ExposedPorts": {"5151/tcp": {}}, "Volumes": {f"/{HOME}": {}}, "StopSignal": "SIGTERM",
            "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [name(layer)]},
        "history": [{"created": time, "created_by": "tools/package"}]})
    zipped = archive.zipped(layer)
    manifest = encode({
        "schemaVersion": 2, "mediaType": TYPES + "manifest.v1+json",
        "config": entry(TYPES + "config.v1+json", config),
        "layers": [entry(TYPES + "layer.v1.tar+gzip", zipped)],
        "annotations": labels})
    return manifest, config, zipped


def entry(kind, data):
    return {"mediaType": kind, "digest": name(data), "size": len(data)}


def name(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def registry(manifest, blobs):
    """A registry on loopback that has one image."""
    return FaultyRegistry({"cairn": Content(manifest, {name(blob): blob for blob in blobs})})


def build(facts, binary, out):
    """`cairn-image-VERSION-ARCHITECTURE.tar`, an OCI layout in an archive; returns it and its Debian
    packages.
    """
    whole, packages = files(facts, binary)
    manifest, config, layer = documents(facts, archive.tar(whole, facts.epoch))
    place = out / f"cairn-image-{facts.version}-{facts.oci}.tar"
    with tempfile.TemporaryDirectory() as folder, registry(manifest, [config, layer]) as server:
        subprocess.run(
            [binary, "pull", f"{server.host}/cairn", "--plain-http", "--quiet", "--store",
             f"{folder}/store",
             "--history", f"{folder}/history.sqlite", "--platform", f"linux/{facts.oci}",
             "--output", f"oci-archive:{place}:cairn:{facts.version}", "--overwrite"],
            check=True, stdout=subprocess.DEVNULL)
    return place, packages
