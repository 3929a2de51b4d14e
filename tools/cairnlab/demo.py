"""The second half of tools/demo: what Cairn saves where a server caps each connection, beside skopeo, and
what it has learned.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from cairnlab.registry import capped, images, servers

# One large layer leads, as in most images. Bytes a second of each connection, and of all of them together.
LAYERS = "96M,20M,8M,2M"
EACH, LINE = 8e6, 100e6


def show(command, folder):
    """Runs a command before the reader's eyes; the seconds that it took."""
    words = [str(word).replace(str(folder), "$TMP") for word in command]
    words[0] = pathlib.Path(words[0]).name
    print("\n$ " + " ".join(words), flush=True)
    began = time.monotonic()
    subprocess.run([str(word) for word in command], check=True)
    return time.monotonic() - began


def table(rows):
    slowest = max(seconds for _, seconds in rows)
    print("\nThe same image from the same server, which gives each connection 8 MB/s, and all together 100 "
          "MB/s:\n")
    for name, seconds in rows:
        bar = "#" * max(1, round(40 * seconds / slowest))
        print(f"  {name:<38} {seconds:5.1f} s  {bar}")


def pulls(cairn, port, folder):
    """The pulls, one after the other; rows of the table."""
    name = f"127.0.0.1:{port}/demo:latest"
    rows = []
    if shutil.which("skopeo"):
        copy = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{folder}/skopeo:demo"]
        rows.append(("skopeo, a connection for each layer", show(copy, folder)))
    for words, store in (("cairn, for the first time", "first"), ("cairn, when it knows the way", "second")):
        rows.append((words, show([cairn, "pull", name, "--store", folder / store], folder)))
    rows.append(("cairn, with the image in the store",
                 show([cairn, "pull", name, "--store", folder / store], folder)))
    show([cairn, "tune"], folder)
    if rows[0][0].startswith("skopeo"):
        print("\nWhat it has stored is an OCI image layout, that others read:", end="")
        show(["skopeo", "inspect", "--format", "{{.Digest}} {{.Architecture}}", f"oci:{folder}/first:{name}"],
             folder)
    return rows


def main():
    cairn = sys.argv[1]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cairn-demo-") as folder:
        # A demo is nothing to learn from: its history goes with it.
        os.environ["XDG_STATE_HOME"] = folder
        folder = pathlib.Path(folder)
        with servers.docker_registry(folder / "registry") as registry:
            print("\nmaking an image of 126 MiB, for a registry on loopback", flush=True)
            images.push(f"127.0.0.1:{registry}/demo:latest", images.Recipe(images.sizes(LAYERS)))
            with capped.relay(registry, EACH, LINE) as port:
                rows = pulls(cairn, port, folder)
    table(rows)
    print(f"\nThat took {time.monotonic() - began:.0f} s. The binary is {cairn}; put it on your PATH, for "
          f"example with:\n"
          f"  sudo install {cairn} /usr/local/bin/")


if __name__ == "__main__":
    main()
