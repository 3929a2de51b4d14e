"""What is looked at besides clients: the texts of --print-config, the metrics, and the table of all
results.
"""
import json
import shutil
import signal
import socket
import subprocess
import time
import tomllib
import urllib.request

from cairnlab.registry import servers
from cairnlab.serve import peers, scene
from cairnlab.serve.cases import expect, pulled
from cairnlab.serve.scene import USER

CLIENTS = ["containerd", "docker", "podman", "crio", "buildkit", "k3s", "kind"]


def parse(path, text):
    import yaml

    if path.endswith(".json"):
        return json.loads(text)
    return yaml.safe_load(text) if path.endswith(".yaml") else tomllib.loads(text)


def configurations(site):
    """Every text parses in its own format, for named registries and for all."""
    for options in (site.endpoint.options, ["--registry", "*"]):
        for client in CLIENTS:
            end = subprocess.run(
                [site.cairn, "serve", "--print-config", client, *options], capture_output=True, text=True)
            expect(end.returncode == 0, f"{client}: {end.stderr}")
            files = scene.sections(end.stdout)
            expect(files, f"{client}: no files in {end.stdout!r}")
            for path, text in files.items():
                try:
                    expect(parse(path, text), f"{client}: {path} is empty")
                except ValueError as error:
                    expect(False, f"{client}: {path}: {error}")


def metrics(site):
    """Prometheus' own parser reads them, and they say what happened."""
    from prometheus_client.parser import text_string_to_metric_families

    if site.endpoint.process is None:
        site.endpoint.start()
    kind, text = site.endpoint.metrics()
    expect(kind.startswith("text/plain"), kind)
    names = {family.name for family in text_string_to_metric_families(text)}
    for name in ["cairn_requests", "cairn_errors", "cairn_connections", "cairn_client_bytes",
                 "cairn_upstream_bytes",
                 "cairn_pool_workers", "cairn_waits", "cairn_cache_bytes", "cairn_cache_hits", "cairn_limit"]:
        expect(name in names, f"{name} is not in {sorted(names)}")


def hosts_file(folder, name, address):
    """A file of mirrors for `--hosts-dir`."""
    path = folder / name / "hosts.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
            f'server = "http://{name}"\n\n[host."http://{address}"]\n  capabilities = ["pull", "resolve"]\n')


def endpoint_by(site, folder, options=()):
    """An endpoint for the first registry, with mirrors of its own."""
    name = f"127.0.0.1:{site.public.port}"
    return scene.Endpoint(site.cairn, folder, [
        "--registry", name, "--plain-http", name, "--hosts-dir", str(folder / "hosts"), *options])


def behind_a_proxy(site):
    """A pull-through docker-registry stands before the registry: what it has not, it fetches, and nobody else
    asks there.
    """
    folder = site.folder / "proxy"
    name = f"127.0.0.1:{site.public.port}"
    with servers.docker_registry(folder / "registry", proxy=f"http://{name}") as port:
        hosts_file(folder / "hosts", name, f"127.0.0.1:{port}")
        site.public.relay.reset()
        with endpoint_by(site, folder) as endpoint:
            endpoint.start()
            for number in range(2):
                with peers.Skopeo(folder / f"skopeo{number}", endpoint) as peer:
                    pulled(peer, site.image)
        agents = {request.header("user-agent") for request in site.public.blob_requests()}
        expect(not any("cairn" in (agent or "") for agent in agents), f"the registry was asked by {agents}")


def beside_itself(site):
    """A file of mirrors names the endpoint itself, as containerd's does: it does not ask itself, and pulls
    all the same.
    """
    folder = site.folder / "itself"
    with endpoint_by(site, folder) as endpoint:
        hosts_file(folder / "hosts", f"127.0.0.1:{site.public.port}", f"127.0.0.1:{endpoint.port}")
        endpoint.start()
        with peers.Skopeo(folder / "skopeo", endpoint) as peer:
            pulled(peer, site.image)
        log = "".join(path.read_text() for path in folder.glob("serve-*.log"))
        expect("ns=" not in log, "it asked itself")


def own_address():
    """An address of this machine that is not loopback; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent.
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return None


def skopeo(endpoint, image, out, *options):
    host, _, name = image.name.partition("/")
    return peers.run(
        ["skopeo", "--insecure-policy", "copy", "-q", *options,
         f"docker://{endpoint.address}:{endpoint.port}/{host.replace(':', '__')}/{name}", f"dir:{out}"])


def encrypted(site):
    """Over TLS, also from what counts as another machine, where credentials are taken by TLS alone."""
    folder = site.folder / "tls"
    folder.mkdir(exist_ok=True)
    address = own_address() or "127.0.0.1"
    pair = servers.make_certificate(folder, address=address)
    trust = folder / "trust"
    trust.mkdir(exist_ok=True)
    shutil.copy(pair[0], trust / "ca.crt")
    options = site.endpoint.options
    with scene.Endpoint(site.cairn, folder / "one", options, pair, address) as endpoint:
        endpoint.start()
        certified = ["--src-cert-dir", trust]
        for image, credentials in ((site.image, ["--src-creds", USER]),
                                   (site.private_image, ["--src-creds", USER])):
            end = skopeo(endpoint, image, folder / "out", *certified, *credentials)
            expect(end.returncode == 0, f"skopeo: {end.stderr[-300:]}")
        for what, words in (("a stranger", [*certified, "--src-creds", "user:wrong"]), ("no trust", []),
                            ("plain HTTP", ["--src-tls-verify=false", "--src-creds", "user:wrong"])):
            end = skopeo(endpoint, site.private_image, folder / "out2", *words)
            expect(end.returncode != 0, f"{what} got it")
        with peers.Podman(folder / "podman", site.endpoint) as peer:
            host, _, name = site.private_image.name.partition("/")
            end = peers.run(peer.command(
                "pull", "-q", "--signature-policy",
                peer.write("policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}'),
                "--cert-dir", trust, "--creds", USER,
                f"{address}:{endpoint.port}/{host.replace(':', '__')}/{name}"))
            expect(end.returncode == 0, f"podman: {end.stderr[-300:]}")
        # A new certificate, by SIGHUP: who trusts the old one alone is not served any more.
        servers.make_certificate(folder, address=address)
        endpoint.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while skopeo(endpoint, site.image, folder / "out3", *certified).returncode == 0:
            expect(time.monotonic() < end, "the old certificate is still shown")
    if address == "127.0.0.1":
        return
    with scene.Endpoint(site.cairn, folder / "two", options, address=address) as endpoint:
        endpoint.start()
        end = skopeo(endpoint, site.private_image, folder / "out4", "--src-tls-verify=false", "--src-creds",
                     USER)
        expect(end.returncode != 0, "credentials of another machine were taken without TLS")


def passed_socket(site):
    """A socket that systemd has made: the service starts with its first client."""
    if not shutil.which("systemd-socket-activate"):
        return
    port, name = servers.free_port(), f"127.0.0.1:{site.public.port}"
    log = open(site.folder / "activated.log", "wb")
    process = subprocess.Popen(
        ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "-E", f"HOME={site.folder / 'activated'}",
         site.cairn, "serve",
         "--registry", name, "--plain-http", name, "--store", site.folder / "activated/store", "--history",
         site.folder / "activated/history.sqlite"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        servers.wait_for_port(port, process)
        target = f"http://127.0.0.1:{port}/v2/demo/manifests/latest?ns={name}"
        with urllib.request.urlopen(target, timeout=20) as answer:
            expect(answer.headers["Docker-Content-Digest"], "no digest")
    except OSError as error:
        expect(False, f"{error}: {(site.folder / 'activated.log').read_text()[-300:]}")
    finally:
        process.terminate()
        process.wait(40)


def all(site):
    return [("print-config", lambda: configurations(site)), ("metrics", lambda: metrics(site)),
            ("behind a proxy", lambda: behind_a_proxy(site)), ("names itself", lambda: beside_itself(site)),
            ("socket passed", lambda: passed_socket(site)), ("TLS", lambda: encrypted(site))]


def table(results):
    """Client x case, as Markdown."""
    cases = list(dict.fromkeys(case for _, case, _ in results))
    clients = list(dict.fromkeys(client for client, _, _ in results))
    found = {(client, case): result.split(":")[0] for client, case, result in results}
    lines = ["| client | " + " | ".join(cases) + " |", "|---" * (len(cases) + 1) + "|"]
    lines += [f"| {client} | " + " | ".join(found.get((client, case), "-") for case in cases) + " |"
              for client in clients]
    return "\n".join(lines)
