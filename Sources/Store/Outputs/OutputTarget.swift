import Disk
import OCI
import Text

/// Where a pulled image is written beside the store, in the notation of containers' transports.
package struct OutputTarget: Sendable, Equatable {
  /// What is written.
  package let transport: OutputTransport
  /// Where: a file, of which `-` is standard output, or a directory.
  package let path: String
  /// What the image is called there: a tag, or a reference; nil: as it was pulled.
  package let label: String?

  /// Makes a target.
  package init(_ transport: OutputTransport, _ path: String, _ label: String? = nil) {
    self.transport = transport
    self.path = path
    self.label = label
  }

  /// How each is written, for help and errors; what stands before the first colon is its transport.
  package static let forms = OutputTransport.allCases.map(\.form)

  /// The words that begin them, with their colon.
  package static let transports = OutputTransport.allCases.map(\.word)

  /// Parses `TRANSPORT:…`.
  ///
  /// - Parameter text: for example `oci:out:latest`, `docker-archive:-`.
  /// - Throws: `StoreError.badOutput`.
  package init(_ text: String) throws(StoreError) {
    guard let (first, behind) = text.cut(at: ":") else {
      throw .badOutput(
        "output \"\(text)\" names no transport: use \(OutputTransport.choice(Self.forms))")
    }
    let (word, rest) = (String(first), String(behind))
    let transport = OutputTransport(rawValue: word)
    let ends = rest.cut(at: ":")
    let label = (ends?.after).map(String.init)
    let isWhole = transport?.labels == OutputTransport.Labels.none
    let path = isWhole ? rest : (ends?.before).map(String.init) ?? rest
    guard !path.isEmpty, label != "" else {
      throw .badOutput("output \"\(text)\" is not complete")
    }
    guard let transport else {
      throw .badOutput(
        "output transport \"\(word.shownSafely(limit: 40))\" is unknown: "
          + "use \(OutputTransport.choice(OutputTransport.allCases.map(\.rawValue)))")
    }
    if let label, transport.labels == .reference {
      do { _ = try Reference(label) } catch { throw .badOutput("output \"\(text)\": \(error)") }
    }
    self.init(transport, path, isWhole ? nil : label)
  }

  /// The output in the notation it was given in.
  package var name: String { transport.word + path + (label.map { ":\($0)" } ?? "") }

  /// True where the image goes to standard output.
  package var isStandardOutput: Bool { transport.isFile && OutputFile.isStandardOutput(path) }
}
