import FoundationEssentials
import OCI
import Text

/// What is written down in the cache's folder: a line of JSON for each thing that is remembered.
enum NotedLines {
  /// The lines, in an order that does not depend on chance.
  static func text(_ lines: some Sequence<some Encodable>) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return lines.compactMap { try? encoder.encode($0) }
      .map { String(decoding: $0, as: UTF8.self) + "\n" }.sorted().joined()
  }

  /// What can be read of them; what is damaged is passed over.
  static func read<Line: Decodable>(_ type: Line.Type, from text: String) -> [Line] {
    text.split(separator: "\n").compactMap {
      try? OutsideJSON.decode(type, from: Data($0.utf8))
    }
  }

  /// Whether there can be such a repository.
  static func isRepository(_ repository: String, of registry: String) -> Bool {
    guard let reference = try? Reference("\(registry)/\(repository)") else { return false }
    return reference.registry == registry && reference.repository == repository
  }
}
