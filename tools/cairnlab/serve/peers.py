"""The clients that pull through `cairn serve`: each with a folder, and a daemon, of its own.

`pull` runs one pull to its end and says how it ended; `found` are the digests that the client has then.
"""
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from cairnlab import places


def run(command, seconds=120, **options):
    try:
        return subprocess.run(
            [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=seconds,
            **options)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, None, "", f"not done after {seconds} s: {error.stderr}")


class Peer:
    """A client. `kind` is its word for `--print-config`, `form` how it names registries in requests."""
    name: str | None = None
    kind: str | None = None
    form: str | None = None
    packages: list[str] = []
    # Whether it gives its credentials to an endpoint.
    is_private = True

    def __init__(self, folder, endpoint, alone=True):
        self.folder, self.endpoint = pathlib.Path(folder), endpoint
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.files = endpoint.configuration(self.kind, recorded=alone)
        if alone:
            self.files = {path: self.cut_off(text) for path, text in self.files.items()}

    def cut_off(self, text):
        """The text with a way to the registry that nobody answers on: what is pulled comes through the
        endpoint.
        """
        text = re.sub(r'^server = ".*"$', 'server = "http://127.0.0.1:9"', text, flags=re.MULTILINE)
        # Each its own: settings of one location may not differ.
        dead = itertools.count(1)
        return re.sub(
            r'^location = "[^"/]*"$', lambda _: f'location = "127.0.0.{next(dead)}:9"', text,
            flags=re.MULTILINE)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class ContainersImage(Peer):
    """podman, skopeo, buildah: credentials belong to the mirror's own name and path."""
    kind, form = "podman", "path"

    def __init__(self, folder, endpoint, alone=True):
        super().__init__(folder, endpoint, alone)
        self.registries = self.write("registries.conf", "\n".join(self.files.values()))
        self.environment = {**os.environ, "CONTAINERS_REGISTRIES_CONF": str(self.registries),
                            "REGISTRY_AUTH_FILE": str(self.folder / "auth.json"), "HOME": str(self.folder)}

    def login(self, image, credentials):
        import base64

        host = image.split("/")[0].replace(":", "__")
        auths = {}
        if credentials:
            auths[f"{self.endpoint.relay.address}:{self.endpoint.port}/{host}"] = {
                "auth": base64.b64encode(credentials.encode()).decode()}
        self.write("auth.json", json.dumps({"auths": auths}))


class Skopeo(ContainersImage):
    name, packages = "skopeo", ["skopeo"]

    def pull(self, image, credentials=None):
        self.login(image, credentials)
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        return run(
            ["skopeo", "--registries-conf", self.registries, "--insecure-policy", "copy", "-q",
             f"docker://{image}",
             f"dir:{out}"], env=self.environment)

    def found(self, image):
        import hashlib

        return {"sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
                for path in (self.folder / "out").iterdir() if path.name != "version"}

    def expected(self, image):
        return {image.manifest, *image.blobs}


class Podman(ContainersImage):
    name, packages = "podman", ["podman"]

    def command(self, *words):
        return ["podman", "--root", self.folder / "root", "--runroot", self.folder / "run",
                "--storage-driver", "vfs",
                "--cgroup-manager", "cgroupfs", "--events-backend", "file", *words]

    def pull(self, image, credentials=None):
        self.login(image, credentials)
        policy = self.write("policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        return run(self.command("pull", "-q", "--signature-policy", policy, image), env=self.environment)

    def found(self, image):
        shown = run(self.command("image", "inspect", image), env=self.environment)
        document = json.loads(shown.stdout)[0]
        return {f"sha256:{document['Id']}", document["Digest"]}

    def expected(self, image):
        return {image.config, image.index}

    def __exit__(self, *exception):
        run(self.command("system", "reset", "--force"), env=self.environment)


class Containerd(Peer):
    """A containerd with its files in the peer's folder."""
    kind, form = "containerd", "query"
    packages = ["containerd", "runc"]

    def __init__(self, folder, endpoint, alone=True):
        super().__init__(folder, endpoint, alone)
        self.hosts = self.folder / "certs.d"
        for path, text in self.files.items():
            if path.endswith("hosts.toml"):
                self.write(path.replace("/etc/containerd/", ""), text)
            else:
                # What it prints for config.toml, with the folder's own paths around it.
                self.plugin = text.replace("version = 2\n",
                                           "").replace("/etc/containerd/certs.d", str(self.hosts))
        # A socket's path may have 107 characters.
        self.socket = pathlib.Path(f"/run/cairn-{os.getpid()}-{self.folder.name}.sock")
        self.config = self.write("config.toml", f"""version = 2
root = "{self.folder}/root"
state = "{self.folder}/state"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
{self.plugin}""")

    def __enter__(self):
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            ["containerd", "-c", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while run(["ctr", "-a", self.socket, "version"]).returncode != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"containerd: {(self.folder / 'log').read_text()[-1000:]}")
            time.sleep(0.1)
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(20)
        self.socket.unlink(missing_ok=True)
        pathlib.Path(f"{self.socket}.ttrpc").unlink(missing_ok=True)

    def ctr(self, *words):
        return run(["ctr", "-a", self.socket, *words])

    def blobs(self, namespace):
        return {line.split()[0]
                for line in self.ctr("-n", namespace, "content", "ls").stdout.splitlines()[1:]}

    def expected(self, image):
        return {image.index, image.manifest, *image.blobs}


class Ctr(Containerd):
    name = "containerd: ctr"

    def pull(self, image, credentials=None):
        user = ["--user", credentials] if credentials else []
        return self.ctr("images", "pull", "--snapshotter", "native", "--hosts-dir", self.hosts, *user, image)

    def found(self, image):
        return self.blobs("default")


class Cri(Containerd):
    name = "containerd: CRI"

    def pull(self, image, credentials=None):
        user = [credentials] if credentials else []
        return run([*places.program("serve.cri"), self.socket, image, *user])

    def found(self, image):
        return self.blobs("k8s.io")


class Docker(Peer):
    """Debian's docker: the older store, whose mirrors are Docker Hub's, and whose requests name no
    registry.
    """
    name, kind, form = "docker 20.10", "docker", "plain"
    packages = ["docker.io"]
    is_private = False

    def __init__(self, folder, endpoint, alone=True):
        super().__init__(folder, endpoint, alone)
        self.socket = f"/run/cairn-{os.getpid()}-{self.folder.name}.sock"
        self.program = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker"
        self.config = self.write("daemon.json", self.files["/etc/docker/daemon.json"])

    def __enter__(self):
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            ["dockerd", "--config-file", self.config, "--data-root", self.folder / "data", "--exec-root",
             self.folder / "exec", "--pidfile", self.folder / "pid", "-H", f"unix://{self.socket}",
             "--iptables=false",
             "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 40
        while self.docker("version").returncode != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"dockerd: {(self.folder / 'log').read_text()[-1000:]}")
            time.sleep(0.2)
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(30)

    def docker(self, *words):
        return run([self.program, "-H", f"unix://{self.socket}", *words])

    def pull(self, image, credentials=None):
        return self.docker("pull", "-q", docker_hub(image))

    def found(self, image):
        shown = self.docker("image", "inspect", docker_hub(image))
        document = json.loads(shown.stdout)[0]
        return {document["Id"], *[name.partition("@")[2] for name in document["RepoDigests"]]}

    def expected(self, image):
        return {image.config, image.index}


def docker_hub(image):
    """An image's name at Docker Hub, which the endpoint is told to find at the registry of the lab."""
    return "docker.io/library/" + image.partition("/")[2].rpartition("/")[2]


ALL = [Skopeo, Podman, Ctr, Cri, Docker]
