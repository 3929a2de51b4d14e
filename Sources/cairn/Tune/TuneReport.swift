import FoundationEssentials
import Glibc
import History
import OCI
import Tuning

/// What was learned, path by path: what is known, how sure that is, by which evidence, and what is
/// not known yet.
struct TuneReport {
  let paths: [KnownWay]
  /// What was asked for, after "nothing was learned": of a registry, on a machine; empty: anything.
  private let sought: String

  private static let barWidth = 40.0

  /// - Parameters:
  ///   - paths: what the history has.
  ///   - now: seconds since 1970.
  ///   - registry: the only one that was asked for; nil: all.
  ///   - machine: the same; `all` is all.
  init(
    paths: [History.PathReport], now: Double, registry: String? = nil, machine: String? = nil
  ) {
    let place = machine == "all" ? nil : machine
    sought = (registry.map { " of " + $0 } ?? "") + (place.map { " on " + $0 } ?? "")
    self.paths = paths.map { KnownWay($0, now: now) }
  }

  func text(_ format: ReportFormat) throws -> String {
    switch format {
    case .json: return try table.text(.json)
    case .csv: return try table.text(.csv)
    case .html: return ReportPage(paths: paths).html
    case .text: break
    }
    guard !paths.isEmpty else {
      guard sought.isEmpty else {
        return "nothing was learned\(sought.shownSafely(limit: 1_000)) yet\n"
      }
      return "nothing was learned yet; every cairn pull --workers auto adds to it\n"
    }
    return paths.map { section($0) }.joined(separator: "\n")
  }

  // MARK: Text

  private func section(_ way: KnownWay) -> String {
    var lines = ["\(way.path.registry) from \(way.machineWords), network \(way.path.network)"]
    if way.path.blobHost != way.path.registry {
      lines.append("  blobs from \(way.path.blobHost)")
    }
    lines.append("  " + way.usedWords)
    lines.append("  " + way.bestWords)
    lines += way.evidenceWords.map { "    " + $0 }
    lines += way.comparedWords.map { "  " + $0 }
    if let start = way.startWords { lines.append("  " + start) }
    if let ceiling = way.report.prior?.ceiling {
      lines.append("  the server refused more than \(ceiling)")
    }
    lines += bars(way)
    // Names in a history are data from outside.
    return lines.map { $0.shownSafely(limit: 1_000) + "\n" }.joined()
  }

  private func bars(_ way: KnownWay) -> [String] {
    let points = way.points
    let most = points.map(\.rate).max() ?? 1
    return points.map { point in
      let width = max(
        1, min(Int(Self.barWidth), Int(clamping: (point.rate / most * Self.barWidth).rounded())))
      let mark = way.isKnown && point.poolSize == way.estimate?.optimum ? " *" : ""
      let bar = String(repeating: point.isBound ? "-" : "#", count: width)
      return String(figures: "%6d ", point.poolSize) + bar + (point.isBound ? " at least " : " ")
        + KnownWay.mebibytes(point.rate) + mark
    }
  }

  // MARK: Tables

  private var table: Table {
    var table = Table(columns: Self.columns.map { $0.name })
    table.rows = paths.map { way in Self.columns.map { $0.cell(way) } }
    return table
  }

  /// Each column's name, and what stands in it.
  private static let columns: [(name: String, cell: @Sendable (KnownWay) -> Table.Cell)] = [
    ("machine", { .text($0.machine.name) }),
    ("cpus", { size($0.machine.cpus) }),
    ("registry", { .text($0.path.registry) }),
    ("blobHost", { .text($0.path.blobHost) }),
    ("network", { .text($0.path.network) }),
    ("pulls", { size($0.report.pulls) }),
    ("ageSeconds", { number($0.age) }),
    ("isKnown", { .flag($0.isKnown) }),
    // What did best so far, where `isKnown` says no.
    ("optimum", { size(known($0)?.optimum ?? $0.start) }),
    ("optimumLow", { size(known($0)?.interval.lowerBound) }),
    ("optimumHigh", { size(known($0)?.interval.upperBound) }),
    ("rate", { number(known($0)?.rate) }),
    ("rateAtOne", { number($0.measuredRate(1)) }),
    ("rateAtTwiceCPU", { number($0.measuredRate(2 * $0.machine.cpus)) }),
    ("unknown", { text($0.isKnown ? nil : $0.unknownWords) }),
    ("evidence", { .text(evidence($0).joined(separator: "; ")) }),
    ("startsWith", { size($0.start) }),
    ("limitedBy", { text($0.report.limitedBy?.rawValue) }),
    ("ceiling", { size($0.report.prior?.ceiling) }),
    ("points", { cell($0.points) }),
  ]

  private static func known(_ way: KnownWay) -> PathEstimate? { way.isKnown ? way.estimate : nil }

  private static func evidence(_ way: KnownWay) -> [String] {
    (way.report.siteMachines == nil ? [] : [way.usedWords]) + way.evidenceWords
  }

  private static func number(_ value: Double?) -> Table.Cell {
    value.map { .number($0, digits: 0) } ?? .missing
  }

  private static func text(_ value: String?) -> Table.Cell { value.map { .text($0) } ?? .missing }

  private static func size(_ value: Int?) -> Table.Cell { number(value.map { Double($0) }) }

  /// What was measured at each pool size; a lower bound has a rate and nothing around it.
  private static func cell(_ points: [KnownWay.Point]) -> Table.Cell {
    let rows = points.map { point in
      var row = ["poolSize": Double(point.poolSize), "rate": point.rate.rounded()]
      row["low"] = point.spread?.lowerBound.rounded()
      row["high"] = point.spread?.upperBound.rounded()
      return row
    }
    let shown = points.map { point in
      "\(point.poolSize) \(point.isBound ? "at least " : "")" + String(figures: "%.0f", point.rate)
    }
    return .list(rows, shown: shown.joined(separator: "; "))
  }
}

/// How a report is shown.
enum ReportFormat: String, CaseIterable {
  case text, json, csv
  /// One page that needs nothing else.
  case html
}
