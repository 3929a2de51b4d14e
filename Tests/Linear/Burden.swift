/// What the most that a server may send costs in memory, where nearly every byte of it is a value.
///
/// Lengths that double say nothing of this: sixty bytes of memory for each of the text are linear work, too.
enum Burden {
  /// Bytes of a text: of a manifest a server may send no more.
  private static let bytes = 4 << 20
  /// The most bytes of memory for each of the text, copies of it included.
  private static let most = 8
  /// Times that it is looked at: who else is busy takes memory once, not always.
  private static let tries = 3

  private static let frames: [(before: String, behind: String)] = [
    ("{\"tags\":[", "1]}"), ("{\"schemaVersion\":2,\"layers\":[", "1]}"),
    ("{\"auths\":{\"a\":[", "1]}}"), ("{\"token\":[", "1]}"), ("[", "1]"),
  ]
  private static let units = ["1,", "\"\",", "[],", "{},", "{\"\":0},", "[{\"\":[]}],", "1 , "]

  /// Looks at every parser of documents.
  ///
  /// - Parameter only: part of a name; empty: all.
  /// - Returns: how many cases there were, and what is wrong.
  static func look(only: String) -> (cases: Int, failures: [String]) {
    var (cases, failures) = (0, [String]())
    for parser in Parser.documents {
      for (before, behind) in frames {
        for unit in units {
          let name = "\(parser.name) \(before)\(unit)… 4 MiB"
          guard only.isEmpty || name.contains(only) else { continue }
          cases += 1
          let repeated = String(repeating: unit, count: bytes / unit.utf8.count)
          let run = parser.run(Array("\(before)\(repeated)\(behind)".utf8))
          let costs = (0..<tries).lazy.map { _ in Cost(run, withMemory: true).memory }
          guard !costs.contains(where: { $0 <= most * bytes }) else { continue }
          failures.append("\(name): more than \(most) times as much memory")
        }
      }
    }
    return (cases, failures)
  }
}
