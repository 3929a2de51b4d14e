package import Disk
import Text

/// How one server is reached, where that differs from the engine's settings.
///
/// It belongs to the server that the user configured: a redirect to another origin drops it.
package struct ServerAccess: Hashable, Sendable {
  /// A certificate that proves who asks, for servers that want one (mutual TLS).
  package struct ClientCertificate: Hashable, Sendable {
    /// A PEM file with the certificate and its chain.
    package var certificate: String
    /// A PEM file with the key; nil: it stands in the certificate's file.
    package var key: String?
    /// Whose files count; nil: everybody's.
    package var trust: FileTrust?

    /// Makes a certificate of its files.
    package init(certificate: String, key: String? = nil, trust: FileTrust? = nil) {
      self.certificate = certificate
      self.key = key
      self.trust = trust
    }

    /// The most bytes of a file.
    private static let limit = 1 << 20

    /// Reads the files, of which pipes say what they have only once.
    ///
    /// The engine gets bytes and opens no file by itself: it would wait for whoever writes to what
    /// has become a pipe.
    ///
    /// - Throws: `TransferError` of kind `ownCertificate`: one cannot be read.
    package func read() throws(TransferError) -> (certificate: [UInt8], key: [UInt8]) {
      let bytes = try bytes(certificate)
      guard let key else { return (bytes, try Self.readable(bytes, certificate)) }
      return (bytes, try Self.readable(try self.bytes(key), key))
    }

    /// A key that wants a passphrase has nobody to ask for it.
    private static func readable(_ key: [UInt8], _ file: String) throws(TransferError) -> [UInt8] {
      let text = String(outside: key)
      guard !text.contains("ENCRYPTED") else {
        throw TransferError(
          .ownCertificate,
          "the client key \(file) is locked by a passphrase; \"openssl pkey\" takes it off")
      }
      return key
    }

    private func bytes(_ file: String) throws(TransferError) -> [UInt8] {
      do throws(DiskError) {
        return try InputFile.read(file, limit: Self.limit, pipes: .read, trust: trust)
      } catch {
        throw TransferError(
          .ownCertificate, "the client certificate's \(file) cannot be read: \(error.why)")
      }
    }
  }

  /// PEM files of certificate authorities that are trusted beside the engine's.
  package var caFiles: [String] = []
  /// Whose of these files count; nil: everybody's.
  package var caTrust: FileTrust?
  /// Shown to a server that asks for one.
  package var clientCertificate: ClientCertificate?
  /// True where the server's certificate is not checked.
  package var skipsVerification = false
  /// The proxy that leads there; nil: as for any other server.
  package var proxy: Proxy?
  /// Seconds to connect; nil: the engine's.
  package var connectTimeout: Double?

  /// As any other server.
  package init() {}
}
