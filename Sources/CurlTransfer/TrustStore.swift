internal import CCurl
import Glibc
import Transfer

/// The certificate authorities in the form in which libcurl takes them, made when the first server
/// needs them.
///
/// libcurl makes OpenSSL's form of 140 authorities anew for each connection (about 10 ms), unless
/// they come from one file and from nowhere else: then it keeps what it made of the last one, by
/// its name. So they get a file without a name on any disk. The name in `/proc` is also how it
/// tells connections of different trust apart. Touched by the engine's thread only.
final class TrustStore {
  /// How libcurl gets them.
  enum Form {
    /// A file's path.
    case file(String)
    /// The file's bytes, where there is no `/proc`.
    case bytes([UInt8])
  }

  private let settings: TrustSettings
  private var forms: [ServerAccess: Result<Form, TransferError>] = [:]
  private var descriptors: [Int32] = []

  init(settings: TrustSettings) { self.settings = settings }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }

  /// The authorities that count for a server.
  ///
  /// - Parameter access: its PEM files count beside the engine's.
  /// - Throws: `TransferError` of kind `tls` when one of the files cannot be used or there is no
  ///   authority at all.
  func form(of access: ServerAccess = ServerAccess()) throws(TransferError) -> Form {
    var key = ServerAccess()
    if settings.onlyFile == nil { (key.caFiles, key.caTrust) = (access.caFiles, access.caTrust) }
    if let made = forms[key] { return try made.get() }
    let made: Result<Form, TransferError>
    do {
      let bundle = try TrustBundle(
        settings, serverFiles: key.caFiles, serverTrust: key.caTrust, system: Self.system)
      made = .success(form(of: bundle.text))
    } catch {
      made = .failure(error)
    }
    forms[key] = made
    return try made.get()
  }

  private func form(of text: [UInt8]) -> Form {
    let descriptor = text.withUnsafeBytes { cairn_memory_file($0.baseAddress, $0.count) }
    guard descriptor >= 0 else { return .bytes(text) }
    descriptors.append(descriptor)
    let path = "/proc/self/fd/\(descriptor)"
    return access(path, R_OK) == 0 ? .file(path) : .bytes(text)
  }

  /// What libcurl would trust by itself.
  private static var system: TrustBundle.System {
    guard let version = cairn_version()?.pointee else {
      return TrustBundle.System(file: nil, folder: nil)
    }
    return TrustBundle.System(
      file: version.cainfo.map { String(cString: $0) },
      folder: version.capath.map { String(cString: $0) })
  }
}
