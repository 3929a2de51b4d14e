"""Fetches an image with a plain downloader, as scripts do that people write for it.

    by_hand.py http(s)://HOST/REPOSITORY:TAG FOLDER CA-FILE|- curl|aria2c [OPTION ...]

One connection brings the token and the manifest; then this process becomes the downloader, which gets the
addresses of the blobs at the registry, the token, and follows redirects. Nothing is verified.
"""
import http.client
import json
import os
import ssl
import sys
import urllib.parse


def get(connection, path, headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


def main():
    url, folder, authority, program, *options = sys.argv[1:]
    parts = urllib.parse.urlsplit(url)
    repository, _, tag = parts.path.lstrip("/").rpartition(":")
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.netloc,
                                                 context=ssl.create_default_context(cafile=authority))
    else:
        connection = http.client.HTTPConnection(parts.netloc)
    # Whoever writes such a script knows where the registry's tokens are, and asks there first.
    answer, body = get(connection, f"/token?service=test-registry&scope=repository:{repository}:pull", {})
    token = json.loads(body)["token"] if answer.status == 200 else None
    headers = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    answer, body = get(connection, f"/v2/{repository}/manifests/{tag}", headers)
    if answer.status != 200:
        raise SystemExit(f"the manifest: HTTP {answer.status}")
    manifest = json.loads(body)
    os.makedirs(folder, exist_ok=True)
    base = f"{parts.scheme}://{parts.netloc}/v2/{repository}/blobs"
    blobs = {part["digest"]: f"{base}/{part['digest']}" for part in [*manifest["layers"], manifest["config"]]}
    header = [f"Authorization: Bearer {token}"] if token else []
    listing = f"{folder}/list"
    with open(listing, "w") as file:
        for digest, address in blobs.items():
            name = digest.replace(":", "-")
            file.write(f'url = "{address}"\noutput = "{folder}/{name}"\n' if program == "curl"
                       else f"{address}\n out={name}\n")
    if program == "curl":
        trust = ["--cacert", authority] if parts.scheme == "https" else []
        command = ["curl", "-q", "-sSL", "--fail", *trust, *(f"-H{one}" for one in header), *options, "-K",
                   listing]
    else:
        trust = [f"--ca-certificate={authority}"] if parts.scheme == "https" else []
        command = ["aria2c", "-q", "--no-conf=true", "--disable-ipv6=true", *trust,
                   *(f"--header={one}" for one in header),
                   *options, "-d", folder, "-i", listing]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
