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

  /// Adds to the value of the field that came last, behind a space; nothing where there is none.
  package mutating func extendLast(_ more: some StringProtocol) {
    guard !all.isEmpty else { return }
    all[all.count - 1].value += " \(more)"
  }

  /// These fields, and others behind them.
  package func and(_ others: HTTPFields) -> HTTPFields {
    var both = self
    both.all += others.all
    return both
  }

  /// The first value of a field.
  package subscript(_ name: String) -> String? {
    all.first { Self.areSame($0.name, name) }?.value
  }

  /// Every value of a field, in order.
  package func values(_ name: String) -> [String] {
    all.filter { Self.areSame($0.name, name) }.map(\.value)
  }

  /// Without a copy of either: a head may have thousands of fields.
  private static func areSame(_ one: String, _ other: String) -> Bool {
    one.utf8.count == other.utf8.count
      && zip(one.utf8, other.utf8).allSatisfy { lowercase($0) == lowercase($1) }
  }

  private static func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
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
