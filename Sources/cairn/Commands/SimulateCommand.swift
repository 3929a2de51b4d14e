import ArgumentParser
import FoundationEssentials
import OCI
import Plot
import Pull
import Rivals
import Simulation
import Tuning

/// `cairn simulate`.
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Race policies against each other on modelled links, in virtual time.",
    discussion: """
      Every policy pulls every image over every link; the yardstick is the best fixed pool size in \
      hindsight, 1 to 64. Images are scaled to take about 4, 15 and 60 seconds at that. With --clients, \
      that many machines share each link instead; with --arrivals, they come one after the other to one \
      pool. With --workers, images keep their size, and the seconds of whole pulls at these pool sizes are \
      predicted. With --replay, a policy is asked what it would have said to a trace that \
      cairn pull --trace has recorded.

      Columns: mean, p10 (a tenth of the pulls do no better) and worst are the yardstick's seconds over \
      the policy's; connections are its connection-seconds over those of the smallest pool within 2 % of \
      the best; to90 is the median of seconds until 90 % of the best rate.
      """)

  @OptionGroup var modelOptions: ModelOptions

  @Option(
    help: ArgumentHelp("A policy's name, or all.", valueName: "name"),
    completion: .list(["all"] + PolicyName.allCases.map(\.rawValue)))
  var policy = PolicyName.climb.rawValue

  @Option(help: ArgumentHelp("Runs of each pull.", valueName: "n"))
  var seeds = 2

  @Option(
    help: ArgumentHelp("Seconds that images take at the best rate.", valueName: "s,s,…"))
  var lengths = "4,15,60"

  @Flag(help: "Let policies learn from three pulls first.")
  var warm = false

  @Option(help: ArgumentHelp("Machines that share each link.", valueName: "n"))
  var clients: Int?

  @Flag(help: "Machines (8, or --clients) come to one pool; half the layers are everybody's.")
  var arrivals = false

  @Option(help: "What has lines of its own: nothing, each kind of link, or each link.")
  var by = Grouping.all

  @Option(help: ArgumentHelp("Pool sizes whose pulls are predicted.", valueName: "n,n,…"))
  var workers: String?

  @Flag(help: "Say of each pull how its pool size changed, and why.")
  var explain = false

  @Flag(help: "Judge what histories of pulls and sweeps say of the best pool size.")
  var estimates = false

  @Flag(help: "Judge what pulls say of what limited them; with --explain, each of them.")
  var verdicts = false

  @Option(help: "How figures are shown.")
  var format = TableFormat.text

  @Option(
    help: ArgumentHelp("Draw the figures there, as SVG.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var plot: String?

  @Option(
    help: ArgumentHelp("A trace to run the policy over.", valueName: "file"),
    completion: .file())
  var replay: String?

  func validate() throws {
    guard (1...1_000).contains(seeds) else {
      throw ValidationError("--seeds takes a number from 1 to 1000")
    }
    guard policy == "all" || PolicyName(rawValue: policy) != nil else {
      let names = PolicyName.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("there is no policy \(policy); there are: \(names)")
    }
    guard !explain || replay == nil && (format == .text || verdicts) else {
      throw ValidationError("--explain is for simulated pulls, as text")
    }
    guard chosenWorkers?.allSatisfy({ (1...1_000).contains($0) }) ?? true else {
      throw ValidationError("--workers takes numbers from 1 to 1000, for example 1,4,16")
    }
    guard clients.map({ (1...1_000).contains($0) }) ?? true else {
      throw ValidationError("--clients takes a number from 1 to 1000")
    }
    guard chosenLengths.allSatisfy({ (0.5...600).contains($0) }), !chosenLengths.isEmpty else {
      throw ValidationError("--lengths takes seconds from 0.5 to 600, for example 4,15,60")
    }
  }

  func run() async throws {
    try requireDifferent(WrittenFile.named(by: ["--replay": replay, "--plot": plot]))
    try requireWritable(plot)
    let progress = SimulationProgress()
    if let replay {
      let report = try ReplayReport(file: replay, policy: policies[0])
      try show(report.text, report.plot)
    } else if estimates {
      let report = try await HonestyReport(
        modelOptions.links(), modelOptions.images(), repeats: seeds,
        told: progress.told(of: "histories over links"))
      progress.end()
      try show(try report.table.text(format), report.plot)
    } else if let workers = chosenWorkers {
      let report = try await PredictionReport(
        modelOptions.links(), modelOptions.images(), sizes: workers, seeds: seeds,
        told: progress.told(of: "predicted pulls"))
      progress.end()
      try show(try report.table.text(format), report.plot)
    } else if arrivals {
      let report = try await ArrivalReport(
        modelOptions.links(), modelOptions.images(), policies, clients: clients ?? 8, seeds: seeds,
        keepsTrace: explain, told: progress.told(of: "links with arrivals"))
      progress.end()
      if explain { print(report.explanation) }
      try show(try report.table.text(format), report.plot)
    } else if verdicts {
      let report = try await VerdictReport(
        modelOptions.links(), modelOptions.images(), lengths: chosenLengths,
        seeds: (1...UInt64(seeds)).map { $0 }, told: progress.told(of: "pulls judged"))
      progress.end()
      try show(try verdicts(report), report.plot)
    } else {
      let report =
        if let clients { try await crowd(clients, progress) } else { try await league(progress) }
      try show(try report.text(format), report.plot)
    }
  }

  /// One table for programs; for people each pull, the matrix and its figures.
  private func verdicts(_ report: VerdictReport) throws -> String {
    switch format {
    case .json where explain: return try report.lines()
    case .csv where explain: return try report.pulls.text(format)
    case .json, .csv: return try report.matrix.text(format)
    case .text:
      let pulls = explain ? try report.pulls.text(format) + "\n" : ""
      return pulls + (try report.matrix.text(format)) + report.figures
    }
  }

  /// Prints figures, and draws them where that is wanted.
  private func show(_ figures: String, _ drawing: @autoclosure () -> Plot) throws {
    print(figures, beside: plot)
    if let plot { try write(drawing().svg, to: plot) }
  }

  private var policies: [PolicyName] {
    policy == "all" ? PolicyName.allCases : PolicyName(rawValue: policy).map { [$0] } ?? []
  }

  private var chosenLengths: [Double] { lengths.split(separator: ",").compactMap { Double($0) } }

  private var chosenWorkers: [Int]? {
    workers.map { $0.split(separator: ",").map { Int($0) ?? 0 } }
  }

  private func league(_ progress: SimulationProgress) async throws -> SimulationReport {
    var league = League(
      models: try modelOptions.links(), images: try modelOptions.images(),
      seeds: (1...UInt64(seeds)).map { $0 }, lengths: chosenLengths)
    league.keepsSteps = explain
    let cells = await league.cells(told: progress.told(of: "best fixed pools"))
    var scores: [League.Score] = []
    for policy in policies {
      for isWarm in warm ? [false, true] : [false] {
        let stage = "pulls by \(policy.rawValue)\(isWarm ? ", warm" : "")"
        scores += await league.run(
          policy, over: cells, isWarm: isWarm, told: progress.told(of: stage))
      }
    }
    progress.end()
    if explain { scores.forEach { print(Explanation.text($0)) } }
    return .league(scores, by: by)
  }

  private func crowd(_ clients: Int, _ progress: SimulationProgress) async throws
    -> SimulationReport
  {
    var runs: [(LinkModel, PolicyName)] = []
    for model in try modelOptions.links() {
      for policy in policies { runs.append((model, policy)) }
    }
    let (seeds, isWarm, explains) = (UInt64(seeds), warm, explain)
    let told = progress.told(of: "links with \(clients) machines")
    let outcomes = await concurrently(runs, told: told) { model, policy in
      (1...seeds).map { seed in
        SimulationReport.CrowdRow(
          model: model.name, policy: policy, isWarm: isWarm, seed: seed,
          outcome: Crowd.run(
            clients, policy, model: model, knowsIdle: isWarm, seed: seed,
            keepsSteps: explains))
      }
    }
    progress.end()
    let rows = outcomes.flatMap { $0 }
    if explain { rows.forEach { print(Explanation.text($0)) } }
    return .crowd(rows)
  }
}
