"""Real servers and machines whose limit is known, and what a pull says of them: the runs of
tools/verdicts.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

from cairnlab import places
from cairnlab.link import lab
from cairnlab.registry import images, servers, slow_server

CAIRN = os.environ.get("CAIRN") or str(places.ROOT / ".build/release/cairn")

# What a pull says that cannot tell.
SILENT = ("tooShort", "notClear")
# A pull that has not ended by then has failed.
PATIENCE = 90


@dataclasses.dataclass(frozen=True)
class Case:
    """What limits a pull, a server (lines of nginx for its blobs, or what a slow server is told), and a pull
    of it.
    """
    truth: str
    layers: str
    nginx: str = ""
    # What limits together with that, so that it is as true.
    also: str = ""
    slow: dict | None = None
    options: tuple = ()
    # What the machine is like: a slow disk's bytes a second, or the number of programs that want the pull's
    # CPU.
    disk: int | None = None
    busy: int = 0


CASES = {
    # By the second, and for each request.
    "nginx-100k": Case("perConnection", "24M,12M,6M,2M,1M", "limit_rate 100k;"),
    "nginx-200k": Case("perConnection", "60M,20M,8M,4M", "limit_rate 200k;"),
    "nginx-500k": Case("perConnection", "120M,50M,20M,8M", "limit_rate 500k;"),
    "smooth-100k": Case("perConnection", "24M,12M,6M,2M,1M", slow={"each": 100e3}),
    "smooth-300k": Case("perConnection", "70M,36M,16M,8M,1M", slow={"each": 300e3}),
    "total-8m": Case("server", "40M,20M,8M,2M,1M", slow={"rate": 8e6}),
    "total-20m": Case("server", "100M,50M,20M,8M,1M", slow={"rate": 20e6}),
    "refuses-6": Case("refusals", "30M,12M,6M,2M,1M", "limit_rate 1000k; limit_conn blobs 6;",
                      also="perConnection"),
    "refuses-12": Case("refusals", "30M,20M,10M,2M,1M", "limit_rate 600k; limit_conn blobs 12;",
                       also="perConnection"),
    "overloaded-8": Case("overload", "60M,30M,8M,2M,1M",
                         slow={"beyond": 8, "slope": 0.08, "peak": 12e6, "each": 1.5e6}),
    "slow-disk": Case("disk", "40M,20M,8M,2M,1M", disk=8_000_000),
    "busy-cpu": Case("cpu", "300M,150M,40M", busy=6),
    "limit-rate": Case("limitRate", "30M,12M,6M,2M,1M", options=("--limit-rate", "6M")),
    "limit-rate-nginx": Case("limitRate", "16M,6M,2M,1M", "limit_rate 200k;", options=("--limit-rate", "3M")),
    "limit-rate-total": Case("limitRate", "16M,6M,2M,1M", slow={"rate": 8e6}, options=("--limit-rate", "3M")),
    "max-8-nginx": Case("maxWorkers", "6M,3M,1M", "limit_rate 200k;", options=("--max-workers", "8")),
    "max-16-smooth": Case("maxWorkers", "20M,12M,3M,1M", slow={"each": 300e3},
                          options=("--max-workers", "16")),
    "max-4-total": Case("server", "16M,8M,2M,1M", slow={"rate": 4e6}, options=("--max-workers", "8")),
}


def told(case, last, is_warm):
    """What a pull said, by the last line of its progress."""
    said = last.get("limitCause")
    return {
        "truth": said if said and said == case.also else case.truth, "said": said,
        "words": last.get("limitedBy"),
        "seconds": last["seconds"], "warm": is_warm, "workers": last["poolSize"],
        "evidence": last.get("limitEvidence")}


def section(port, registry, data, case, folder):
    """nginx's part: it serves blobs itself, or passes requests for them on to a slow server."""
    passed = ("proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;\n"
              "proxy_pass http://slow;")
    own = (
        f"alias {data}/docker/registry/v2/blobs/sha256/$1/$1$2/data; default_type application/octet-stream;")
    return f"""
limit_conn_zone $server_addr zone=blobs:1m; limit_conn_status 429;
upstream slow {{ server unix:{folder}/slow; keepalive 64; }}
server {{
  listen 127.0.0.1:{port} backlog=1024;
  location ~ ^/v2/.+/blobs/sha256:(..)(.*)$ {{ {case.nginx} {passed if case.slow else own} }}
  location / {{ proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:{registry}; }}
}}
"""


@contextlib.contextmanager
def busy(count):
    """So many programs that never rest, on the last CPU."""
    last = max(os.sched_getaffinity(0))
    loops = [
        subprocess.Popen(["taskset", "-c", str(last), sys.executable, "-c", "while True: pass"],
                         preexec_fn=lab.die_with_parent)
        for _ in range(count)]
    try:
        yield ["taskset", "-c", str(last)] if count else []
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


class Bench:
    """Runs cases in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.pushed = {}
        self.preload = self.folder / "slow_disk.so"
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", self.preload,
             pathlib.Path(__file__).parent / "slow_disk.c", "-ldl"],
            check=True)

    def image(self, registry, layers):
        """The name of an image of these layers; pushed where it is not there yet."""
        if layers not in self.pushed:
            name = f"verdicts/{len(self.pushed)}"
            images.push(f"127.0.0.1:{registry}/{name}:latest",
                        images.Recipe(images.sizes(layers), seed=layers))
            self.pushed[layers] = name
        return self.pushed[layers]

    def run(self, name, colds, warms):
        """Pulls without a history, then with what the first of these taught; yields what each said."""
        case = CASES[name]
        here = self.folder / name
        here.mkdir()
        with servers.docker_registry(here / "registry", data=self.data) as registry:
            image = self.image(registry, case.layers)
            if case.slow:
                slow_server.SlowServer(here / "slow", self.data,
                                       **{"beyond": 10**6, "slope": 0, "peak": 0} | case.slow)
            port = servers.free_port()
            with servers.nginx(here / "nginx", section(port, registry, self.data, case, here),
                               port), busy(case.busy) as prefix:
                for number in range(colds + warms):
                    history = here / (f"cold-{number}" if number < colds else "cold-0")
                    yield self.pull(case, f"127.0.0.1:{port}/{image}:latest", here, history, prefix,
                                    number >= colds)
        shutil.rmtree(here, ignore_errors=True)

    def pull(self, case, reference, here, history, prefix, is_warm):
        environment = dict(os.environ)
        if case.disk:
            environment |= {"LD_PRELOAD": str(self.preload), "SLOW_DISK": str(case.disk)}
        store = here / "store"
        done = subprocess.run(
            [*prefix, CAIRN, "pull", reference, "--store", store, "--history", f"{history}.sqlite",
             "--progress", "json",
             *case.options], env=environment, capture_output=True, text=True, timeout=PATIENCE)
        shutil.rmtree(store, ignore_errors=True)
        if done.returncode != 0:
            raise SystemExit(f"a pull failed: {done.stderr[-2000:]}")
        return told(case, json.loads(done.stdout.strip().splitlines()[-1]), is_warm)


@dataclasses.dataclass(frozen=True)
class LabCase:
    """What limits pulls over an emulated link: a model with some fields changed, what nginx gives each
    request, an image.
    """
    truth: str
    model: str
    layers: str
    limit_rate: str | None = None
    also: str = ""
    changes: dict = dataclasses.field(default_factory=dict)
    options: tuple = ()


LAB_CASES = {
    "lab-home-100": LabCase("line", "home-100", "40M,20M,8M,2M,1M"),
    "lab-shallow-buffer": LabCase("line", "shallow-buffer", "80M,40M,16M,2M,1M"),
    "lab-cap-smooth": LabCase(
        "perConnection", "home-100", "40M,20M,8M,2M,1M",
        changes={"bandwidthMbit": 200, "perConnectionMbit": 1}),
    "lab-cap-nginx": LabCase("perConnection", "home-100", "40M,20M,8M,2M,1M", "150k"),
    "lab-limit-12": LabCase("refusals", "limit-12", "40M,20M,8M,2M,1M"),
    "lab-overload-10": LabCase("overload", "overload-10", "90M,40M,16M,8M,2M"),
    "lab-limit-rate": LabCase("limitRate", "home-100", "20M,10M,4M,1M", options=("--limit-rate", "5M")),
    "lab-max-4": LabCase(
        "maxWorkers", "home-100", "3M,2M,1M", changes={"bandwidthMbit": 200, "perConnectionMbit": 2},
        options=("--max-workers", "4")),
}


class LabBench:
    """Runs cases of the link lab; the process must be inside."""

    IMAGE = "verdicts/lab"

    def run(self, name, colds, warms):
        """As `Bench.run`."""
        from cairnlab.bench import pulls
        case = LAB_CASES[name]
        folder = pathlib.Path(lab.PRIVATE) / "verdicts"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model = lab.variant(case.model, folder / "model.json", **case.changes)
        data = folder / "data"
        pulls.push(folder, data, self.IMAGE, case.layers)
        with lab.Lab(model, folder / "lab", data, limit_rate=case.limit_rate) as one:
            for number in range(colds + warms):
                history = folder / f"history-{number if number < colds else 0}.sqlite"
                one.quiet()
                one.restart(number + 1)
                pull = pulls.Pull(one, self.IMAGE, folder / "run", history, *case.options)
                if not pull.wait(PATIENCE):
                    raise SystemExit(f"a pull failed: {pull.error}")
                last = pull.events()[-1][1]
                shutil.rmtree(folder / "run")
                yield told(case, last, number >= colds)
        shutil.rmtree(folder, ignore_errors=True)
