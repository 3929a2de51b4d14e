"""The bill of materials, SPDX 2.3 as JSON: what is linked, and what the image has besides."""
import datetime
import hashlib
import json

from . import licences

NONE = "NOASSERTION"


def document(facts, binary, image_packages):
    time = datetime.datetime.fromtimestamp(facts.epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    cairn = package(
        "cairn", facts.version, "Apache-2.0", NONE, f"pkg:generic/cairn@{facts.version}",
        comment=f"Built from commit {facts.commit}.")
    cairn["checksums"] = [
        {"algorithm": "SHA256", "checksumValue": hashlib.sha256(binary.read_bytes()).hexdigest()}]
    cairn["primaryPackagePurpose"] = "APPLICATION"
    packages, relations = [cairn], [relation("SPDXRef-DOCUMENT", "DESCRIBES", cairn)]
    for name, version, address, spdx, _, _ in licences.components(facts):
        url = f"pkg:swift/{address.removeprefix('https://')}@{version}"
        if name == "swift":
            url = f"pkg:generic/swift@{version}"
        place = f"git+{address}@{facts.pins[name][2]}" if name in facts.pins else address
        made = package(name, version, spdx, place, url)
        packages.append(made)
        relations.append(relation(cairn["SPDXID"], "STATIC_LINK", made))
    for name, (version, origin, _) in sorted(image_packages.items()):
        made = package(
            f"debian-{name}", version, NONE, NONE, f"pkg:deb/debian/{name}@{version}?arch={facts.debian}",
            comment=f"In the container image; Debian's source package is {origin}.")
        packages.append(made)
        relations.append(relation(cairn["SPDXID"], "DEPENDS_ON", made))
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": facts.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{facts.name}-{facts.commit}",
        "creationInfo": {"created": time, "creators": ["Tool: cairn-tools-package"]},
        "packages": packages, "relationships": relations}, indent=2) + "\n"


def package(name, version, licence, place, url, comment=None):
    made = {
        "SPDXID": "SPDXRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in name), "name": name,
        "versionInfo": version, "downloadLocation": place, "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence, "copyrightText": NONE,
        "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}]}
    if comment:
        made["comment"] = comment
    return made


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other["SPDXID"]}
