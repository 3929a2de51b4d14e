/// Everything that is measured in the same way: its name, what it means, and its values.
package struct MetricFamily: Sendable {
  /// How values are to be read.
  package enum Kind: String, Sendable {
    /// Only grows, until the process ends; its name ends in `_total`.
    case counter
    /// Goes up and down.
    case gauge
    /// A sum and how many it is of.
    case summary
  }

  /// One value.
  package struct Sample: Sendable {
    /// What follows the family's name: `_sum`, `_count` of a summary.
    package var suffix = ""
    /// What it is of.
    package var labels: [(name: String, value: String)]
    /// The value.
    package var value: Double

    /// Makes a value.
    package init(
      suffix: String = "", labels: [(name: String, value: String)] = [], value: Double
    ) {
      (self.suffix, self.labels, self.value) = (suffix, labels, value)
    }
  }

  /// With the unit at its end, where there is one.
  package let name: String
  /// What it means, in a sentence.
  package let help: String
  /// How its values are to be read.
  package let kind: Kind
  /// The unit; nil: none.
  package let unit: String?
  /// The values.
  package var samples: [Sample]

  /// Makes a family.
  package init(
    _ name: String, unit: String? = nil, _ help: String, _ kind: Kind, _ samples: [Sample] = []
  ) {
    (self.name, self.unit, self.help) = (name, unit, help)
    (self.kind, self.samples) = (kind, samples)
  }

  /// Makes a family with one value and no labels.
  package init(
    _ name: String, unit: String? = nil, _ help: String, _ kind: Kind, _ value: Double
  ) {
    self.init(name, unit: unit, help, kind, [Sample(value: value)])
  }

  /// Adds a value.
  ///
  /// - Parameters:
  ///   - value: what is not finite is left out.
  ///   - labels: what it is of.
  package mutating func add(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
    guard value.isFinite else { return }
    samples.append(Sample(labels: labels.map { ($0.key, $0.value) }, value: value))
  }
}
