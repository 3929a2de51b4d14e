import Glibc
import Plot
import Tuning

/// What a sweep measured.
struct SweepReport {
  let sweep: Sweep
  let cpus: Int

  func text(_ format: TableFormat) throws -> String {
    guard format == .text else { return try table.text(format) }
    var lines = try table.text(.text)
    guard let named else { return lines }
    let best = named.result
    lines += named.words + "\n"
    for (size, name) in [(1, "serial"), (2 * cpus, "2 x CPU = \(2 * cpus)")] {
      guard let result = sweep.results.first(where: { $0.poolSize == size }) else { continue }
      let ratio = String(figures: "%.2f", result.mean / best.mean)
      lines +=
        "\(name): \(seconds(result.mean)) s, \(ratio) times \(named.isBest ? "the best" : "that")\n"
    }
    if let test = sweep.oddTest() {
      let margin = String(figures: "%.1f %%", 100 * abs(test.advantage))
      lines +=
        "odd sizes take \(margin) \(test.advantage < 0 ? "more" : "less") than their neighbours; "
        + "so much in favour of odd by chance alone: p = "
        + String(figures: "%.3f\n", test.chance)
    }
    return lines
  }

  /// The pool size that is named, and whether it is known to be the best: `cairn tune` names the same.
  private struct Named {
    var result: Sweep.Result
    var isBest: Bool
    /// Where the best lies, for people.
    var words: String
    /// The same in a word or two.
    var label: String
  }

  private var named: Named? {
    let results = sweep.results
    guard let estimate = sweep.estimate, let fastest = sweep.best else { return nil }
    guard estimate.gap == nil, let best = results.first(where: { $0.poolSize == estimate.optimum })
    else {
      let why = estimate.gap ?? .unsure
      return Named(
        result: fastest, isBest: false,
        words: "not known yet: \(why.words); fastest: \(KnownWay.workers(fastest.poolSize)), "
          + "\(seconds(fastest.mean)) s", label: "fastest: \(fastest.poolSize)")
    }
    let (low, high) = (estimate.interval.lowerBound, estimate.interval.upperBound)
    let range = low == high ? "" : " (90 %: \(low) to \(high))"
    return Named(
      result: best, isBest: true,
      words: "best with \(KnownWay.workers(best.poolSize))\(range): \(seconds(best.mean)) s",
      label: "best: \(best.poolSize)")
  }

  private func seconds(_ value: Double) -> String { String(figures: "%.2f", value) }

  private var table: Table {
    let named = named
    var table = Table(columns: ["workers", "runs", "seconds", "margin95", "note"])
    for result in sweep.results {
      let notes = [
        result.poolSize == 1 ? "serial" : nil, result.poolSize == 2 * cpus ? "2 x CPU" : nil,
        result == named?.result ? (named?.isBest == true ? "best" : "fastest") : nil,
      ].compactMap { $0 }
      table.rows.append([
        .number(Double(result.poolSize), digits: 0), .number(Double(result.runs), digits: 0),
        .number(result.mean, digits: 3),
        // One run says nothing of how far others are from it.
        .number(result.runs > 1 ? result.margin : .nan, digits: 3),
        .text(notes.joined(separator: ", ")),
      ])
    }
    return table
  }

  var plot: Plot {
    func points(_ isOdd: Bool) -> [Plot.Point] {
      sweep.results.filter { ($0.poolSize % 2 == 1) == isOdd }.map {
        Plot.Point(
          x: Double($0.poolSize), y: $0.mean, spread: ($0.mean - $0.margin)...($0.mean + $0.margin))
      }
    }
    var marks = [Plot.Mark(x: Double(2 * cpus), label: "2 x CPU: \(2 * cpus)")]
    if let named {
      marks.append(.init(x: Double(named.result.poolSize), label: named.label))
    }
    return Plot(
      title: "\(sweep.reference): seconds of a pull", xLabel: "workers", yLabel: "seconds, 95 %",
      series: [
        .init(name: "odd", style: .points, points: points(true)),
        .init(name: "even", style: .points, points: points(false)),
      ], marks: marks)
  }
}
