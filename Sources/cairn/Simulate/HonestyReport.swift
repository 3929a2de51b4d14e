import Plot
import Simulation
import Tuning

/// How true it is what histories of simulated pulls say of the best pool size.
struct HonestyReport {
  let outcomes: [Honesty.Outcome]

  /// Judges histories over all links that have one curve; `repeats` of each kind over each.
  ///
  /// - Parameter told: how many links and images are done.
  init(
    _ links: [LinkModel], _ images: [ImageModel], repeats: Int, told: @escaping Headway
  ) async {
    var honesty = Honesty()
    honesty.repeats = repeats
    let steady = links.filter { $0.kind != .changing }
    let cells = steady.flatMap { link in images.map { (link, $0) } }
    outcomes = await concurrently(cells, told: told) { [honesty] link, image in
      honesty.judge(link, image)
    }.flatMap { $0 }
  }

  /// A row for each kind of history; `median of all` has those in it that do not know the best.
  var table: Table {
    var table = Table(columns: [
      "history", "histories", "known", "covered", "covered of all", "narrow", "median", "wide",
      "median of all",
    ])
    for history in Honesty.History.allCases {
      let all = outcomes.filter { $0.history == history }
      guard !all.isEmpty else { continue }
      let known = all.filter(\.isKnown)
      let widths = known.map(\.width).sorted()
      func share(_ part: Int, _ whole: Int) -> Table.Cell {
        .number(whole > 0 ? 100 * Double(part) / Double(whole) : 0, digits: 1)
      }
      func width(_ share: Double, of widths: [Double]) -> Table.Cell {
        let index = Int(clamping: Double(widths.count - 1) * share)
        return .number(widths.isEmpty ? 0 : widths[index], digits: 2)
      }
      table.rows.append([
        .text(history.words), .number(Double(all.count), digits: 0),
        share(known.count, all.count), share(known.count(where: \.isCovered), known.count),
        share(all.count(where: \.isCovered), all.count), width(0.1, of: widths),
        width(0.5, of: widths), width(0.9, of: widths),
        width(0.5, of: all.map(\.width).sorted()),
      ])
    }
    return table
  }

  /// How many histories knew the best, and how many of those were right.
  var plot: Plot {
    let kinds = Honesty.History.allCases.filter { kind in
      outcomes.contains { $0.history == kind }
    }
    func series(
      _ name: String, _ share: (_ known: [Honesty.Outcome], _ all: [Honesty.Outcome]) -> Double?
    ) -> Plot.Series {
      let points = kinds.enumerated().compactMap { place, kind in
        let all = outcomes.filter { $0.history == kind }
        return share(all.filter(\.isKnown), all).map { Plot.Point(x: Double(place + 1), y: $0) }
      }
      return Plot.Series(name: name, style: .points, points: points)
    }
    return Plot(
      title: "What histories say of the best pool size", xLabel: "", yLabel: "share",
      series: [
        series("known") { Double($0.count) / Double(max(1, $1.count)) },
        series("the interval covers the truth, of these") { known, _ in
          known.isEmpty ? nil : Double(known.count(where: \.isCovered)) / Double(known.count)
        },
      ], names: kinds.map(\.words))
  }
}
