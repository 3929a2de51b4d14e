"""See `tools/package`."""
import argparse
import hashlib
import pathlib

from . import build, debian, image, rpm, sbom, source, tree

KINDS = ["tarball", "deb", "rpm", "image", "sbom"]


def main():
    parser = argparse.ArgumentParser(prog="tools/package",
                                     description="Makes packages of the commit that is checked out.")
    parser.add_argument("--output", type=pathlib.Path, default=source.ROOT / ".build/package/out",
                        metavar="FOLDER")
    parser.add_argument("--only", choices=KINDS, action="append", help="make this one; can be repeated")
    parser.add_argument("--cairn", type=pathlib.Path, metavar="FILE",
                        help="pack this binary in place of building one")
    parser.add_argument("--maintainer", default=debian.MAINTAINER, metavar="'NAME <ADDRESS>'",
                        help="who answers for the .deb")
    options = parser.parse_args()
    facts = source.read()
    if not facts.is_clean:
        print("the tree has changes: what is made is no commit's")
    kinds = options.only or KINDS
    binary = options.cairn.resolve() if options.cairn else build.binary()
    out = options.output.resolve()
    out.mkdir(parents=True, exist_ok=True)
    made, packages = [], {}
    if "tarball" in kinds:
        made.append(write(out / f"{facts.name}.tar.gz", tree.tarball(facts, binary)))
    if "deb" in kinds:
        made.append(debian.build(facts, binary, out, options.maintainer))
    if "rpm" in kinds:
        made.append(write(out / "cairn.spec", rpm.spec(facts).encode()))
    if "image" in kinds:
        place, packages = image.build(facts, binary, out)
        made.append(place)
    if "sbom" in kinds:
        packages = packages or image.files(facts, binary)[1]
        made.append(write(out / f"{facts.name}.spdx.json", sbom.document(facts, binary, packages).encode()))
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made)
    write(out / "SHA256SUMS", sums.encode())
    for file in made:
        print(f"{file.stat().st_size / 1e6:7.2f} MB  {file}")


def write(place, data):
    place.write_bytes(data)
    return place


main()
