import CCrypto

/// HMAC-SHA256 with a key that only this process has, and only while it runs.
///
/// What came out of it can be kept and compared where the secret that went in must not be.
package struct KeyedHash: Sendable {
  /// What comes out: equal for equal secrets, and nothing else can be told from it.
  package struct Value: Hashable, Sendable {
    private let words: [UInt8]
    fileprivate init(_ words: [UInt8]) { self.words = words }
  }

  private let key: [UInt8]

  /// Makes a key of random bytes.
  package init() {
    var random = SystemRandomNumberGenerator()
    key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
  }

  /// Hashes a secret.
  ///
  /// - Throws: `HashingError` when libcrypto fails.
  package func hash(_ secret: String) throws(HashingError) -> Value {
    var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    let text = Array(secret.utf8)
    guard
      HMAC(
        EVP_sha256(), key, Int32(clamping: key.count), text, text.count, &result, &count) != nil
    else { throw HashingError() }
    return Value(Array(result.prefix(Int(clamping: count))))
  }
}
