import CSSL
import NIOCore

/// A server's end of one TLS connection, without a socket: what came is put in, what is to be sent
/// is taken out.
///
/// Of one event loop. After `failed` nothing is asked of it but what is to be sent, which says why.
final class TLSSession {
  /// What came of a step.
  enum Step {
    case done
    /// More has to come first.
    case waits
    /// The other end has said that it is over.
    case ended
    case failed
  }

  private let connection: OpaquePointer
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer

  /// Bytes of one record.
  private static let recordBytes = 16 << 10

  /// - Parameter context: libssl's.
  init?(_ context: OpaquePointer) {
    var (incoming, outgoing): (OpaquePointer?, OpaquePointer?) = (nil, nil)
    guard let connection = cairn_tls_new(context, &incoming, &outgoing), let incoming, let outgoing
    else { return nil }
    (self.connection, self.incoming, self.outgoing) = (connection, incoming, outgoing)
  }

  deinit { SSL_free(connection) }

  // MARK: In

  /// Takes in what came.
  func take(_ bytes: ByteBuffer) {
    bytes.withUnsafeReadableBytes {
      _ = BIO_write(incoming, $0.baseAddress, Int32(clamping: $0.count))
    }
  }

  /// Goes on with the handshake.
  func shakeHands() -> Step {
    ERR_clear_error()
    return step(SSL_do_handshake(connection))
  }

  /// Whether what came first was no TLS but a request in the clear, where the handshake has just failed.
  var wasPlainHTTP: Bool { cairn_tls_was_plain_http() != 0 }

  /// Decrypts what came, up to one record of it, into a buffer.
  func read(into buffer: inout ByteBuffer) -> Step {
    ERR_clear_error()
    var code: Int32 = 0
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordBytes) {
      var count = 0
      code = SSL_read_ex(connection, $0.baseAddress, $0.count, &count)
      return code == 1 ? count : 0
    }
    return step(code)
  }

  // MARK: Out

  /// Encrypts bytes; what is to be sent then has them.
  ///
  /// - Returns: false where the connection cannot go on.
  func write(_ bytes: ByteBuffer) -> Bool {
    bytes.withUnsafeReadableBytes { all in
      // Nothing would be a mistake to libssl.
      guard !all.isEmpty else { return true }
      ERR_clear_error()
      var count = 0
      // Memory takes everything.
      return SSL_write_ex(connection, all.baseAddress, all.count, &count) == 1 && count == all.count
    }
  }

  /// Says that no more comes.
  func end() { SSL_shutdown(connection) }

  /// Takes what is to be sent; nil: nothing.
  func outgoingBytes(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
    let count = BIO_ctrl_pending(outgoing)
    guard count > 0 else { return nil }
    var buffer = allocator.buffer(capacity: count)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) {
      max(0, Int(BIO_read(outgoing, $0.baseAddress, Int32(clamping: count))))
    }
    return buffer
  }

  private func step(_ code: Int32) -> Step {
    if code == 1 { return .done }
    switch SSL_get_error(connection, code) {
    case SSL_ERROR_WANT_READ: return .waits
    case SSL_ERROR_ZERO_RETURN: return .ended
    default: return .failed
    }
  }
}
