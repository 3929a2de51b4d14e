"""The 2017 experiment's clients, done again: layers one after the other, or by a pool of processes.

    seed_client.py http(s)://HOST/REPOSITORY:TAG FOLDER PROCESSES [CA-FILE]

As then: a token, the manifest, and one request with a connection of its own for each layer, hashed at the
end.
"""
import hashlib
import json
import multiprocessing
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request


def fetch(url, token, authority, accept=None):
    request = urllib.request.Request(url)
    if token:
        # Not sent on to where the blobs are: it is the registry's.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    if accept:
        request.add_header("Accept", accept)
    context = ssl.create_default_context(cafile=authority) if authority else None
    return urllib.request.urlopen(request, context=context)


def authorise(url, authority):
    """Asks the registry where tokens are, and gets one; None where it wants none."""
    try:
        fetch(url, None, authority, "application/vnd.oci.image.manifest.v1+json").close()
    except urllib.error.HTTPError as error:
        challenge = error.headers["WWW-Authenticate"]
        fields = dict(part.split("=", 1) for part in challenge[len("Bearer "):].split('",'))
        fields = {name: value.strip('"') for name, value in fields.items()}
        query = urllib.parse.urlencode(
                {name: fields[name] for name in ("service", "scope") if name in fields})
        with fetch(f"{fields['realm']}?{query}", None, authority) as answer:
            return json.load(answer)["token"]
    return None


def layer(work):
    base, digest, token, authority, folder = work
    sha = hashlib.sha256()
    with fetch(f"{base}/blobs/{digest}", token,
               authority) as answer, open(f"{folder}/{digest.replace(':', '-')}", "wb") as file:
        while data := answer.read(1 << 16):
            file.write(data)
            sha.update(data)
    return f"sha256:{sha.hexdigest()}" == digest


def main():
    url, folder, processes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    authority = sys.argv[4] if len(sys.argv) > 4 and sys.argv[4] else None
    parts = urllib.parse.urlsplit(url)
    repository, _, tag = parts.path.lstrip("/").rpartition(":")
    base = f"{parts.scheme}://{parts.netloc}/v2/{repository}"
    token = authorise(f"{base}/manifests/{tag}", authority)
    with fetch(f"{base}/manifests/{tag}", token, authority,
               "application/vnd.oci.image.manifest.v1+json") as answer:
        manifest = json.load(answer)
    digests = {part["digest"]: None for part in [*manifest["layers"], manifest["config"]]}
    work = [(base, digest, token, authority, folder) for digest in digests]
    if processes == 1:
        results = [layer(one) for one in work]
    else:
        with multiprocessing.Pool(processes) as pool:
            results = pool.map(layer, work, chunksize=1)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
