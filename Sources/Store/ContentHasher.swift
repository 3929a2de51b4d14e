import CCrypto
import Glibc
public import OCI

/// A running SHA-256 or SHA-512 by OpenSSL's libcrypto.
struct ContentHasher: ~Copyable {
  private let context: OpaquePointer
  private let algorithm: Digest.Algorithm

  init(_ algorithm: Digest.Algorithm) throws(StoreError) {
    let function = algorithm == .sha256 ? EVP_sha256() : EVP_sha512()
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, function, nil) == 1 else {
      throw .system(action: "hash with", path: "libcrypto", errno: ENOMEM)
    }
    self.algorithm = algorithm
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// The digest of a file; links are not followed.
  static func digest(ofFile path: String, _ algorithm: Digest.Algorithm) throws(StoreError)
    -> Digest
  {
    let file = try OpenFile(path, O_RDONLY | O_NOFOLLOW)
    var hasher = try ContentHasher(algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = read(file.descriptor, buffer.baseAddress, buffer.count)
      if count == 0 { return try hasher.finish() }
      if count < 0 {
        if errno == EINTR { continue }
        throw Files.failed("read", path)
      }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  mutating func finish() throws(StoreError) -> Digest {
    var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    EVP_DigestFinal_ex(context, &bytes, &count)
    do {
      return try Digest(algorithm: algorithm, bytes: bytes[..<Int(count)])
    } catch {
      throw .system(action: "hash with", path: "libcrypto", errno: ENOSYS)
    }
  }
}

extension Digest {
  /// The digest of bytes in memory.
  ///
  /// - Parameters:
  ///   - bytes: the content.
  ///   - algorithm: the hash function.
  /// - Throws: `StoreError` when libcrypto has none.
  public static func of(_ bytes: some Collection<UInt8>, _ algorithm: Algorithm = .sha256)
    throws(StoreError) -> Digest
  {
    var hasher = try ContentHasher(algorithm)
    ContiguousArray(bytes).withUnsafeBytes { hasher.update($0) }
    return try hasher.finish()
  }
}
