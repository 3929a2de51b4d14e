"""The reference: a page of Markdown for each command, from what the binary says of itself."""
from cairnlab.package import manual


def pages(binary):
    """(name of the file, title, text) of each command."""
    every = list(manual.commands(manual.tree(binary)))
    return [("-".join(path) + ".md", " ".join(path), page(path, command, every)) for path, command in every]


def page(path, command, every):
    out = [f"# {' '.join(path)}", command["abstract"], f"```\n{usage(path, command)}\n```",
           *discussion(command)]
    shown = [one for one in command.get("arguments", []) if one.get("shouldDisplay", True)]
    for title, kinds in ("Arguments", {"positional"}), ("Options", {"option", "flag"}):
        rows = [row(one) for one in shown if one["kind"] in kinds]
        if rows:
            out.append(f"## {title}\n\n" + "\n\n".join(rows))
    children = [(p, c) for p, c in every if p[:-1] == path]
    if children:
        rows = "\n".join(f"| [{' '.join(p)}]({'-'.join(p)}.md) | {cell(c['abstract'])} |"
                         for p, c in children)
        out.append(f"## Commands\n\n| | |\n|---|---|\n{rows}")
    found = manual.examples(path)
    if found:
        lines = "\n".join(f"{line}  # {words}" for line, words in found)
        out.append(f"## Examples\n\n```\n{lines}\n```")
    if len(path) == 1:
        for title, rows in ("Exit codes", manual.EXIT), ("Environment",
                                                         manual.ENVIRONMENT), ("Files", manual.FILES):
            out.append(
                f"## {title}\n\n| | |\n|---|---|\n" + "\n".join(f"| `{a}` | {cell(b)} |" for a, b in rows))
    return "\n\n".join(out) + "\n"


def usage(path, command):
    words = [" ".join(path)]
    if any(child["commandName"] != "help" for child in command.get("subcommands", [])):
        words.append("<command>")
    words.append("[options]")
    for one in command.get("arguments", []):
        if one["kind"] == "positional":
            name = f"<{one['valueName']}>" + (" ..." if one["isRepeating"] else "")
            words.append(f"[{name}]" if one["isOptional"] else name)
    return " ".join(words)


def discussion(command):
    """Paragraphs; lines that are set in are code, which in Markdown needs four spaces and an empty line."""
    out, code = [], []
    for line in command.get("discussion", "").split("\n") + [""]:
        if line.startswith("  "):
            code.append(line.strip())
            continue
        if code:
            out.append("```\n" + "\n".join(code) + "\n```")
            code = []
        if line.strip():
            out.append(line.strip())
    return out


def row(one):
    if one["kind"] == "positional":
        title = f"`<{one['valueName']}>`"
    else:
        names = sorted((("-" if name["kind"] == "short" else "--") + name["name"] for name in one["names"]),
                       key=len)
        value = f" <{one.get('valueName', 'value')}>" if one["kind"] == "option" else ""
        title = f"`{', '.join(names)}{value}`"
    words = one.get("abstract", "").replace("<", "&lt;")
    if one.get("allValues"):
        words += " One of " + ", ".join(f"`{value}`" for value in one["allValues"]) + "."
    if one.get("defaultValue") and one["kind"] == "option":
        words += f" Default: `{one['defaultValue']}`."
    return f"{title}\n:   {words}"


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")
