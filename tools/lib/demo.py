"""The second half of tools/demo: a registry on loopback, a sample image, a pull, and what came of it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import servers

TOOLS = pathlib.Path(__file__).resolve().parent.parent


def show(command):
    print("\n$ " + " ".join(["cairn", *command[1:]] if command[0].endswith("/cairn") else command), flush=True)
    subprocess.run(command, check=True)


def main():
    cairn = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="cairn-demo-") as folder:
        # A demo is nothing to learn from: its history goes with it.
        os.environ["XDG_STATE_HOME"] = folder
        folder = pathlib.Path(folder)
        with servers.docker_registry(folder / "registry") as registry:
            # A line that gives each connection 8 MB/s, as many servers do: workers add up.
            port = servers.free_port()
            with servers.nginx(folder / "nginx", servers.throttled(port, registry, "8m"), port):
                name = f"127.0.0.1:{port}/demo:latest"
                subprocess.run(
                    [sys.executable, TOOLS / "image", "push", f"http://127.0.0.1:{registry}/demo:latest", "--layers",
                     "40M,12M,3M,700K,90K", "--platforms", "linux/amd64,linux/arm64"],
                    check=True, stdout=subprocess.DEVNULL)
                store = ["--store", str(folder / "store")]
                show([cairn, "pull", name, *store])
                show([cairn, "pull", name, *store])
                show([cairn, "tune", "--report"])
                show([cairn, "inspect", name])
                show([cairn, "store", "list", *store])
                show([cairn, "store", "verify", *store])
                if shutil.which("skopeo"):
                    show(["skopeo", "inspect", "--format", "{{.Digest}} {{.Architecture}}", f"oci:{folder}/store:{name}"])
    print(f"\nThe binary is {cairn}; put it on your PATH, for example with:\n"
          f"  sudo install {cairn} /usr/local/bin/")


if __name__ == "__main__":
    main()
