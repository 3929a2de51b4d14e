"""What depends on where a binary was built, taken out of it in place: nothing else moves."""
import hashlib
import struct


def sections(data):
    """(offset, size) of each section by its name, of a 64-bit little-endian ELF file."""
    table, = struct.unpack_from("<Q", data, 0x28)
    entry, count, names = struct.unpack_from("<HHH", data, 0x3A)
    found = []
    for number in range(count):
        name, _, _, _, offset, size = struct.unpack_from("<IIQQQQ", data, table + entry * number)
        found.append((name, offset, size))
    words = found[names][1]
    return {bytes(data[words + name:data.index(0, words + name)]).decode(): (offset, size)
            for name, offset, size in found}


def settled(data):
    """The binary with what its bytes have in common, wherever it was built.

    The compiler's hashes of how it was called, the folder's name among that, become zeros. The build's
    identity, which tells debuggers what belongs together, becomes a hash of the rest.
    """
    data = bytearray(data)
    found = sections(data)
    offset, size = found.get(".swift_modhash", (0, 0))
    data[offset:offset + size] = bytes(size)
    offset, size = found.get(".note.gnu.build-id", (0, 0))
    # Before it: three numbers and the name "GNU".
    if size > 16:
        data[offset + 16:offset + size] = bytes(size - 16)
        identity = hashlib.sha512(data).digest()[:size - 16]
        data[offset + 16:offset + size] = identity
    return bytes(data)
