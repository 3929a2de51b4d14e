/// A value of a TOML document, as far as files of mirrors need to tell them apart.
indirect enum TOMLValue: Equatable, Sendable {
  case string(String)
  case boolean(Bool)
  /// A number or a time, as it is written.
  case other(String)
  case array([TOMLValue])
  case table(TOMLTable)

  var string: String? { if case .string(let text) = self { text } else { nil } }
  var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  var other: String? { if case .other(let text) = self { text } else { nil } }
  var array: [TOMLValue]? { if case .array(let values) = self { values } else { nil } }
  var table: TOMLTable? { if case .table(let table) = self { table } else { nil } }

  /// The strings of an array that has nothing else.
  var strings: [String]? {
    guard let array else { return nil }
    let strings = array.compactMap(\.string)
    return strings.count == array.count ? strings : nil
  }
}
