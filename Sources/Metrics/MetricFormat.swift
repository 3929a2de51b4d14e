/// How metrics are written as text.
///
/// - Source: Prometheus' "Exposition formats", text format 0.0.4; OpenMetrics 1.0.0, "Text Format".
package enum MetricFormat: Sendable {
  /// What Prometheus reads: version 0.0.4.
  case prometheus
  /// OpenMetrics, which knows units and says where it ends. Of gauges it means the same to readers
  /// of the older one.
  case openMetrics

  /// The media type that an answer has.
  package var mediaType: String {
    switch self {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// The whole text.
  ///
  /// A family without values is named all the same: so readers see that it exists.
  package func text(_ families: [MetricFamily]) -> String {
    families.map(text).joined() + (self == .openMetrics ? "# EOF\n" : "")
  }

  private func text(_ family: MetricFamily) -> String {
    (head(family) + family.samples.map { line($0, of: family) }).joined(separator: "\n") + "\n"
  }

  private func head(_ family: MetricFamily) -> [String] {
    let type = "# TYPE \(name(of: family)) \(family.kind.rawValue)"
    let help = "# HELP \(name(of: family)) "
    switch self {
    case .prometheus: return [help + escaped(family.help, quote: false), type]
    case .openMetrics:
      let unit = family.unit.map { ["# UNIT \(name(of: family)) \($0)"] } ?? []
      return [type] + unit + [help + escaped(family.help, quote: true)]
    }
  }

  /// OpenMetrics has a counter's `_total` at its values only.
  private func name(of family: MetricFamily) -> String {
    guard self == .openMetrics, family.kind == .counter, family.name.hasSuffix("_total") else {
      return family.name
    }
    return String(family.name.dropLast("_total".count))
  }

  private func line(_ sample: MetricFamily.Sample, of family: MetricFamily) -> String {
    let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quote: true))\"" }
    return family.name + sample.suffix
      + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") + " \(number(sample.value))"
  }

  /// A line feed would end the line, and a quotation mark the label; other controls, which the
  /// formats let pass, are left out.
  private func escaped(_ text: String, quote: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quote: result += "\\\""
      default:
        if scalar.properties.generalCategory != .control { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }

  /// Whole numbers have no point: all of them up to 2^53 are exact.
  private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map { String($0) } ?? String(value)
  }
}
