"""What `tools/completions` does: types into shells that run on terminals of their own, and reads what they
made of it.
"""
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

# What is typed before the tab key, and what the line is then; None: whatever the shell makes of it, but
# nothing is run.
LINES = [
    ("cairn pul", "cairn pull "),
    ("cairn store rem", "cairn store remove "),
    ("cairn pull ub", "cairn pull ubuntu:2"),
    ("cairn pull ubuntu:24", "cairn pull ubuntu:24.04 "),
    ("cairn inspect ubuntu:22", "cairn inspect ubuntu:22.04 "),
    ("cairn pull docker.io/library/al", "cairn pull docker.io/library/alpine:latest "),
    ("cairn store remove localhost:50", "cairn store remove localhost:5000/x:latest "),
    ("cairn tags ghc", "cairn tags ghcr.io/o/n "),
    ("cairn pull --polic", "cairn pull --policy "),
    ("cairn pull --policy grad", "cairn pull --policy gradient2 "),
    ("cairn simulate --policy grad", "cairn simulate --policy gradient2 "),
    ("cairn pull --platform linux/s", "cairn pull --platform linux/s390x "),
    ("cairn pull --ca-file cert", "cairn pull --ca-file certificate.pem "),
    ("cairn pull --store fol", "cairn pull --store folder/"),
    ("cairn pull --output oci:fol", "cairn pull --output oci:folder/"),
    ("cairn pull --output docker-archive:folder/im", "cairn pull --output docker-archive:folder/image.tar "),
    ("cairn tune --registry regis", "cairn tune --registry registry.example "),
    ("cairn tune --machine no", "cairn tune --machine node7 "),
    ("cairn store remove evil", None),
    ("cairn tune --machine evil", None),
]
NAMES = [
    "docker.io/library/ubuntu:22.04", "docker.io/library/ubuntu:24.04", "docker.io/library/alpine:latest",
    "ghcr.io/o/n:1.2", "localhost:5000/x:latest",
    "evil$(touch owned)", "evil`touch owned`", "evil;touch owned", "evil\x1b]0;owned\x07",
]
LIMIT_MS = 30


def prepare(folder, cairn):
    """A folder with a store, a history and files, and the scripts for all shells."""
    (folder / "bin").mkdir()
    os.symlink(cairn, folder / "bin/cairn")
    (folder / "folder").mkdir()
    (folder / "folder/image.tar").touch()
    (folder / "certificate.pem").touch()
    write_store(folder / "store", NAMES)
    state = folder / ".local/state/cairn"
    state.mkdir(parents=True)
    with sqlite3.connect(state / "history.sqlite") as history:
        history.execute("CREATE TABLE machine (id INTEGER PRIMARY KEY, name TEXT)")
        history.execute(
            "CREATE TABLE path (id INTEGER PRIMARY KEY, machine INTEGER, registry TEXT, usedAt REAL)")
        history.executemany("INSERT INTO machine (name) VALUES (?)", [["node7"], ["evil$(touch owned)"]])
        history.execute("INSERT INTO path (machine, registry, usedAt) VALUES (1, 'registry.example', 1.0)")
    for shell, name in ("bash", "cairn.bash"), ("zsh", "_cairn"), ("fish", "cairn.fish"):
        script = subprocess.run([cairn, "completion", shell], check=True, capture_output=True).stdout
        (folder / name).write_bytes(script)


def write_store(store, names):
    (store / ".cairn").mkdir(parents=True)
    (store / ".cairn/version").write_text("1\n")
    (store / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    manifests = [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2,
        "digest": "sha256:" + hashlib.sha256(name.encode()).hexdigest(),
        "annotations": {"org.opencontainers.image.ref.name": name}} for name in names]
    (store / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))


class Shell:
    """A shell on a terminal of its own; ^G makes it say what its line is."""

    def __init__(self, folder, arguments, setup):
        self.typed = b""
        environment = {
            "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}", "TERM": "xterm",
            "LANG": "C.UTF-8",
            "CAIRN_STORE": f"{folder}/store"}
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(arguments[0], arguments, environment)
        self.send(setup + "; echo rea''dy\n")
        self.read_until(rb"ready\r?\n")

    def send(self, text):
        os.write(self.terminal, text.encode())

    def read_until(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.typed)):
            if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"no {pattern} in {self.typed[-600:]!r}")
            self.typed += os.read(self.terminal, 65536)
        self.typed = self.typed[found.end():]
        return found

    def line_after_tab(self, typed):
        self.send("\x15" + typed + "\t\x07")
        return self.read_until(rb"<<(.*?)>>").group(1).decode()

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)


def bash(folder):
    setup = (
        """PS1='$ '; . ./cairn.bash; bind 'set bell-style none'; """
        r"""bind -x '"\C-g": printf "<""<%s>""> " "$READLINE_LINE"'""")
    return Shell(folder, ["bash", "--norc", "--noprofile", "-i"], setup)


def zsh(folder):
    setup = (
        "PS1='$ '; unsetopt zle_bracketed_paste; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; "
        "setopt no_beep no_auto_menu; "
        "show() { print -rn -- \"<\"\"<$BUFFER>\"\">\" }; zle -N show; bindkey -e; bindkey '^G' show; "
        "bindkey '^U' kill-whole-line")
    return Shell(folder, ["zsh", "-f", "-i"], setup)


def fish(folder):
    setup = (
        "source cairn.fish; function fish_prompt; echo '$ '; end; set -g fish_autosuggestion_enabled 0; "
        "function show; printf '<%s%s>%s' '<' (commandline | string collect) '>'; end; bind \\cg show; bind "
        "\\cu kill-whole-line")
    return Shell(folder, ["fish", "--no-config", "-i"], setup)


def judge(name, shell, folder):
    wrong = 0
    for typed, expected in LINES:
        line = shell.line_after_tab(typed)
        # Zsh puts a space behind what ends with a slash, too.
        if expected is not None and line not in [expected, expected + " " * (name == "zsh")]:
            wrong += 1
            print(f"{name}: {typed!r} became {line!r}, not {expected!r}")
        if (folder / "owned").exists():
            raise SystemExit(f"{name}: {typed!r} ran a command that a name is made of")
    shell.close()
    print(f"{name}: {len(LINES) - wrong} of {len(LINES)} lines as they should be")
    return wrong


def milliseconds(cairn, folder):
    """Times of an answer from a store with a thousand images, least and median: others use this machine,
    too.
    """
    store = folder / "large"
    write_store(store, [f"registry.example/team/image{number}:latest" for number in range(1000)])
    command = [cairn, "---completion", "pull", "--", "positional@0", "2", "1", "cairn", "pull",
               "registry.example/team/image99"]
    times = []
    for _ in range(21):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True,
                       env={"HOME": str(folder), "CAIRN_STORE": str(store)})
        times.append(1e3 * (time.perf_counter() - begin))
    return min(times), statistics.median(times)


def main():
    cairn = sys.argv[1]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="cairn-completions-") as name:
        folder = pathlib.Path(name)
        prepare(folder, cairn)
        for kind, start in ("bash", bash), ("zsh", zsh), ("fish", fish):
            if shutil.which(kind):
                wrong += judge(kind, start(folder), folder)
            else:
                print(f"{kind}: not tried, it is not installed")
        least, median = milliseconds(cairn, folder)
        print(f"an answer from a store with 1,000 images takes {least:.0f} ms, median {median:.0f} ms; the "
              f"bar is {LIMIT_MS} ms")
    return 1 if wrong or least > LIMIT_MS else 0


if __name__ == "__main__":
    sys.exit(main())
