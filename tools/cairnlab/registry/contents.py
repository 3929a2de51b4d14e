"""What the fault server has to give: images that are made here, made elsewhere, or nowhere at all."""
import hashlib
import json
import random

from cairnlab.registry import images

MANIFEST = images.OCI["manifest"]


class Image:
    """An image of pseudo-random layers; equal arguments give equal bytes."""

    def __init__(self, seed, sizes):
        def descriptor(kind, data):
            made = images.described(data, images.OCI[kind])
            self.blobs[made["digest"]] = data
            return made
        self.blobs = {}
        layers = [descriptor("layer", random.Random(f"{seed}/{index}/{size}").randbytes(size))
                  for index, size in enumerate(sizes)]
        config = descriptor("config", json.dumps(
            {"architecture": "amd64", "os": "linux",
             "rootfs": {"type": "layers", "diff_ids": [x["digest"] for x in layers]},
             "comment": str(seed)}).encode())
        self.layers = [part["digest"] for part in layers]
        self.manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).encode()
        self.digest = images.digest(self.manifest)

    @property
    def size(self):
        return sum(map(len, self.blobs.values()))


class Content:
    """An image that was made elsewhere: its manifest, and its blobs by digest."""

    def __init__(self, manifest, blobs):
        self.manifest, self.blobs = manifest, blobs
        self.digest = images.digest(manifest)


class Repeated:
    """Bytes that are nowhere: a block over and over, for images that no disk and no memory need have
    twice.
    """

    BLOCK = 64 << 20

    @classmethod
    def layers(cls, count, size):
        """So many layers, each begun at another place of one block: by their digests."""
        block = random.Random(7).randbytes(cls.BLOCK)
        twice = memoryview(block + block)
        made = [cls(twice, 4097 * number, size) for number in range(count)]
        return {one.digest(): one for one in made}

    def __init__(self, twice, first, size):
        """`twice` is the block two times over, so that a part of it is in one piece wherever it begins."""
        self.twice, self.first, self.size = twice, first, size

    def __len__(self):
        return self.size

    def __getitem__(self, part):
        start, end, _ = part.indices(self.size)
        first, size = (self.first + start) % self.BLOCK, max(0, end - start)
        return self.twice[first:first + size] if size <= self.BLOCK else Repeated(self.twice, first, size)

    def digest(self):
        hashed = hashlib.sha256()
        for start in range(0, self.size, self.BLOCK):
            hashed.update(self[start:start + self.BLOCK])
        return "sha256:" + hashed.hexdigest()
