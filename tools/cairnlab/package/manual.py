"""Manual pages, one a command, made from what the binary says of itself."""
import datetime
import json
import re
import subprocess

from . import source

# What no option says.
ENVIRONMENT = [
    ("CAIRN_NAME", "The default of --name, in capitals and with underscores: CAIRN_MAX_WORKERS is that of "
     "--max-workers, CAIRN_STORE that of --store. \"cairn config show\" lists all that are set."),
    ("CAIRN_CONFIG", "The file of settings, in place of the user's and the system's."),
    ("CAIRN_SERVE_OPTIONS", "Options of the systemd unit's cairn serve, in its own environment file."),
    ("XDG_CONFIG_HOME", "Where the settings are, below a folder cairn, and podman's files; ~/.config."),
    ("XDG_DATA_HOME", "Where the store is, below a folder cairn; ~/.local/share."),
    ("XDG_STATE_HOME", "Where the history is, below a folder cairn; ~/.local/state."),
    ("XDG_CACHE_HOME", "Where what serve fetched is, below a folder cairn; ~/.cache."),
    ("XDG_RUNTIME_DIR", "Where podman's logins are, in containers/auth.json."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "Proxies, with NO_PROXY in Go's grammar."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Trusted certificate authorities in place of the system's."),
    ("REGISTRY_AUTH_FILE, DOCKER_CONFIG, DOCKER_AUTH_CONFIG",
     "Where credentials are, as for skopeo, podman and docker."),
    ("CONTAINERS_REGISTRIES_CONF, REGISTRIES_CONFIG_PATH", "Podman's file of mirrors."),
    ("CONTAINERS_REGISTRIES_CONF_OVERRIDE", "One more, whose word is the last."),
    ("LISTEN_FDS, LISTEN_PID", "Sockets that systemd has opened for cairn serve."),
    ("TRACEPARENT", "The trace that this run is part of (W3C Trace Context), in its JSON lines and errors."),
    ("TMPDIR", "Where the images of a sweep are for as long as it runs."),
    ("TERM", "Where it is dumb, progress is plain lines."),
]
# Read too, but nobody's to set: what helpers are told, and what Kubernetes says of a service called cairn.
OWN_VARIABLES = {"CAIRN_HELPER", "CAIRN_PORT", "CAIRN_PORT_", "CAIRN_SERVICE_", "CAIRN_"}
FILES = [
    ("~/.config/cairn/config.toml, /etc/cairn/config.toml", "Settings, of the user and of the system."),
    ("~/.local/share/cairn/store", "The store, an OCI image layout."),
    ("~/.local/state/cairn/history.sqlite", "What was learned."),
    ("~/.cache/cairn/serve", "What serve fetched."),
    ("/etc/containerd/certs.d", "Mirrors, as for containerd."),
    ("/etc/containers/registries.conf", "Mirrors, as for podman."),
    ("/etc/docker/certs.d", "Certificates of registries, as for docker."),
]
EXIT = [
    ("0", "success"), ("64", "usage"), ("65", "content does not match its digest, or is no usable image"),
    ("66", "what was named is not there: image, tag, platform, store or file"),
    ("69", "network, or the registry failed"), ("70", "internal error"),
    ("73", "store, output, disk, or a limit of this process"),
    ("77", "not authorised, or blocked by registries.conf"),
    ("129, 130, 143", "interrupted by a hang-up, Ctrl-C, SIGTERM"),
]


def unnamed_variables():
    """Variables that the product reads, and no manual page names."""
    named = {name for names, _ in ENVIRONMENT for name in names.split(", ")} | OWN_VARIABLES
    pattern = re.compile(r'"((?:CAIRN|XDG|SSL|DOCKER|CONTAINERS|REGISTRIES|REGISTRY|LISTEN)_[A-Z_]*'
                         r'|(?:HTTPS?|ALL|NO)_PROXY|TRACEPARENT|TMPDIR|TERM)"')
    read = {name for file in (source.ROOT / "Sources").rglob("*.swift") if "Lab" not in file.parts
            for name in pattern.findall(file.read_text())}
    return sorted(read - named - {"CAIRN_STORE"})


def tree(binary):
    """What the binary says of its commands."""
    words = subprocess.run([binary, "--experimental-dump-help"], check=True, capture_output=True).stdout
    return json.loads(words)["command"]


def commands(command, path=()):
    """Every command with the names that lead to it."""
    path = (*path, command["commandName"])
    yield path, command
    for child in command.get("subcommands", []):
        if child["commandName"] != "help" and child.get("shouldDisplay", True):
            yield from commands(child, path)


def pages(facts, binary):
    """The pages by the names of their files."""
    every = list(commands(tree(binary)))
    return {"-".join(path) + ".1": page(facts, path, command, every) for path, command in every}


def page(facts, path, command, every):
    date = datetime.datetime.fromtimestamp(facts.epoch, datetime.UTC).strftime("%Y-%m-%d")
    name = "-".join(path)
    out = [
        f'.TH {name.upper()} 1 "{date}" "cairn {facts.version}" "User Commands"',
        ".SH NAME", f"{plain(name)} \\- {plain(sentence(command['abstract']))}",
        ".SH SYNOPSIS", *synopsis(path, command),
        ".SH DESCRIPTION", plain(command["abstract"])]
    # The first page has a section for them.
    discussion = [part for part in command.get("discussion", "").split("\n\n")
                  if not part.startswith("Exit codes:")]
    out += paragraphs("\n\n".join(discussion))
    shown = [one for one in command.get("arguments", []) if one.get("shouldDisplay", True)]
    positional = [one for one in shown if one["kind"] == "positional"]
    options = [one for one in shown if one["kind"] != "positional"]
    if positional:
        out += [".SH ARGUMENTS", *(line for one in positional for line in argument(one))]
    children = [(p, c) for p, c in every if p[:-1] == path]
    if children:
        out.append(".SH COMMANDS")
        for child, its in children:
            out += [".TP", f".BR {roff('-'.join(child))} (1)", plain(its["abstract"])]
    if options:
        out += [".SH OPTIONS", *(line for one in options for line in argument(one))]
    if found := examples(path):
        out.append(".SH EXAMPLES")
        for line, words in found:
            out += [".TP", f".B {roff(line)}", plain(words[:1].upper() + words[1:] + "." if words else "")]
    if len(path) == 1:
        out += section("EXIT STATUS", EXIT) + section("ENVIRONMENT", ENVIRONMENT) + section("FILES", FILES)
    related = [p for p, _ in every if p != path and (
        (len(path) == 1 and len(p) == 2) or p == path[:-1] or (len(path) > 2 and p[:-1] == path[:-1]))]
    out += [".SH SEE ALSO",
            ",\n".join(f".BR {roff('-'.join(p))} (1)" for p in related).replace("(1),", "(1) ,")]
    return "\n".join(line for line in out if line) + "\n"


def synopsis(path, command):
    words = [f".B {roff(' '.join(path))}"]
    for one in command.get("arguments", []):
        if one["kind"] == "positional":
            name = f"\\fI{roff(one['valueName'])}\\fR" + ("..." if one["isRepeating"] else "")
            words.append(f"[{name}]" if one["isOptional"] else name)
    if any(one["kind"] != "positional" for one in command.get("arguments", [])):
        words.insert(1, "[\\fIoptions\\fR]")
    if any(c["commandName"] != "help" for c in command.get("subcommands", [])):
        words.insert(1, "\\fIcommand\\fR")
    return words


def argument(one):
    if one["kind"] == "positional":
        title = f"\\fI{roff(one['valueName'])}\\fR" + ("..." if one["isRepeating"] else "")
    else:
        names = [("-" if name["kind"] == "short" else "--") + name["name"] for name in one["names"]]
        title = ", ".join(f"\\fB{roff(name)}\\fR" for name in sorted(names, key=len))
        if one["kind"] == "option":
            title += f" \\fI{roff(one.get('valueName', 'value'))}\\fR"
    words = one.get("abstract", "")
    values = one.get("allValues") or []
    if values:
        words += f" One of {', '.join(values)}."
    if one.get("defaultValue") and one["kind"] == "option":
        words += f" Default: {one['defaultValue']}."
    return [".TP", title, plain(words)]


def section(title, rows):
    return [f".SH {title}"] + [line
                               for name, words in rows for line in (".TP", f".B {roff(name)}", plain(words))]


def paragraphs(text):
    """Paragraphs; what is set in by two spaces stays as it is."""
    out, is_code = [], False
    for line in text.split("\n"):
        if line.startswith("  ") and not is_code:
            out += [".PP", ".nf", ".RS 4"]
        elif is_code and not line.startswith("  "):
            out += [".RE", ".fi"]
        now = line.startswith("  ")
        if not now and line.strip() and (not out or out[-1] != ".PP"):
            out.append(".PP")
        if line.strip():
            out.append(guard(roff(line.strip())) if now else plain(line))
        is_code = now
    return out + ([".RE", ".fi"] if is_code else [])


def examples(path):
    """Lines of the README's that use the command, with what it says of them."""
    if len(path) == 1:
        return []
    found = []
    for line in (source.ROOT / "README.md").read_text().splitlines():
        match = re.match(rf"({' '.join(path)}(?: .*?)?)\s+# (.*)", line)
        words = ("list", "remove", "prune", "verify", "path") if len(path) == 2 and path[1] == "store" else ()
        if match and not any(f"{' '.join(path)} {word}" in line for word in words):
            found.append((match[1], match[2]))
    return found


def sentence(words):
    """For the index of manual pages: no full stop, and no capital."""
    return words[:1].lower() + words[1:].rstrip(".")


def roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("~", "\\(ti").replace(
            "^", "\\(ha")


def plain(text):
    """Running text: its dashes are hyphens but for those of options."""
    words = text.replace("\\", "\\e").replace("~", "\\(ti").replace("^", "\\(ha")
    words = re.sub(r"(?<!\w)--?(?=\w)[\w-]*", lambda found: found[0].replace("-", "\\-"), words)
    return guard(words)


def guard(text):
    """A line that does not begin as a request does."""
    return "\\&" + text if text[:1] in (".", "'") else text
