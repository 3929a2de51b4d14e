import Glibc
import Hashing
public import OCI

/// The store's way to hashes: their failure is an error of the store.
public enum FileHash {
  /// A running hash.
  static func begin(_ algorithm: Digest.Algorithm) throws(StoreError) -> ContentHasher {
    do {
      return try ContentHasher(algorithm)
    } catch {
      throw unusable
    }
  }

  /// The digest of bytes in memory.
  public static func digest(_ bytes: some Collection<UInt8>, _ algorithm: Digest.Algorithm)
    throws(StoreError) -> Digest
  {
    do {
      return try Digest.of(bytes, algorithm)
    } catch {
      throw unusable
    }
  }

  /// The digest of a file; links are not followed.
  static func digest(ofFile path: String, _ algorithm: Digest.Algorithm) throws(StoreError)
    -> Digest
  {
    let file = try OpenFile(path, O_RDONLY | O_NOFOLLOW)
    var hasher = try begin(algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = read(file.descriptor, buffer.baseAddress, buffer.count)
      if count == 0 { return try end(&hasher) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Files.failed("read", path)
      }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
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
