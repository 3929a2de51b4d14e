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

  /// Tables are equal by what they say, wherever that stands.
  package static func == (one: TOMLTable, other: TOMLTable) -> Bool {
    one.keys == other.keys && one.values == other.values
  }
}
