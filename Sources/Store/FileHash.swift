import Disk
import Glibc
import Hashing
package import OCI

/// The store's way to hashes: their failure is an error of the store.
package enum FileHash {
  /// A running hash.
  static func begin(_ algorithm: Digest.Algorithm) throws(StoreError) -> ContentHasher {
    do {
      return try ContentHasher(algorithm)
    } catch {
      throw unusable
    }
  }

  /// The digest of bytes in memory.
  package static func digest(_ bytes: some Collection<UInt8>, _ algorithm: Digest.Algorithm)
    throws(StoreError) -> Digest
  {
    do {
      return try Digest.of(bytes, algorithm)
    } catch {
      throw unusable
    }
  }

  /// The digest of an open file, from its beginning, where it stands afterwards.
  ///
  /// - Throws: `StoreError`, `interrupted` where the task was cancelled meanwhile.
  static func digest(of file: OpenFile, _ algorithm: Digest.Algorithm) throws(StoreError) -> Digest
  {
    var hasher = try begin(algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    defer { buffer.deallocate() }
    lseek(file.descriptor, 0, SEEK_SET)
    while true {
      try checkInterruption()
      let count = try disk(try file.read(into: buffer))
      if count == 0 { break }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    lseek(file.descriptor, 0, SEEK_SET)
    return try end(&hasher)
  }

  /// The digest of all that a running hash took.
  static func end(_ hasher: inout ContentHasher) throws(StoreError) -> Digest {
    do {
      return try hasher.finish()
    } catch {
      throw unusable
    }
  }

  private static let unusable = StoreError.system(
    action: "hash with", path: "libcrypto", errno: ENOMEM)
}
