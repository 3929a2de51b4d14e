/// One metric in Prometheus' text format, version 0.0.4: its name, what it means, and its values.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricFamily: Sendable {
  /// How its values are to be read.
  enum Kind: String, Sendable {
    /// Only grows, until the process ends.
    case counter
    /// Goes up and down.
    case gauge
    /// A sum and how many it is of.
    case summary
  }

  /// One value.
  struct Sample: Sendable {
    /// What follows the metric's name: `_sum`, `_count` of a summary.
    var suffix = ""
    var labels: [(name: String, value: String)]
    var value: Double
  }

  let name: String
  let help: String
  let kind: Kind
  var samples: [Sample]

  init(_ name: String, _ help: String, _ kind: Kind, _ samples: [Sample]) {
    (self.name, self.help, self.kind, self.samples) = (name, help, kind, samples)
  }

  /// A metric with one value and no labels.
  init(_ name: String, _ help: String, _ kind: Kind, _ value: Double) {
    self.init(name, help, kind, [Sample(labels: [], value: value)])
  }

  /// Its lines.
  var text: String {
    var lines =
      "# HELP \(name) \(Self.escaped(help, quote: false))\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quote: true))\"" }
      lines += name + sample.suffix
      lines += labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
      lines += " \(Self.number(sample.value))\n"
    }
    return lines
  }

  /// A line feed would end the line, and a quotation mark the label.
  private static func escaped(_ text: String, quote: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quote: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whole numbers have no point: all of them up to 2^53 are exact.
  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map { String($0) } ?? String(value)
  }
}
