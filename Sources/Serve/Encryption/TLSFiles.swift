import Disk
import Glibc
import Synchronization

/// The files of what this endpoint shows of itself, and what was read from them last.
package final class TLSFiles: Sendable {
  /// Why they cannot be used.
  package struct Failure: Error, Equatable, CustomStringConvertible {
    /// One sentence, with the file's name.
    package let description: String
  }

  private let certificate: String
  private let key: String
  private let warn: @Sendable (String) -> Void
  private let current: Mutex<TLSIdentity>

  /// Bytes of a file: a chain has some 10 KiB.
  private static let limit = 1 << 20

  /// Reads them.
  ///
  /// - Parameters:
  ///   - certificate: path of the certificate and its chain, PEM.
  ///   - key: path of its key, PEM.
  ///   - warn: told what is not right with them, and does not keep them from being used.
  /// - Throws: `Failure`, which names the file.
  package init(
    certificate: String, key: String, warn: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(Failure) {
    (self.certificate, self.key, self.warn) = (certificate, key, warn)
    current = Mutex(try Self.read(certificate, key, warn))
  }

  /// What connections that begin now are shown.
  var identity: TLSIdentity { current.withLock { $0 } }

  /// Reads them anew, for connections that begin from now on.
  ///
  /// - Throws: `Failure`: what was read before stays.
  package func reload() throws(Failure) {
    let new = try Self.read(certificate, key, warn)
    current.withLock { $0 = new }
  }

  private static func read(
    _ certificate: String, _ key: String, _ warn: (String) -> Void
  ) throws(Failure) -> TLSIdentity {
    do {
      let chain = try InputFile.read(certificate, limit: limit)
      let secret = try InputFile.read(key, limit: limit)
      let identity = try TLSIdentity(certificate: chain, key: secret)
      if identity.isExpired { warn("\(certificate): the certificate has expired") }
      if let info = try? Files.target(key), info.st_mode & (S_IROTH | S_IWOTH) != 0 {
        warn("\(key): everybody on this machine can read or write the key: chmod 600")
      }
      return identity
    } catch let error as DiskError {
      throw Failure(description: error.description)
    } catch TLSIdentity.Failure.certificate(let why) {
      throw Failure(description: "cannot use \(certificate): \(why)")
    } catch TLSIdentity.Failure.key(let why) {
      throw Failure(description: "cannot use \(key): \(why)")
    } catch {
      throw Failure(description: "cannot use \(certificate): \(error)")
    }
  }
}
