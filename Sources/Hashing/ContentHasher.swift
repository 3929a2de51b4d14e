import CCrypto
package import OCI

/// OpenSSL's libcrypto has no memory left, or lacks a hash function.
package struct HashingError: Error, CustomStringConvertible {
  /// One clause.
  package let description = "libcrypto cannot hash"
}

/// A running SHA-256 or SHA-512 by OpenSSL's libcrypto.
package struct ContentHasher: ~Copyable {
  private let context: OpaquePointer
  private let algorithm: Digest.Algorithm

  /// Begins a hash.
  ///
  /// - Throws: `HashingError` when libcrypto has none.
  package init(_ algorithm: Digest.Algorithm) throws(HashingError) {
    let function = algorithm == .sha256 ? EVP_sha256() : EVP_sha512()
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, function, nil) == 1 else {
      throw HashingError()
    }
    self.algorithm = algorithm
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Takes the next bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// The digest of all that was taken.
  ///
  /// - Throws: `HashingError` when libcrypto fails.
  package mutating func finish() throws(HashingError) -> Digest {
    var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    EVP_DigestFinal_ex(context, &bytes, &count)
    do {
      return try Digest(algorithm: algorithm, bytes: bytes[..<Int(count)])
    } catch {
      throw HashingError()
    }
  }
}

extension Digest {
  /// The digest of bytes in memory.
  ///
  /// - Parameters:
  ///   - bytes: the content.
  ///   - algorithm: the hash function.
  /// - Throws: `HashingError` when libcrypto has none.
  package static func of(_ bytes: some Collection<UInt8>, _ algorithm: Algorithm = .sha256)
    throws(HashingError) -> Digest
  {
    var hasher = try ContentHasher(algorithm)
    ContiguousArray(bytes).withUnsafeBytes { hasher.update($0) }
    return try hasher.finish()
  }
}
