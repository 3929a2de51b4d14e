import FoundationEssentials
import OCI

/// What `cairn inspect` shows of an image's configuration.
struct InspectedConfiguration: Encodable {
  /// A step in which the image was made, with the layer that it made.
  struct Step: Encodable {
    var created: String?
    var createdBy: String?
    var comment: String?
    /// The layer; nil: it made none, or it is not known which.
    var layer: Digest?
    /// The layer's bytes as it is served; 0 where it made none, nil where it is not known which it made.
    var size: Int64?
  }

  private let details: ImageDetails
  let history: [Step]

  /// - Parameters:
  ///   - details: what the configuration says.
  ///   - layers: of the manifest.
  init(_ details: ImageDetails, layers: [Descriptor]) {
    self.details = details
    // Some tools write fewer steps than layers, or more: then nobody knows which made which.
    let fits = details.history.count { !$0.isEmpty } == layers.count
    var rest = layers[...]
    history = details.history.map { step in
      let layer = fits && !step.isEmpty ? rest.popFirst() : nil
      return Step(
        created: step.created, createdBy: step.createdBy, comment: step.comment,
        layer: layer?.digest, size: step.isEmpty ? 0 : layer?.size)
    }
  }

  private enum CodingKeys: String, CodingKey { case history }

  func encode(to encoder: any Encoder) throws {
    try details.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(history, forKey: .history)
  }

  // MARK: Text

  /// Characters of a command in a text; JSON has all of it.
  private static let commandLimit = 160

  /// The lines of a text.
  var lines: [String] {
    let facts: [(String, String?)] = [
      ("created", details.created), ("author", details.author),
      ("entrypoint", Self.list(details.entrypoint)), ("command", Self.list(details.command)),
      ("shell", Self.list(details.shell)), ("user", details.user),
      ("directory", details.workingDirectory),
      ("ports", details.ports?.joined(separator: " ")),
      ("volumes", details.volumes?.joined(separator: " ")), ("stopped by", details.stopSignal),
      ("health", Self.list(details.healthcheck)),
    ]
    var lines = facts.compactMap { name, value in
      value.map { InspectReport.pad(name, 11) + Self.line($0) }
    }
    lines += Self.section("environment", details.environment ?? [])
    lines += Self.section(
      "labels", (details.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" })
    lines += Self.section(
      "history",
      history.map { step in
        let size = step.size.map { $0 == 0 && step.layer == nil ? "-" : ByteCount.text($0) } ?? "?"
        let words = step.createdBy ?? step.comment ?? "-"
        let short = words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return InspectReport.pad(size, 10) + short.shownSafely(limit: Self.commandLimit)
      })
    return lines
  }

  private static func section(_ name: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : [name] + lines.map { "  " + line($0) }
  }

  /// A list as JSON has it, so that one sees where each part ends.
  private static func list(_ words: [String]?) -> String? {
    words.flatMap { try? StableJSON.encode($0) }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// In one line, whatever is in it; as characters, CR LF is neither of the two.
  private static func line(_ text: String) -> String {
    let ends: [Unicode.Scalar: String] = ["\n": "\\n", "\r": "\\r", "\t": "\\t"]
    return text.unicodeScalars.map { ends[$0] ?? String($0) }.joined()
  }
}
