import Disk
import Text
import Transfer

/// A folder of certificates in Docker's layout: `*.crt` are authorities, `*.cert` and the `*.key`
/// of the same name prove who asks.
struct CertificateFolder: Equatable {
  /// How the server is reached.
  private(set) var access = ServerAccess()
  /// What cannot be used.
  private(set) var warnings: [String] = []

  /// - Parameters:
  ///   - path: the folder.
  ///   - names: what is in it, sorted.
  ///   - trust: whose files in it count; nil: everybody's.
  init(_ path: String, names: [String], trust: FileTrust? = nil) {
    func base(_ name: String, _ ending: String) -> String? {
      name.ends(with: ending) ? String(name.unicodeScalars.dropLast(ending.count)) : nil
    }
    access.caFiles = names.filter { $0.ends(with: ".crt") }.map { "\(path)/\($0)" }
    access.caTrust = trust
    let certificates = names.compactMap { base($0, ".cert") }
    if let first = certificates.first {
      access.clientCertificate = .init(
        certificate: "\(path)/\(first).cert",
        // The key may be in the certificate's file.
        key: names.contains { $0.exact == "\(first).key".exact } ? "\(path)/\(first).key" : nil,
        trust: trust)
    }
    if certificates.count > 1 {
      warnings.append(
        "\(path) has \(certificates.count) client certificates, of which \(certificates[0]).cert is shown"
      )
    }
    let paired = Set(certificates.map(\.exact))
    for name in names.compactMap({ base($0, ".key") }) where !paired.contains(name.exact) {
      warnings.append("\(path)/\(name).key has no certificate \(name).cert beside it")
    }
  }

  /// Whether there is nothing in it that says how a server is reached.
  var isEmpty: Bool { access.caFiles.isEmpty && access.clientCertificate == nil }
}
