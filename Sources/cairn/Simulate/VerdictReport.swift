import OCI
import Plot
import Pull
import Simulation
import Tuning

/// How true it is what simulated pulls say of what limited them.
struct VerdictReport {
  let outcomes: [VerdictTrial.Outcome]

  /// Shorter pulls may end without a verdict.
  private static let long = 5.0

  /// Judges pulls over links: plain ones, and one of another setting over each, with and without a history.
  ///
  /// - Parameter told: how many pulls are done.
  init(
    _ links: [LinkModel], _ images: [ImageModel], lengths: [Double], seeds: [UInt64],
    told: @escaping Headway = { _, _ in }
  ) async {
    let cells = VerdictTrial.cells(links, images, lengths: lengths, seeds: seeds)
    outcomes = await concurrently(cells, told: told) { $0.outcome }.compactMap { $0 }
  }

  /// A row for what was true, a column for what was said.
  var matrix: Table {
    let truths = Set(outcomes.map(\.truth)).sorted()
    let said = truths + Set(outcomes.map(\.verdict.word)).subtracting(truths).sorted()
    var table = Table(columns: ["true"] + said)
    for truth in truths {
      let row = outcomes.filter { $0.truth == truth }
      table.rows.append(
        [.text(truth)]
          + said.map { word in
            let count = row.count { $0.verdict.word == word }
            return count > 0 ? .number(Double(count), digits: 0) : .text("")
          })
    }
    return table
  }

  /// The two figures that have bars.
  var figures: String {
    let spoken = outcomes.filter { $0.verdict.cause != nil }
    let long = outcomes.filter { $0.seconds > Self.long }
    let right = Self.percent(spoken.count(where: \.isRight), of: spoken.count)
    let silent = Self.percent(long.count { $0.verdict.cause == nil }, of: long.count)
    return
      "right: \(right) of \(spoken.count) verdicts; silent: \(silent) of \(long.count) pulls over 5 s\n"
  }

  /// How many of the verdicts on each limit were right, and how many pulls over 5 s had none.
  var plot: Plot {
    let truths = Set(outcomes.map(\.truth)).sorted()
    func series(
      _ name: String, of part: (VerdictTrial.Outcome) -> Bool,
      _ counts: (VerdictTrial.Outcome) -> Bool
    ) -> Plot.Series {
      let points = truths.enumerated().compactMap { place, truth -> Plot.Point? in
        let those = outcomes.filter { $0.truth == truth && part($0) }
        guard !those.isEmpty else { return nil }
        let share = Double(those.count(where: counts)) / Double(those.count)
        return Plot.Point(x: Double(place + 1), y: share)
      }
      return Plot.Series(name: name, style: .points, points: points)
    }
    return Plot(
      title: "What pulls say of what limited them", xLabel: "what is true", yLabel: "share",
      series: [
        series("right, of the verdicts", of: { $0.verdict.cause != nil }, \.isRight),
        series("silent, of pulls over 5 s", of: { $0.seconds > Self.long }) {
          $0.verdict.cause == nil
        },
      ], names: truths)
  }

  private static func percent(_ part: Int, of whole: Int) -> String {
    String(figures: "%.1f %%", 100 * Double(part) / Double(max(1, whole)))
  }

  /// A row for each pull.
  var pulls: Table {
    var table = Table(columns: [
      "link", "image", "setting", "history", "seconds", "true", "weights", "said", "right", "words",
    ])
    for one in outcomes {
      let weights = one.weights.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
        .filter { $0.value >= 0.1 }
        .map { "\($0.key.rawValue) \(String(figures: "%.2f", $0.value))" }
      table.rows.append([
        .text(one.link), .text(one.image), .text(one.setting.rawValue),
        .text(one.isWarm ? "warm" : "cold"), .number(one.seconds, digits: 1), .text(one.truth),
        .text(weights.joined(separator: ", ")), .text(one.verdict.word),
        .text(one.verdict.cause == nil ? "" : one.isRight ? "yes" : "no"),
        .text(one.verdict.words ?? ""),
      ])
    }
    return table
  }

  private struct Line: Encodable {
    let link, image, setting: String
    let warm: Bool
    let seconds: Double
    let truth: String
    let weights: [String: Double]
    let said: String
    let right: Bool
    let evidence: PullEvidence
  }

  /// Each pull with all of its evidence, as JSON Lines.
  func lines() throws -> String {
    try outcomes.map { one in
      let line = Line(
        link: one.link, image: one.image, setting: one.setting.rawValue, warm: one.isWarm,
        seconds: one.seconds, truth: one.truth,
        weights: Dictionary(one.weights.map { ($0.key.rawValue, $0.value) }) { first, _ in first },
        said: one.verdict.word, right: one.isRight, evidence: one.evidence)
      return String(decoding: try StableJSON.encode(line), as: UTF8.self) + "\n"
    }.joined()
  }
}
