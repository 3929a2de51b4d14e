/// A table of a TOML document: keys in the order in which the document has them.
package struct TOMLTable: Equatable, Sendable {
  package private(set) var keys: [String] = []
  private var values: [String: TOMLValue] = [:]
  private var lines: [String: Int] = [:]

  package init() {}

  package subscript(key: String) -> TOMLValue? { values[key] }

  /// The line on which a key stands, from 1; for a table that on which it begins.
  package func line(of key: String) -> Int? { lines[key] }

  /// Adds a key that is not there.
  mutating func append(_ key: String, _ value: TOMLValue, line: Int) {
    keys.append(key)
    values[key] = value
    lines[key] = line
  }

  /// The table with the keys that somebody knows as he writes them, in whatever case they stand
  /// here: readers in Go make no difference.
  ///
  /// - Throws: `Twice` where two keys are one then.
  package func folded(to known: Set<String>) throws(Twice) -> TOMLTable {
    var table = TOMLTable()
    for key in keys {
      let usual = known.contains(key.lowercased()) ? key.lowercased() : key
      guard table[usual] == nil else { throw Twice(key: usual) }
      if let value = values[key] { table.append(usual, value, line: lines[key] ?? 0) }
    }
    return table
  }

  /// A key stands there twice, in different cases.
  package struct Twice: Error, Equatable {
    package let key: String
  }

  /// Tables are equal by what they say, wherever that stands.
  package static func == (one: TOMLTable, other: TOMLTable) -> Bool {
    one.keys == other.keys && one.values == other.values
  }
}
