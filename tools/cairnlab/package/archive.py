"""Archives whose bytes depend on nothing but names, modes and contents."""
import gzip
import io
import tarfile


def tar(tree, epoch, prefix=""):
    """A tar of a tree (see `tree.py`): sorted, owned by root, dated as the commit."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as out:
        for path, entry in sorted(with_folders(tree).items()):
            info = tarfile.TarInfo(prefix + path)
            info.mtime, info.uname, info.gname = epoch, "root", "root"
            info.uid, info.gid = entry.get("owner", 0), entry.get("owner", 0)
            if "owner" in entry:
                info.uname = info.gname = ""
            info.mode = entry["mode"]
            if "link" in entry:
                info.type, info.linkname = tarfile.SYMTYPE, entry["link"]
                out.addfile(info)
            elif "data" in entry:
                info.size = len(entry["data"])
                out.addfile(info, io.BytesIO(entry["data"]))
            else:
                info.type = tarfile.DIRTYPE
                out.addfile(info)
    return buffer.getvalue()


def with_folders(tree):
    """The tree with every folder that its paths need."""
    whole = {}
    for path, entry in tree.items():
        parts = path.split("/")
        for end in range(1, len(parts)):
            whole.setdefault("/".join(parts[:end]), {"mode": 0o755})
        whole[path] = entry
    return whole


def zipped(data):
    """As `gzip -n -9`: no name and no time in it."""
    return gzip.compress(data, 9, mtime=0)
