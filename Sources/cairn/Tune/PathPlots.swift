import Plot
import Tuning

/// Pictures of what is known: one path's throughput, or that of several machines side by side.
enum PathPlots {
  /// What stands for `paths`: the most recently used registry's, of all the machines that reached
  /// it; nil where nothing of it was measured.
  static func plot(_ paths: [KnownWay]) -> Plot? {
    let drawable = paths.filter { !$0.points.isEmpty }
    guard let first = drawable.first else { return nil }
    let same = drawable.filter { $0.path.registry == first.path.registry }
    return same.count > 1 ? compared(same) : single(first)
  }

  /// Measurements, lower bounds and the estimate's curve, between those pool sizes alone that carry one.
  static func single(_ way: KnownWay) -> Plot {
    let points = way.points
    var series: [Plot.Series] = []
    if let curve = curve(way, name: "estimate, 90 %", hasBand: true) { series.append(curve) }
    let measured = points.filter { !$0.isBound }
    if !measured.isEmpty {
      series.append(
        Plot.Series(name: "measured, 95 %", style: .points, points: measured.map(\.drawn)))
      series[series.count - 1].colour = 0
    }
    let bounds = points.filter(\.isBound)
    if !bounds.isEmpty {
      series.append(Plot.Series(name: "at least", style: .bounds, points: bounds.map(\.drawn)))
      series[series.count - 1].colour = 1
    }
    let twice = 2 * way.machine.cpus
    var marks = [Plot.Mark(x: Double(twice), label: "2 x CPU: \(twice)")]
    if let estimate = way.estimate, way.isKnown {
      let (low, high) = (estimate.interval.lowerBound, estimate.interval.upperBound)
      marks.insert(
        .init(x: Double(estimate.optimum), label: "best: \(estimate.optimum) (\(low) to \(high))"),
        at: 0)
    }
    // Far from everything that was measured, it would squeeze the picture.
    let largest = points.map(\.poolSize).max() ?? 1
    marks.removeAll { $0.x > 2 * Double(largest) }
    return Plot(
      title: "\(way.path.registry) from \(way.machine.name)"
        + (way.isKnown ? "" : ": best not known yet"),
      xLabel: "workers", yLabel: "MiB/s", series: series, marks: marks)
  }

  /// Several machines, and CPU counts of one, in one picture.
  static func compared(_ paths: [KnownWay]) -> Plot {
    let networks = Set(paths.map(\.path.network)).count > 1
    let hosts = Set(paths.map(\.path.blobHost)).count > 1
    var series: [Plot.Series] = []
    for (index, way) in paths.enumerated() {
      var name = "\(way.machine.name), \(way.machine.cpus) CPU"
      if networks { name += ", \(way.path.network)" }
      if hosts { name += ", \(way.path.blobHost)" }
      name +=
        way.isKnown ? ": best \(way.estimate.map { "\($0.optimum)" } ?? "")" : ": not known yet"
      if var curve = curve(way, name: "", hasBand: false) {
        curve.colour = index
        series.append(curve)
      }
      let measured = way.points.filter { !$0.isBound }
      let style: Plot.Series.Style = measured.isEmpty ? .bounds : .points
      series.append(
        Plot.Series(
          name: name, style: style,
          points: (measured.isEmpty ? way.points : measured).map {
            Plot.Point(x: $0.drawn.x, y: $0.drawn.y)
          }))
      series[series.count - 1].colour = index
    }
    return Plot(
      title: "\(paths.first?.path.registry ?? ""): machines side by side", xLabel: "workers",
      yLabel: "MiB/s", series: series)
  }

  private static func curve(_ way: KnownWay, name: String, hasBand: Bool) -> Plot.Series? {
    guard let estimate = way.estimate, let measured = estimate.measured,
      way.points.count(where: { !$0.isBound }) >= 2
    else { return nil }
    let step = max(1, (measured.upperBound - measured.lowerBound) / 100)
    let points = stride(from: measured.lowerBound, through: measured.upperBound, by: step)
      .compactMap { size in
        estimate.rate(at: size).map {
          Plot.Point(
            x: Double(size), y: $0.middle / 1_048_576,
            spread: $0.range.lowerBound / 1_048_576...$0.range.upperBound / 1_048_576)
        }
      }
    var series = Plot.Series(name: name, style: hasBand ? .band : .line, points: points)
    series.colour = 0
    return series
  }
}

extension KnownWay.Point {
  /// In the units of a plot.
  fileprivate var drawn: Plot.Point {
    Plot.Point(
      x: Double(poolSize), y: rate / 1_048_576,
      spread: spread.map { $0.lowerBound / 1_048_576...$0.upperBound / 1_048_576 })
  }
}
