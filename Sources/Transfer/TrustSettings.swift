import Disk
import Glibc

/// Which certificate authorities are trusted, wherever no server has some of its own beside them.
///
/// They are those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else the system's; beside them those of
/// `extraFiles`. `onlyFile` stands in place of all, everywhere.
package struct TrustSettings: Hashable, Sendable {
  /// A PEM file that stands in place of everything else, also of what a single server has of its own.
  package var onlyFile: String?
  /// A PEM file in place of the system's authorities.
  package var environmentFile: String?
  /// Directories of PEM files in place of the system's authorities; every file in them counts,
  /// whatever its name.
  package var environmentFolders: [String] = []
  /// PEM files beside those.
  package var extraFiles: [String] = []

  /// The system's.
  package init() {}

  /// True where `SSL_CERT_FILE` or `SSL_CERT_DIR` stands in place of the system's authorities.
  var replacesSystem: Bool { environmentFile != nil || !environmentFolders.isEmpty }

  /// The files and directories whose authorities count for a server, and whether the system's do not.
  ///
  /// - Parameter own: the server's own files.
  package func files(beside own: [String]) -> (files: [String], standAlone: Bool) {
    if let onlyFile { return ([onlyFile], true) }
    let environment = [environmentFile].compactMap { $0 } + environmentFolders
    return (own + extraFiles + environment, replacesSystem)
  }

  /// Takes `SSL_CERT_FILE` and `SSL_CERT_DIR` (directories separated by colons) from environment variables.
  ///
  /// - Parameter environment: for example the process's own.
  /// - Source: openssl-env(7), and crypto/x509 of Go.
  package mutating func read(environment: [String: String]) {
    environmentFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
    environmentFolders = (environment["SSL_CERT_DIR"] ?? "").split(separator: ":").map(String.init)
  }

  /// Checks the files that were asked for by name, before anything is asked of a server.
  ///
  /// - Throws: `TransferError` of kind `tls`: one cannot be read, has no certificate, or a damaged one.
  package func check() throws(TransferError) {
    for file in [onlyFile].compactMap({ $0 }) + extraFiles { _ = try TrustBundle.named(file) }
  }

  /// What of the environment leads nowhere, each in words: as with Go and OpenSSL it is no error by
  /// itself, since what is left may do.
  package var unreadable: [String] {
    guard onlyFile == nil else { return [] }
    var found: [String] = []
    if let environmentFile, let reason = InputFile.complaint(environmentFile) {
      found.append("SSL_CERT_FILE: \(environmentFile) cannot be read: \(reason)")
    }
    for folder in environmentFolders where access(folder, R_OK | X_OK) != 0 {
      found.append("SSL_CERT_DIR: \(folder) cannot be read")
    }
    return found
  }
}
