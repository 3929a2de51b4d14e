"""The second half of tools/kit: the example pulls from a registry on loopback, twice, and something that is
not there.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from cairnlab.registry import images, servers


def run(example, image, store):
    """What the example printed; it must end well."""
    print(f"$ kit-example {image} STORE", flush=True)
    lines = subprocess.run([example, image, store], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    print(lines[-1])
    return lines


def main():
    example = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="cairn-kit-") as folder:
        folder = pathlib.Path(folder)
        os.environ["XDG_STATE_HOME"] = str(folder)
        with servers.docker_registry(folder / "registry") as registry:
            host = f"127.0.0.1:{registry}"
            images.push(f"{host}/kit:latest", images.Recipe(images.sizes("5M,1M")))
            first = run(example, f"{host}/kit", folder / "store")
            again = run(example, f"{host}/kit", folder / "store")
            missing = run(example, f"{host}/kit:missing", folder / "store")
        assert first[-1].startswith("sha256:") and " 0 bytes" not in first[-1] and len(first) > 1, first
        assert again[-1].endswith(": 3 blobs, 0 bytes fetched"), again
        assert missing[-1].startswith("there is no such image: "), missing
        assert (folder / "cairn/history.sqlite").exists(), "the history is the command's"


if __name__ == "__main__":
    main()
