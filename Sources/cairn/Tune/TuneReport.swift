import Glibc
import History
import OCI
import Plot
import Tuning

/// What was learned, path by path.
struct TuneReport {
  let paths: [History.PathReport]
  /// Seconds since 1970.
  let now: Double

  private static let barWidth = 40.0

  func text(_ format: TableFormat) throws -> String {
    guard format == .text else { return try table.text(format) }
    guard !paths.isEmpty else {
      return "nothing was learned yet; every cairn pull --workers auto adds to it\n"
    }
    return paths.map { section($0) }.joined(separator: "\n")
  }

  // MARK: Text

  private func section(_ path: History.PathReport) -> String {
    let machine = path.machine
    var lines = [
      "\(path.path.registry) from \(machine.name) (\(machine.cpus) CPUs, \(machine.os) "
        + "\(machine.architecture)), network \(path.path.network)"
    ]
    if path.path.blobHost != path.path.registry {
      lines.append("  blobs from \(path.path.blobHost)")
    }
    let pulls = path.isImported ? "imported" : Self.pulls(path)
    lines.append("  \(pulls), last \(age(path)) ago" + limitWords(path))
    guard let curve = path.prior.flatMap({ RateCurve($0) }) else {
      lines.append("  nothing measured yet: its pulls were too short")
      return Self.shown(lines)
    }
    lines.append(
      "  best with \(curve.optimum) workers (\(curve.interval.lowerBound) to "
        + "\(curve.interval.upperBound) may be as good): \(megabytes(curve.rate))")
    for (size, name) in [(1, "one worker"), (2 * machine.cpus, "2 x CPU = \(2 * machine.cpus)")] {
      guard let rate = curve.rate(at: size) else { continue }
      let isMeasured = curve.points.contains { $0.poolSize == size }
      lines.append(
        "  \(name): \(megabytes(rate))\(isMeasured ? "" : " by the fitted curve"), "
          + String(figures: "%.0f %% of the best", 100 * rate / curve.rate))
    }
    if let ceiling = path.prior?.ceiling {
      lines.append("  the server refused more than \(ceiling)")
    }
    lines += bars(curve)
    return Self.shown(lines)
  }

  /// Names in a history are data from outside.
  private static func shown(_ lines: [String]) -> String {
    lines.map { $0.shownSafely(limit: 1_000) + "\n" }.joined()
  }

  private func bars(_ curve: RateCurve) -> [String] {
    let most = curve.points.map(\.rate).max() ?? 1
    return curve.points.map { point in
      let width = Int(clamping: min(point.rate / most, 1) * Self.barWidth)
      let mark = point.poolSize == curve.optimum ? " *" : ""
      let size = String(figures: "%6d ", point.poolSize)
      let bar = String(repeating: "#", count: max(1, width))
      return size + bar + (point.isBound ? " at least " : " ") + megabytes(point.rate) + mark
    }
  }

  private func limitWords(_ path: History.PathReport) -> String {
    path.limitedBy.map { "; limited by \($0.words)" } ?? ""
  }

  private func age(_ path: History.PathReport) -> String {
    let seconds = max(0, now - path.usedAt)
    if seconds < 90 { return "\(Int(clamping: seconds)) s" }
    if seconds < 5_400 { return "\(Int(clamping: seconds / 60)) min" }
    if seconds < 129_600 { return "\(Int(clamping: seconds / 3_600)) h" }
    return "\(Int(clamping: seconds / 86_400)) days"
  }

  private func megabytes(_ rate: Double) -> String {
    String(figures: "%.2f MiB/s", rate / 1_048_576)
  }

  /// How many, in words.
  static func pulls(_ path: History.PathReport) -> String {
    path.pulls == 1 ? "1 pull" : "\(path.pulls) pulls"
  }

  // MARK: Tables

  private var table: Table {
    var table = Table(columns: [
      "machine", "cpus", "registry", "blobHost", "network", "pulls", "ageSeconds", "optimum",
      "optimumLow", "optimumHigh", "rate", "rateAtOne", "rateAtTwiceCPU", "limitedBy", "ceiling",
    ])
    for path in paths {
      let curve = path.prior.flatMap { RateCurve($0) }
      func number(_ value: Double?, _ digits: Int = 0) -> Table.Cell {
        value.map { .number($0, digits: digits) } ?? .text("")
      }
      table.rows.append([
        .text(path.machine.name), number(Double(path.machine.cpus)), .text(path.path.registry),
        .text(path.path.blobHost), .text(path.path.network), number(Double(path.pulls)),
        number(max(0, now - path.usedAt)), number(curve.map { Double($0.optimum) }),
        number(curve.map { Double($0.interval.lowerBound) }),
        number(curve.map { Double($0.interval.upperBound) }), number(curve?.rate),
        number(curve?.rate(at: 1)), number(curve?.rate(at: 2 * path.machine.cpus)),
        .text(path.limitedBy?.rawValue ?? ""), number(path.prior?.ceiling.map { Double($0) }),
      ])
    }
    return table
  }

  // MARK: Plot

  /// The most recently used path's curve; nil where none was measured.
  var plot: Plot? {
    for path in paths {
      guard let curve = path.prior.flatMap({ RateCurve($0) }) else { continue }
      return Self.plot(curve, path)
    }
    return nil
  }

  private static func plot(_ curve: RateCurve, _ path: History.PathReport) -> Plot {
    let points = curve.points.filter { !$0.isBound }.map { point in
      let spread = RateCurve.spread(of: point)
      return Plot.Point(
        x: Double(point.poolSize), y: point.rate / 1_048_576,
        spread: spread.lowerBound / 1_048_576...spread.upperBound / 1_048_576)
    }
    let bounds = curve.points.filter(\.isBound).map {
      Plot.Point(x: Double($0.poolSize), y: $0.rate / 1_048_576)
    }
    var series = [Plot.Series(name: "measured, 95 %", style: .points, points: points)]
    if !bounds.isEmpty {
      series.append(Plot.Series(name: "at least: short of work", style: .points, points: bounds))
    }
    let largest = curve.points.map(\.poolSize).max() ?? 1
    let fitted = (1...largest).compactMap { size in
      curve.fitted(at: size).map { Plot.Point(x: Double(size), y: $0 / 1_048_576) }
    }
    if fitted.count > 1 {
      series.append(Plot.Series(name: "n / sqrt(an² + bn + c)", style: .line, points: fitted))
    }
    return Plot(
      title: "\(path.path.registry) from \(path.machine.name)", xLabel: "workers", yLabel: "MiB/s",
      series: series,
      marks: [
        .init(x: Double(curve.optimum), label: "best: \(curve.optimum)"),
        .init(x: Double(2 * path.machine.cpus), label: "2 x CPU: \(2 * path.machine.cpus)"),
      ])
  }
}
