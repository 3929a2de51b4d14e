import ArgumentParser
import FoundationEssentials
import OCI
import Pull
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
      that many machines share each link instead. With --workers, images keep their size, and the seconds \
      of whole pulls at these pool sizes are predicted. With --replay, a policy is asked what it would have \
      said to a trace that cairn pull --trace has recorded.
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

  @Option(help: "What has lines of its own: nothing, each kind of link, or each link.")
  var by = Grouping.all

  @Option(help: ArgumentHelp("Pool sizes whose pulls are predicted.", valueName: "n,n,…"))
  var workers: String?

  @Flag(help: "Say of each pull how its pool size changed, and why.")
  var explain = false

  @Flag(help: "Judge what histories of pulls and sweeps say of the best pool size.")
  var estimates = false

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
    guard !explain || replay == nil && format == .text else {
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
    if let replay {
      try print(ReplayReport(file: replay, policy: policies[0]).text, terminator: "")
      return
    }
    if estimates {
      let report = try await HonestyReport(
        modelOptions.links(), modelOptions.images(), repeats: seeds)
      print(try report.table.text(format), terminator: "")
      return
    }
    if let workers = chosenWorkers {
      print(try await prediction(workers).text(format), terminator: "")
      return
    }
    let report: SimulationReport
    if let clients {
      report = try await crowd(clients)
    } else {
      report = try await league()
    }
    print(try report.text(format), beside: plot)
    if let plot { try write(report.plot.svg, to: plot) }
  }

  private var policies: [PolicyName] {
    policy == "all" ? PolicyName.allCases : PolicyName(rawValue: policy).map { [$0] } ?? []
  }

  private var chosenLengths: [Double] { lengths.split(separator: ",").compactMap { Double($0) } }

  private var chosenWorkers: [Int]? {
    workers.map { $0.split(separator: ",").map { Int($0) ?? 0 } }
  }

  /// What whole pulls take, at their own size, with fixed pools.
  private func prediction(_ sizes: [Int]) async throws -> Table {
    let images = try modelOptions.images()
    let cells = try modelOptions.links().flatMap { link in images.map { (link, $0) } }
    let seeds = (1...UInt64(seeds)).map { $0 }
    let points = await concurrently(cells) { link, image in
      Oracle(model: link, image: image, seeds: seeds, sizes: sizes).points
    }
    var table = Table(columns: ["link", "image", "workers", "seconds", "MiB/s"])
    for ((link, image), points) in zip(cells, points) {
      for point in points {
        let seconds = point.seconds + link.resolvingSeconds
        table.rows.append([
          .text(link.name), .text(image.name), .number(Double(point.poolSize), digits: 0),
          .number(seconds, digits: 3), .number(Double(image.size) / seconds / 1_048_576, digits: 2),
        ])
      }
    }
    return table
  }

  private func league() async throws -> SimulationReport {
    var league = League(
      models: try modelOptions.links(), images: try modelOptions.images(),
      seeds: (1...UInt64(seeds)).map { $0 }, lengths: chosenLengths)
    league.keepsSteps = explain
    let cells = await league.cells()
    var scores: [League.Score] = []
    for policy in policies {
      scores += await league.run(policy, over: cells, isWarm: false)
      if warm { scores += await league.run(policy, over: cells, isWarm: true) }
    }
    if explain { scores.forEach { print(Explanation.text($0)) } }
    return .league(scores, by: by)
  }

  private func crowd(_ clients: Int) async throws -> SimulationReport {
    var runs: [(LinkModel, PolicyName)] = []
    for model in try modelOptions.links() {
      for policy in policies { runs.append((model, policy)) }
    }
    let (seeds, isWarm, explains) = (UInt64(seeds), warm, explain)
    let outcomes = await concurrently(runs) { model, policy in
      (1...seeds).map { seed in
        SimulationReport.CrowdRow(
          model: model.name, policy: policy, isWarm: isWarm, seed: seed,
          outcome: Crowd.run(
            clients, policy, model: model, knowsIdle: isWarm, seed: seed,
            keepsSteps: explains))
      }
    }
    let rows = outcomes.flatMap { $0 }
    if explain { rows.forEach { print(Explanation.text($0)) } }
    return .crowd(rows)
  }
}
