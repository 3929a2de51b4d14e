"""What is installed, as paths below `/usr/local`, or `/usr` in distributions' packages."""
from . import archive, licences, manual, shells, source


def usr(facts, binary):
    """Every file, but for what a distribution keeps in its own way."""
    tree = {"bin/cairn": file(binary.read_bytes(), 0o755)}
    for name, text in manual.pages(facts, binary).items():
        tree[f"share/man/man1/{name}.gz"] = file(archive.zipped(text.encode()))
    scripts = shells.scripts(binary)
    tree["share/bash-completion/completions/cairn"] = file(scripts["bash"])
    tree["share/zsh/site-functions/_cairn"] = file(scripts["zsh"])
    tree["share/fish/vendor_completions.d/cairn.fish"] = file(scripts["fish"])
    for model in sorted((source.ROOT / "models").rglob("*.json")):
        tree[f"share/cairn/{model.relative_to(source.ROOT)}"] = file(model.read_bytes())
    units = source.ROOT / "tools/systemd"
    for unit in sorted(units.iterdir()) if units.is_dir() else []:
        tree[f"lib/systemd/system/{unit.name}"] = file(unit.read_bytes())
    return tree


def file(data, mode=0o644):
    return {"data": data, "mode": mode}


def tarball(facts, binary):
    """`cairn-VERSION-linux-MACHINE.tar.gz`: unpacked anywhere, or over `/usr/local`."""
    tree = usr(facts, binary)
    for name in "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md":
        tree[f"share/doc/cairn/{name}"] = file((source.ROOT / name).read_bytes())
    tree["share/doc/cairn/THIRD-PARTY.txt"] = file(licences.text(facts).encode())
    return archive.zipped(archive.tar(tree, facts.epoch, facts.name + "/"))
