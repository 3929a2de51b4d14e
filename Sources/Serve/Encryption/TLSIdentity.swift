import CSSL

/// What this endpoint shows of itself over TLS: a certificate with its chain, and the key to it.
///
/// It is never changed once it is made, and libssl counts who has it: connections may be begun with
/// it from any thread (SSL_CTX_new(3), "SSL_CTX objects may be shared").
final class TLSIdentity: Sendable {
  /// Why there is none.
  enum Failure: Error, Equatable {
    /// The certificate, or its key, and what is wrong with it.
    case certificate(String)
    case key(String)
  }

  /// Of libssl's context: an address is a number, which threads may share.
  private let address: UInt

  /// Makes one.
  ///
  /// - Parameters:
  ///   - certificate: PEM: the certificate itself first, then those that vouch for it.
  ///   - key: PEM, without a password.
  init(certificate: [UInt8], key: [UInt8]) throws(Failure) {
    guard let context = cairn_tls_context() else { throw .certificate("libssl has no memory") }
    address = UInt(bitPattern: context)
    let chain = cairn_tls_use_chain(context, certificate, Int32(clamping: certificate.count))
    switch chain {
    case cairn_tls_fine: break
    case cairn_tls_missing: throw .certificate("there is no certificate in it (PEM is wanted)")
    default: throw .certificate("its certificate cannot be used" + Self.words)
    }
    switch cairn_tls_use_key(context, key, Int32(clamping: key.count)) {
    case cairn_tls_fine: break
    case cairn_tls_locked: throw .key("its key wants a password, which nobody could type")
    case cairn_tls_missing: throw .key("there is no private key in it (PEM is wanted)")
    default: throw .key("its key is not the certificate's" + Self.words)
    }
  }

  deinit { SSL_CTX_free(OpaquePointer(bitPattern: address)) }

  /// Whether the certificate's time is over: clients refuse it.
  var isExpired: Bool {
    OpaquePointer(bitPattern: address).map { cairn_tls_is_expired($0) != 0 } ?? false
  }

  /// Begins a server's end of a connection; nil: there is no memory.
  func session() -> TLSSession? { OpaquePointer(bitPattern: address).flatMap { TLSSession($0) } }

  /// What libssl says of it.
  private static var words: String {
    let words = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 200) { buffer in
      cairn_tls_words(buffer.baseAddress, buffer.count)
      return buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
    return words.isEmpty ? "" : ": \(words)"
  }
}
