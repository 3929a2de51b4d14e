import FoundationEssentials

/// Measures as OpenMetrics text.
///
/// All are gauges: they are of one run, and the next one's replace them. So the text means the same to readers of Prometheus' older
/// format, as a node exporter's `textfile` collector is.
///
/// - Source: OpenMetrics 1.0.0, "Text Format".
struct OpenMetrics {
  /// A family: everything that is measured in the same way.
  struct Family {
    /// With the unit at its end, where there is one.
    let name: String
    var unit: String?
    let help: String
    fileprivate var samples: [(labels: [(String, String)], value: Double)] = []

    init(_ name: String, unit: String? = nil, _ help: String) {
      (self.name, self.unit, self.help) = (name, unit, help)
    }

    /// Adds a value.
    ///
    /// - Parameters:
    ///   - value: finite; what is not is left out.
    ///   - labels: what it is of.
    mutating func add(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
      guard value.isFinite else { return }
      samples.append((labels.map { ($0.key, $0.value) }, value))
    }
  }

  private var families: [Family] = []

  /// Adds a family, if it has anything.
  mutating func add(_ family: Family) {
    if !family.samples.isEmpty { families.append(family) }
  }

  /// The text, with its end.
  var text: String {
    families.map(Self.text).joined() + "# EOF\n"
  }

  private static func text(_ family: Family) -> String {
    var lines = ["# TYPE \(family.name) gauge"]
    if let unit = family.unit { lines.append("# UNIT \(family.name) \(unit)") }
    lines.append("# HELP \(family.name) \(escaped(family.help))")
    for sample in family.samples {
      let labels = sample.labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
      lines.append(
        family.name + (labels.isEmpty ? "" : "{\(labels)}") + " " + number(sample.value))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Backslashes, quotes and ends of lines as the format has them; other controls, which it lets pass, are left out.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default:
        if scalar.properties.generalCategory != .control { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }

  private static func number(_ value: Double) -> String {
    Int64(exactly: value).map { "\($0)" } ?? "\(value)"
  }
}
