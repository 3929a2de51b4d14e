/// A value of a TOML document, as far as files of mirrors need to tell them apart.
package indirect enum TOMLValue: Equatable, Sendable {
  case string(String)
  case boolean(Bool)
  /// A number or a time, as it is written.
  case other(String)
  case array([TOMLValue])
  case table(TOMLTable)

  package var string: String? { if case .string(let text) = self { text } else { nil } }
  package var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  package var other: String? { if case .other(let text) = self { text } else { nil } }
  package var array: [TOMLValue]? { if case .array(let values) = self { values } else { nil } }
  package var table: TOMLTable? { if case .table(let table) = self { table } else { nil } }

  /// The strings of an array that has nothing else.
  package var strings: [String]? {
    guard let array else { return nil }
    let strings = array.compactMap(\.string)
    return strings.count == array.count ? strings : nil
  }
}
