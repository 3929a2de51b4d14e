/// A table of a TOML document: keys in the order in which the document has them.
package struct TOMLTable: Equatable, Sendable {
  package private(set) var keys: [String] = []
  private var values: [String: TOMLValue] = [:]

  package init() {}

  package subscript(key: String) -> TOMLValue? { values[key] }

  private mutating func set(_ key: String, _ value: TOMLValue) {
    if values.updateValue(value, forKey: key) == nil { keys.append(key) }
  }

  /// Puts a value at a path, in the last table of each array on the way; false: something else is there.
  mutating func put(_ value: TOMLValue, at path: ArraySlice<String>, isNew: Bool) -> Bool {
    guard let key = path.first else { return false }
    let rest = path.dropFirst()
    if rest.isEmpty {
      guard !isNew || values[key] == nil else { return false }
      set(key, value)
      return true
    }
    var earlier = values[key]?.array
    guard
      var inner = values[key] == nil
        ? TOMLTable() : values[key]?.table ?? earlier?.popLast()?.table,
      inner.put(value, at: rest, isNew: isNew)
    else { return false }
    set(key, earlier.map { .array($0 + [.table(inner)]) } ?? .table(inner))
    return true
  }
}
