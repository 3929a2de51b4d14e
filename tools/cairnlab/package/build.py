"""The release build: static but for what every system has, stripped, and without a word about where it was built."""
import subprocess

from . import elf, source

# Apart from the builds that people make by hand, which have other options.
SCRATCH = ".build/package/build"


def binary():
    """Builds cairn; returns its path."""
    root = source.ROOT
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "cairn", "--scratch-path", SCRATCH,
         "--static-swift-stdlib", "--disable-local-rpath", "--only-use-versions-from-resolved-file",
         "-Xswiftc", "-gnone", "-Xswiftc", "-file-prefix-map", "-Xswiftc", f"{root}=.",
         "-Xcc", f"-ffile-prefix-map={root}=.",
         # No symbols; everything is bound at the start, and then read-only.
         "-Xlinker", "-s", "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"],
        cwd=root, check=True)
    built = root / SCRATCH / "release/cairn"
    # The compilers' names, once for every file.
    stripped = root / SCRATCH / "cairn"
    subprocess.run(["objcopy", "--remove-section=.comment", built, stripped], check=True)
    stripped.write_bytes(elf.settled(stripped.read_bytes()))
    return stripped
