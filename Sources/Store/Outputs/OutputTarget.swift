import Disk
import OCI

/// Where a pulled image is written beside the store, in the notation of containers' transports.
package enum OutputTarget: Sendable, Equatable {
  /// An OCI image layout; the tag names the image in it.
  case oci(directory: String, tag: String?)
  /// A tar file of an OCI image layout; `-` is standard output.
  case ociArchive(file: String, tag: String?)
  /// What `docker save` writes and `docker load` reads; `-` is standard output.
  case dockerArchive(file: String, reference: String?)
  /// Skopeo's flat directory of one image.
  case directory(String)

  /// How each is written, for help and errors; what stands before the first colon is its transport.
  package static let forms = [
    "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:FILE[:REF]", "dir:DIR",
  ]

  /// The words that begin them, with their colon.
  package static let transports = forms.map { String($0.prefix { $0 != ":" }) + ":" }

  /// A list for people: "a, b or c".
  private static func choice(_ words: [String]) -> String {
    words.dropLast().joined(separator: ", ") + (words.last.map { " or \($0)" } ?? "")
  }

  /// Parses `TRANSPORT:…`.
  ///
  /// - Parameter text: for example `oci:out:latest`, `docker-archive:-`.
  /// - Throws: `StoreError.badOutput`.
  package init(_ text: String) throws(StoreError) {
    guard let colon = text.firstIndex(of: ":") else {
      throw .badOutput(
        "output \"\(text)\" names no transport: use \(Self.choice(Self.forms))")
    }
    let transport = text[..<colon]
    let rest = String(text[text.index(after: colon)...])
    let second = rest.firstIndex(of: ":")
    let path = second.map { String(rest[..<$0]) } ?? rest
    let name = second.map { String(rest[rest.index(after: $0)...]) }
    guard !(transport == "dir" ? rest : path).isEmpty, name != "" else {
      throw .badOutput("output \"\(text)\" is not complete")
    }
    switch transport {
    case "oci": self = .oci(directory: path, tag: name)
    case "oci-archive": self = .ociArchive(file: path, tag: name)
    case "docker-archive":
      if let name {
        do { _ = try Reference(name) } catch { throw .badOutput("output \"\(text)\": \(error)") }
      }
      self = .dockerArchive(file: path, reference: name)
    case "dir": self = .directory(rest)
    default:
      throw .badOutput(
        "output transport \"\(String(transport).shownSafely(limit: 40))\" is unknown: "
          + "use \(Self.choice(Self.transports.map { String($0.dropLast()) }))")
    }
  }

  /// The output in the notation it was given in.
  package var name: String {
    switch self {
    case .oci(let path, let name): "oci:\(path)" + (name.map { ":\($0)" } ?? "")
    case .ociArchive(let path, let name): "oci-archive:\(path)" + (name.map { ":\($0)" } ?? "")
    case .dockerArchive(let path, let name):
      "docker-archive:\(path)" + (name.map { ":\($0)" } ?? "")
    case .directory(let path): "dir:\(path)"
    }
  }

  /// True where the image goes to standard output.
  package var isStandardOutput: Bool {
    switch self {
    case .ociArchive(let file, _), .dockerArchive(let file, _):
      OutputFile.isStandardOutput(file)
    case .oci, .directory: false
    }
  }
}
