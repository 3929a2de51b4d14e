import FoundationEssentials
import OCI

/// What `cairn config show` prints.
struct SettingReport {
  private struct Row: Encodable {
    /// As a file has it.
    var key: String
    /// Nil: none, or found when the command runs.
    var value: Value?
    /// `default`, `variable`, `user`, `system`.
    var source: String
    var variable: String?
    var file: String?
    var line: Int?
  }

  /// A value of its own type.
  private enum Value: Encodable {
    case text(String), number(Double), whole(Int), boolean(Bool)

    init(_ text: String, _ kind: ValueKind) {
      switch kind {
      case .boolean: self = .boolean(text == "true")
      case .whole, .size, .wholeOrText: self = Int(text).map { .whole($0) } ?? .text(text)
      case .number: self = Double(text).map { .number($0) } ?? .text(text)
      default: self = .text(text)
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .number(let number): try container.encode(number)
      case .whole(let number): try container.encode(number)
      case .boolean(let value): try container.encode(value)
      }
    }

    var words: String {
      switch self {
      case .text(let text): text.shownSafely(limit: 1_000)
      case .number(let number): "\(number)"
      case .whole(let number): "\(number)"
      case .boolean(let value): "\(value)"
      }
    }
  }

  private struct Document: Encodable {
    var v = 1
    var settings: [Row]
  }

  private var rows: [Row] = []

  init(_ settings: Settings) {
    let (table, entries) = (settings.table, settings.entries)
    let names = Set(table.general.map(\.option))
    for setting in table.general {
      rows.append(
        Self.row(
          setting, Self.best(entries.filter { $0.setting.key == setting.key && $0.registry == nil })
        ))
    }
    for setting in table.special {
      let entry = Self.best(entries.filter { $0.setting.key == setting.key })
      // What only repeats what stands at the top is left out.
      if entry != nil || !names.contains(setting.option) { rows.append(Self.row(setting, entry)) }
    }
    for (_, same) in Dictionary(grouping: entries.filter { $0.registry != nil }, by: \.key)
      .sorted(by: { $0.key < $1.key })
    {
      if let entry = Self.best(same) { rows.append(Self.row(entry.setting, entry)) }
    }
  }

  private static func best(_ entries: [SettingEntry]) -> SettingEntry? {
    entries.reduce(nil) { best, entry in best.map { entry.precedes($0) } ?? true ? entry : best }
  }

  private static func row(_ setting: Setting, _ entry: SettingEntry?) -> Row {
    guard let entry else {
      let value = setting.option.isFlag ? "false" : setting.option.defaultValue
      return Row(key: setting.key, value: value.map { Value($0, setting.kind) }, source: "default")
    }
    var row = Row(key: entry.key, value: Value(entry.value, setting.kind), source: "variable")
    switch entry.origin {
    case .variable(let name): row.variable = name
    case .file(let place, let line):
      row.source = place.isSystems ? "system" : "user"
      row.file = place.path
      row.line = line
    }
    return row
  }

  var text: String {
    let width = rows.map(\.key.count).max() ?? 0
    let values = rows.map { $0.value?.words ?? "-" }
    let valueWidth = min(40, values.map(\.count).max() ?? 0)
    return zip(rows, values).map { row, value in
      let source = row.variable.map { "$\($0)" } ?? row.file.map { "\($0):\(row.line ?? 0)" }
      return Self.padded(row.key, width) + "  " + Self.padded(value, valueWidth) + "  "
        + (source ?? row.source)
    }.joined(separator: "\n")
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  func json() throws -> String {
    String(decoding: try StableJSON.encode(Document(settings: rows)), as: UTF8.self)
  }
}
