"""The release build: static but for what every system has, stripped, and without a word about where it was
built.
"""
import subprocess

from . import elf, source

# Apart from the builds that people make by hand, which have other options.
SCRATCH = ".build/package/build"


def linker(*words):
    """Words for the linker, as the compiler takes them."""
    return [part for word in words for part in ("-Xlinker", word)]


def binary():
    """Builds cairn; returns its path."""
    root = source.ROOT
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "cairn", "--scratch-path", SCRATCH,
         "--static-swift-stdlib", "--disable-local-rpath", "--only-use-versions-from-resolved-file",
         # Small code: what takes time is libcurl's, libcrypto's and the kernel's.
         "-Xswiftc", "-gnone", "-Xswiftc", "-Osize", "-Xswiftc", "-Xfrontend", "-Xswiftc",
         "-function-sections",
         "-Xswiftc", "-file-prefix-map", "-Xswiftc", f"{root}=.",
         "-Xcc", f"-ffile-prefix-map={root}=.",
         # What unrolls loops hands on the values that leave one in an order of addresses in the compiler's
         # own memory, so that the same source comes out in several forms (seen of Swift 6.3.1).
         "-Xswiftc", "-Xllvm", "-Xswiftc", "-sil-disable-pass=loop-unroll",
         # LLVM's linker, for addresses that the loader sets right: a bit each, in place of 24 bytes (glibc
         # 2.36).
         "-Xswiftc", "-use-ld=lld", *linker("-z", "pack-relative-relocs"),
         # No symbols; everything is bound at the start, and then read-only.
         *linker("-s", "--no-export-dynamic", "-z", "relro", "-z", "now")],
        cwd=root, check=True)
    built = root / SCRATCH / "release/cairn"
    # The compilers' names, once for every file.
    stripped = root / SCRATCH / "cairn"
    subprocess.run(["objcopy", "--remove-section=.comment", built, stripped], check=True)
    stripped.write_bytes(elf.settled(stripped.read_bytes()))
    return stripped
