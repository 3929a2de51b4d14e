"""The fault matrix of tools/faults: each case is a fault, what has to come of it, and in how many seconds."""
import contextlib
import errno
import pathlib
import random
import subprocess
import threading

from cairnlab.faults.runs import (
    DISK,
    INTEGRITY,
    NETWORK,
    NOT_FOUND,
    UNAUTHORISED,
)
from cairnlab.faults.scene import REPOSITORY, TWICE, Case
from cairnlab.registry import servers

# What a pull gets over as often as it comes.
SURVIVED = [
    "reset", "cut head", "cut body", "reset body", "last byte", "stall", "silence", "trickle",
    "200 for a range", "206 of another range",
    "206 that overlaps", "206 without Content-Range", "206 of fewer bytes", "416", "408", "429",
    "429 in seconds",
    "429 at a date", "429 of nonsense", "500", "502", "503", "504", "shorter body", "longer body",
    "gzip in transit",
    "not HTTP", "captive portal",
]


def answers(fault, count=3, kind="blob", most=None, options=("--stall-timeout", "2"), **server):
    def run(scene, stack):
        scene.serve(stack, scene.every(fault, count, kind, most), **server)
        return scene.pull(*options)
    return run


def answer_cases():
    # Who sends all of a blob in place of a range is taken at its word, also where parts of it are here; who
    # refuses a range is asked for all of it.
    cases = [Case("each third blob request", fault, answers(fault),
                  twice=TWICE + (6 << 20 if fault in ("200 for a range", "416") else 0))
             for fault in SURVIVED]
    cases += [Case("the first six blob requests", fault, answers(fault, 1, most=6))
              for fault in ("reset", "cut body", "429 in seconds", "503", "504", "200 for a range")]
    cases += [Case("the first two manifest requests", fault, answers(fault, 1, "manifest", most=2))
              for fault in ("reset", "cut head", "cut body", "stall", "silence", "429 in seconds", "500",
                            "503")]
    cases += [Case("the first two token requests", fault, answers(fault, 1, "token", most=2, token=True))
              for fault in ("reset", "cut body", "silence", "429 in seconds", "500", "503")]
    always = [("404", NOT_FOUND, "blob"), ("500", NETWORK, "a fault"), ("429 for a day", NETWORK, "86400"),
              ("redirect in a circle", NETWORK, "redirect"), ("redirect to a file", NETWORK, "refused"),
              ("redirect to metadata", NETWORK, "refused"), ("flipped bit", INTEGRITY, "digest"),
              ("captive portal", (NETWORK, INTEGRITY), ""), ("401", UNAUTHORISED, ""),
              ("403", UNAUTHORISED, ""),
              ("cut head", NETWORK, ""), ("silence", NETWORK, ""), ("not HTTP", NETWORK, "")]
    cases += [Case("every blob request", fault,
                   answers(fault, 1, options=("--stall-timeout", "2", "--retries", "3")), code, said, 120)
              for fault, code, said in always]
    cases += [Case("each third blob request, TLS", fault, answers(fault, certificate=True))
              for fault in ("reset", "cut head", "cut body", "last byte", "stall", "not HTTP")]
    # A digest does not say where the damage is: the whole blob is fetched again, and only that.
    cases += [Case("one blob request", "flipped bit", answers("flipped bit", 1, most=1)),
              Case("one range of a layer", "flipped bit", one_range("flipped bit"), twice=TWICE + (6 << 20)),
              Case("one blob", "404", one_blob("404"), NOT_FOUND)]
    return cases


def one_range(fault):
    def run(scene, stack):
        def plan(request):
            with scene.lock:
                if request.digest != scene.image.layers[0] or not request.range or request.range[
                    0] == 0 or scene.seen:
                    return None
                scene.seen += 1
                return fault
        scene.serve(stack, plan)
        return scene.pull()
    return run


def one_blob(fault):
    def run(scene, stack):
        lost = scene.image.layers[1]
        scene.serve(stack, lambda request: fault if request.digest == lost else None)
        return scene.pull()
    return run


# MARK: Connections, names, certificates

def refused(scene, stack):
    """Nobody is there, as far as anybody can tell: it is not waited for."""
    scene.serve(stack).refuse()
    scene.happenings.append(lambda: True)
    return scene.pull("--retries", "4")


def refused_midway(seconds):
    def run(scene, stack):
        def outage():
            scene.server.refuse()
            scene.server.drop(1.0)
            scene.later(seconds, scene.server.admit)
        scene.serve(stack, rate=1 << 20)
        scene.later(0.7, outage)
        return scene.pull()
    return run


def unknown_name(scene, stack):
    server = scene.serve(stack)
    scene.happenings.append(lambda: not server.requests)
    command = scene.puller.command(server, REPOSITORY)
    command[2] = f"no-such-host.invalid/{REPOSITORY}"
    return scene.pull(command=[*command, "--retries", "2"])


def untrusted(scene, stack):
    server = scene.serve(stack, certificate=scene.bench.certificate)
    scene.happenings.append(lambda: not server.requests)
    return scene.pull(command=[word for word in scene.puller.command(server, REPOSITORY)
                               if word not in ("--ca-file", scene.bench.certificate[0])])


def expires_midway(scene, stack):
    server = scene.serve(stack, certificate=scene.bench.certificate, rate=1 << 20)

    def swap():
        server.certificate = scene.bench.expired
        server.drop(1.0)
    command = scene.puller.command(server, REPOSITORY, "--workers", "4")
    command[command.index("--ca-file") + 1] = both = scene.folder / "both.pem"
    both.write_bytes(b"".join(pathlib.Path(one[0]).read_bytes()
                                            for one in (scene.bench.certificate, scene.bench.expired)))
    scene.later(0.7, swap)
    return scene.pull(command=command)


def killed_each_second(scene, stack):
    server = scene.serve(stack, rate=300 << 10)
    over, chooser, killed = threading.Event(), random.Random(scene.bench.seed), []

    def kill():
        while not over.wait(1):
            killed.append(server.drop(0.5, chooser))
    scene.happenings.append(lambda: sum(killed) >= 4)
    threading.Thread(target=kill, daemon=True).start()
    stack.callback(over.set)
    return scene.pull()


def frozen(seconds):
    """Every connection stays open and nothing comes."""
    def run(scene, stack):
        scene.serve(stack, rate=1 << 20)
        scene.later(0.7, scene.server.gate.clear)
        scene.later(0.7 + seconds, scene.server.gate.set)
        return scene.pull("--stall-timeout", "2")
    return run


def link_gone(seconds):
    """Packets to and from the server vanish: a cable that is out."""
    def run(scene, stack):
        def rule(*words):
            subprocess.run(["nft", *words], check=True, capture_output=True)

        def away():
            rule("add", "chain", "inet", "outage", "input", "{ type filter hook input priority 0; }")
            for side in ("sport", "dport"):
                rule("add", "rule", "inet", "outage", "input", "tcp", side, str(scene.server.port), "drop")
        rule("add", "table", "inet", "outage")
        stack.callback(subprocess.run, ["nft", "delete", "table", "inet", "outage"], capture_output=True)
        scene.serve(stack, rate=1 << 20)
        scene.later(0.7, away)
        scene.later(0.7 + seconds, lambda: rule("flush", "chain", "inet", "outage", "input"))
        return scene.pull("--stall-timeout", "5")
    return run


def proxy_dies(comes_back):
    """The server is its own proxy here, under a name that only the proxy knows."""
    def run(scene, stack):
        server = scene.serve(stack, rate=1 << 20)
        command = scene.puller.command(server, REPOSITORY, "--workers", "4", "--retries", "4")
        command[2] = f"registry.test/{REPOSITORY}"

        def death():
            server.refuse()
            server.drop(1.0)
            if comes_back:
                scene.later(2, server.admit)
        scene.later(0.7, death)
        outcome = scene.pull(command=command, environment={"http_proxy": server.origin})
        if not comes_back:
            # The next pull goes straight to the server, under its own name.
            scene.problems += [] if "proxy" in outcome.words or "connect" in outcome.words else [
                outcome.words]
        return outcome
    return run


def connection_cases():
    return [
        Case("connections", "refused from the first on", refused, NETWORK, "connect"),
        Case("connections", "all cut, refused for 4 s in the middle", refused_midway(4), least=4.7),
        Case("connections", "half of them killed each second", killed_each_second, limit=120),
        Case("connections", "all silent for 8 s", frozen(8), least=8.7),
        Case("names", "a name that does not exist", unknown_name, NETWORK, "resolve"),
        Case("TLS", "a certificate that nobody trusts", untrusted, NETWORK, "certificate"),
        Case("TLS", "a certificate that expires in the middle", expires_midway, NETWORK, "expired"),
        Case("proxy", "dies and comes back", proxy_dies(True), least=2.7),
        Case("proxy", "dies", proxy_dies(False), NETWORK),
    ]


def link_cases():
    return [Case("link", "gone for 20 s", link_gone(20), limit=120, least=20.7)]


# MARK: Tokens and redirects

def tokens_expire(scene, stack):
    def plan(request):
        # Each twelfth: a server that ends tokens more often than four workers can ask for new ones serves
        # nobody.
        if request.kind == "blob" and request.number % 12 == 0:
            scene.server.tokens = set()
        return None
    server = scene.serve(stack, plan, token=True)
    scene.happenings.append(lambda: server.token_count >= 2)
    return scene.pull()


def token_server(delay):
    def run(scene, stack):
        server = scene.serve(stack, token=True)
        if delay is None:
            server.realm = f"http://127.0.0.1:{servers.free_port()}/token"
            scene.happenings.append(lambda: server.token_count == 0)
        else:
            server.plan = lambda request: ("late", delay) if request.kind == "token" else None
        return scene.pull("--retries", "3")
    return run


def signatures_expire(scene, stack):
    def plan(request):
        if request.number % 4 == 0:
            origin.signatures = set()
        return None
    origin = scene.serve(stack, plan)
    scene.serve(stack, token=True, blob_origin=origin)
    scene.happenings.append(lambda: any(request.status == 403 for request in origin.requests))
    outcome = scene.pull("--creds", "user:secret")
    if any("authorization" in request.headers for request in origin.requests):
        scene.problems.append("credentials went to another origin")
    return outcome


def origin_dies(scene, stack):
    origin = scene.serve(stack, rate=1 << 20)
    scene.serve(stack, token=True, blob_origin=origin)

    def outage():
        origin.refuse()
        origin.drop(1.0)
        scene.later(3, origin.admit)
    scene.later(0.7, outage)
    return scene.pull()


def leaves_tls(scene, stack):
    origin = scene.serve(stack)
    server = scene.serve(stack, certificate=True, blob_origin=origin)
    scene.happenings.append(lambda: any(request.status == 307 for request in server.requests))
    outcome = scene.pull("--creds", "user:secret")
    if origin.requests:
        scene.problems.append("a blob was asked for without TLS")
    return outcome


def token_cases():
    return [
        Case("tokens", "401 in the middle: tokens end", tokens_expire),
        Case("tokens", "the token server is slow (3 s)", token_server(3), least=3),
        Case("tokens", "the token server is down", token_server(None), (NETWORK, UNAUTHORISED), "token"),
        Case("redirects", "403: signed addresses expire; credentials at hand", signatures_expire),
        Case("redirects", "the other origin is gone for 3 s", origin_dies, least=3.7),
        Case("redirects", "from TLS to plain HTTP; credentials at hand", leaves_tls, NETWORK,
             "would leave TLS"),
    ]


# MARK: The machine

def disk(mebibytes, fill=False, readonly=False):
    """A file system too small, filled meanwhile, or read-only."""
    def run(scene, stack):
        folder = scene.folder / "disk"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder], check=True)
        stack.callback(subprocess.run, ["umount", "-l", folder], capture_output=True)
        scene.puller.store = folder / "store"
        scene.serve(stack, rate=1 << 20)
        filler = folder / "filler"
        if fill:
            def write():
                with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                    while True:
                        file.write(bytes(1 << 16))
            scene.later(0.7, write)
        else:
            scene.happenings.append(lambda: True)
        if readonly:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        outcome = scene.pull()
        subprocess.run(["mount", "-o", "remount,rw,size=64m", folder], check=True)
        filler.unlink(missing_ok=True)
        return outcome
    return run


def failing(call, error, after=0, path=".partial"):
    def run(scene, stack):
        scene.serve(stack)
        return scene.pull(environment=scene.bench.calls(call, error, after, path))
    return run


def room(numbers):
    """What statvfs says: blocks, those available, bytes of a fragment and of a block."""
    def run(scene, stack):
        scene.serve(stack)
        return scene.pull(environment={"LD_PRELOAD": str(scene.bench.preload), "FAULT_SPACE": numbers})
    return run


def few_files(number):
    def run(scene, stack):
        server = scene.serve(stack)
        # That many connections and files cannot be open at once.
        scene.happenings.append(lambda: server.peak < number)
        return scene.pull("--workers", "32", prefix=["prlimit", f"--nofile={number}"])
    return run


def clock(seconds, **server):
    def run(scene, stack):
        scene.serve(stack, token=True, rate=1 << 20, **server)
        return scene.pull(environment={"LD_PRELOAD": str(scene.bench.preload), "FAULT_CLOCK": str(seconds)})
    return run


def machine_cases(is_inside):
    cases = [
        Case("disk", "EIO while writing", failing("pwrite", errno.EIO, 20), DISK),
        Case("disk", "quota while writing", failing("pwrite", errno.EDQUOT, 20), DISK),
        Case("disk", "full while writing, without notice", failing("pwrite", errno.ENOSPC, 20), DISK),
        Case("disk", "made read-only in the middle", failing("pwrite", errno.EROFS, 20), DISK),
        Case("disk", "EIO while syncing", failing("fdatasync", errno.EIO), DISK),
        Case("disk", "EIO while reading back to verify", failing("pread", errno.EIO, 3), DISK),
        # What could not be noted is not known to be here.
        Case("disk", "full while noting what is here", failing("write", errno.ENOSPC, 6, ".map"), DISK,
             slack=4 << 20),
        Case("disk", "EIO while naming a blob", failing("rename", errno.EIO, 1, "blobs"), DISK),
        Case("disk", "EIO while syncing the blobs' folder", failing("fsync", errno.EIO, 0, "blobs/sha256"),
             DISK),
        # A new store has its index named once before.
        Case("disk", "full while naming the image", failing("rename", errno.ENOSPC, 1, "index.json"), DISK),
        Case("disk", "full while writing the history", failing("pwrite", errno.ENOSPC, 2, "history.sqlite")),
        Case("disk", "of a kind that syncs nothing", failing("fsync,fdatasync", errno.EINVAL, path="/")),
        Case("disk", "of a kind without locks", failing("flock,fcntl", errno.ENOLCK, path="/")),
        Case("disk", "of a kind without links, modes and steady numbers of files",
             failing("link,fchmod,inode", errno.EPERM, path="/")),
        Case("disk", "several under one name: no renames between folders",
             failing("across", errno.EXDEV, path="/")),
        Case("disk", "does not say how much room it has", room("0,0,4096,4096")),
        Case("disk", "has less than no room", room("1000,18446744073709551611,4096,4096")),
        Case("files", "none left while a blob is opened", failing("open", errno.EMFILE, 2, ".partial"), DISK,
             "open files"),
        Case("files", "no more than 32 open files, 32 workers", few_files(32)),
        Case("clock", "jumps by a day, there and back", clock(86_400)),
        Case("clock", "jumps by ten years, there and back", clock(-315_360_000)),
        Case("clock", "jumps by a day, there and back; TLS", clock(86_400, certificate=True)),
    ]
    if is_inside:
        cases += [
            Case("disk", "too small", disk(4), DISK, "free"),
            Case("disk", "filled by another in the middle", disk(24, fill=True), DISK),
            Case("disk", "read-only", disk(24, readonly=True), DISK),
        ]
    return cases


def all_cases(is_inside):
    """Every case; those that take away a link or mount a disk only in namespaces of our own."""
    return [*answer_cases(), *connection_cases(), *(link_cases() if is_inside else []), *token_cases(),
            *machine_cases(is_inside)]
