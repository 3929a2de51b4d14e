/// The fields of an HTTP message in order, looked up without regard to case.
package struct HTTPFields: Sendable, Hashable {
  /// Name and value of each field.
  package private(set) var all: [(name: String, value: String)] = []

  /// Makes fields from pairs.
  package init(_ fields: [(String, String)] = []) {
    all = fields.map { (name: $0.0, value: $0.1) }
  }

  /// Adds a field; an earlier one of the same name stays.
  package mutating func append(_ name: String, _ value: String) {
    all.append((name: name, value: value))
  }

  /// These fields, and others behind them.
  package func and(_ others: HTTPFields) -> HTTPFields {
    var both = self
    both.all += others.all
    return both
  }

  /// The first value of a field.
  package subscript(_ name: String) -> String? {
    all.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// Every value of a field, in order.
  package func values(_ name: String) -> [String] {
    all.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }

  /// Equal names and values in equal order.
  package static func == (left: HTTPFields, right: HTTPFields) -> Bool {
    left.all.map { [$0.name, $0.value] } == right.all.map { [$0.name, $0.value] }
  }

  /// Hashes what is compared.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(all.map { [$0.name, $0.value] })
  }
}
