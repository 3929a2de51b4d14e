package import Disk
import FoundationEssentials
import Glibc
import Text

/// Every certificate authority that counts for a server, from all the places that there are, each once.
///
/// libcurl takes one file, and keeps what it made of it for the next connection only where that
/// file is all there is. So the places are read here, once.
package struct TrustBundle: Sendable, Equatable {
  /// Where the system keeps its authorities; libcurl knows.
  package struct System: Sendable, Equatable {
    /// A PEM file of all of them; nil: there is none.
    package var file: String?
    /// A directory of PEM files; nil: there is none.
    package var folder: String?

    /// Makes a description of the places.
    package init(file: String?, folder: String?) {
      self.file = file
      self.folder = folder
    }
  }

  private var certificates: [PEMCertificate] = []
  private var known: Set<PEMCertificate> = []

  /// The most bytes that are read of a file; all of the world's authorities have a quarter of a megabyte.
  private static let fileLimit = 16 << 20

  /// Reads all places.
  ///
  /// - Parameters:
  ///   - settings: which places count.
  ///   - serverFiles: PEM files that count for one server beside them.
  ///   - serverTrust: whose of these count; nil: everybody's.
  ///   - system: where the system keeps its authorities.
  /// - Throws: `TransferError` of kind `tls`: a file that was named cannot be used, or nobody would
  ///   be trusted.
  package init(
    _ settings: TrustSettings, serverFiles: [String] = [], serverTrust: FileTrust? = nil,
    system: System
  ) throws(TransferError) {
    if let only = settings.onlyFile {
      add(try Self.named(only))
      return
    }
    if settings.replacesSystem {
      settings.environmentFile.map { addFile($0) }
      for folder in settings.environmentFolders { addFolder(folder) }
    } else {
      system.file.map { addFile($0) }
      system.folder.map { addFolder($0) }
    }
    for file in settings.extraFiles { add(try Self.named(file)) }
    for file in serverFiles { add(try Self.named(file, trust: serverTrust)) }
    guard certificates.isEmpty else { return }
    let reason =
      settings.replacesSystem
      ? "SSL_CERT_FILE and SSL_CERT_DIR lead to no certificate" : "this system has none installed"
    throw TransferError(.tls, "no certificate authority is trusted: \(reason)")
  }

  /// How many there are.
  package var count: Int { certificates.count }

  /// All of them as one PEM file.
  package var text: [UInt8] { certificates.flatMap(\.text) }

  /// Reads a file that somebody asked for by name: all of it must be right.
  static func named(_ path: String, trust: FileTrust? = nil) throws(TransferError)
    -> [PEMCertificate]
  {
    let bytes: [UInt8]
    do throws(DiskError) {
      bytes = try InputFile.read(path, limit: fileLimit, pipes: .read, trust: trust)
    } catch {
      let reason = error.reason ?? String(cString: strerror(error.code))
      throw TransferError(.tls, "the certificate authorities in \(path) cannot be read: \(reason)")
    }
    let reading = PEMCertificate.read(bytes)
    guard reading.damaged == 0 else {
      throw TransferError(.tls, "\(path) has a certificate that is damaged")
    }
    guard !reading.certificates.isEmpty else {
      throw TransferError(.tls, "\(path) has no certificate in PEM form")
    }
    return reading.certificates
  }

  private mutating func add(_ more: [PEMCertificate]) {
    for certificate in more where known.insert(certificate).inserted {
      certificates.append(certificate)
    }
  }

  private mutating func addFile(_ path: String, pipes: InputFile.Pipes = .read) {
    guard let bytes = try? InputFile.read(path, limit: Self.fileLimit, pipes: pipes) else { return }
    add(PEMCertificate.read(bytes).certificates)
  }

  /// Adds every file of a directory; links within it only give names to its own files.
  private mutating func addFolder(_ path: String) {
    for name in Files.list(path) {
      let file = "\(path)/\(name)"
      if let target = Files.link(file), !target.has("/") { continue }
      addFile(file, pipes: .refused)
    }
  }
}
