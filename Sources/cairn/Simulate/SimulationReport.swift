import FoundationEssentials
import Glibc
import OCI
import Plot
import Rivals
import Simulation
import Tuning

/// Figures of a simulation, as text, JSON, CSV or a plot.
enum SimulationReport {
  /// Policies that pulled alone, and what has lines of its own.
  case league([League.Score], by: Grouping)
  /// Machines that shared a link.
  case crowd([CrowdRow])

  /// Machines that shared one link with one seed.
  struct CrowdRow: Sendable {
    var model: String
    var policy: PolicyName
    var isWarm: Bool
    var seed: UInt64
    var outcome: Crowd.Outcome
  }

  func text(_ format: TableFormat) throws -> String { try table.text(format) }

  // MARK: Tables

  private var table: Table {
    switch self {
    case .league(let scores, let grouping): Self.table(scores, by: grouping)
    case .crowd(let rows): Self.table(rows)
    }
  }

  private static func table(_ scores: [League.Score], by grouping: Grouping) -> Table {
    var table = Table(columns: [
      "policy", "history", "link", "seconds", "pulls", "mean", "p10", "worst", "connections",
      "to90", "requestsPerGB", "refused",
    ])
    var keys: [Key] = []
    var groups: [Key: [League.Score]] = [:]
    for score in scores {
      let key = Key(
        policy: score.policy, isWarm: score.isWarm, model: grouping.name(of: score.model),
        length: score.length)
      if groups[key] == nil { keys.append(key) }
      groups[key, default: []].append(score)
    }
    for key in keys {
      guard let figures = Figures(groups[key] ?? []) else { continue }
      table.rows.append([
        .text(key.policy.rawValue), .text(key.isWarm ? "warm" : "cold"), .text(key.model),
        .number(key.length, digits: 0), .number(Double(figures.pulls), digits: 0),
        .number(figures.mean, digits: 3), .number(figures.tenth, digits: 3),
        .number(figures.worst, digits: 3), .number(figures.connectionRatio, digits: 2),
        figures.secondsToBest.map { .number($0, digits: 2) } ?? .text("-"),
        .number(figures.requestsPerGigabyte, digits: 0), .number(figures.refusals, digits: 1),
      ])
    }
    return table
  }

  private struct Key: Hashable {
    var policy: PolicyName
    var isWarm: Bool
    var model: String
    var length: Double
  }

  private static func table(_ rows: [CrowdRow]) -> Table {
    var table = Table(columns: [
      "policy", "history", "link", "clients", "seed", "jain", "utilisation", "starved", "meanPool",
      "requests", "refused",
    ])
    for row in rows {
      let outcome = row.outcome
      table.rows.append([
        .text(row.policy.rawValue), .text(row.isWarm ? "idle known" : "cold"), .text(row.model),
        .number(Double(outcome.clients), digits: 0), .number(Double(row.seed), digits: 0),
        .number(outcome.fairness, digits: 3), .number(outcome.utilisation, digits: 3),
        .number(Double(outcome.starved), digits: 0), .number(outcome.meanPool, digits: 1),
        .number(Double(outcome.requests), digits: 0), .number(Double(outcome.refusals), digits: 0),
      ])
    }
    return table
  }

  // MARK: Plots

  /// Efficiency by length, or fairness by policy.
  var plot: Plot {
    switch self {
    case .league(let scores, _):
      let policies = PolicyName.allCases.filter { name in scores.contains { $0.policy == name } }
      var series: [Plot.Series] = []
      for isWarm in [false, true] {
        for length in Set(scores.map(\.length)).sorted() {
          let group = scores.filter { $0.isWarm == isWarm && $0.length == length }
          guard !group.isEmpty else { continue }
          let offset = 0.13 * Double(series.count) - 0.26
          let points = policies.enumerated().compactMap { place, policy in
            Figures(group.filter { $0.policy == policy }).map {
              Plot.Point(
                x: Double(place + 1) + offset, y: $0.mean,
                spread: min($0.tenth, $0.mean)...$0.mean)
            }
          }
          series.append(
            Plot.Series(
              name: "\(Int(length)) s\(isWarm ? ", warm" : "")", style: .points, points: points))
        }
      }
      return Plot(
        title: "Best fixed pool's time over the policy's: mean, down to the 10th percentile",
        xLabel: "", yLabel: "T_oracle / T", series: series, names: policies.map(\.rawValue))
    case .crowd(let rows):
      let policies = PolicyName.allCases.filter { name in rows.contains { $0.policy == name } }
      func series(_ name: String, _ value: @escaping (Crowd.Outcome) -> Double) -> Plot.Series {
        let points = policies.enumerated().map { place, policy in
          let values = rows.filter { $0.policy == policy }.map { value($0.outcome) }.sorted()
          return Plot.Point(
            x: Double(place + 1), y: values[values.count / 2],
            spread: values[0]...values[values.count - 1])
        }
        return Plot.Series(name: name, style: .points, points: points)
      }
      return Plot(
        title: "Machines that share a link", xLabel: "", yLabel: "share",
        series: [
          series("Jain's index", \.fairness), series("utilisation", \.utilisation),
        ], names: policies.map(\.rawValue))
    }
  }
}
