package import Rivals
package import Tuning

/// Policies raced against the best fixed pool size in hindsight, over links, images and lengths.
package struct League: Sendable {
  /// One image on one link.
  package struct Cell: Sendable {
    /// The link.
    package var model: LinkModel
    /// The image, scaled to the length.
    package var image: ImageModel
    /// Seconds that it takes at the best rate, about.
    package var length: Double
    /// The best fixed pool size.
    package var oracle: Oracle
  }

  /// How a policy did in one cell with one seed.
  package struct Score: Sendable {
    /// The cell's link.
    package var model: LinkModel
    /// The cell's image.
    package var image: String
    /// The cell's length in seconds.
    package var length: Double
    /// The policy.
    package var policy: PolicyName
    /// Whether it had a history.
    package var isWarm: Bool
    /// Seconds that the pull took.
    package var seconds: Double
    /// Seconds of the best fixed pool over this pull's seconds.
    package var efficiency: Double
    /// Connection-seconds over those of the smallest pool within 2 % of the best.
    package var connectionRatio: Double
    /// Seconds to 90 % of the best rate; nil: never reached.
    package var secondsToBest: Double?
    /// Requests per gigabyte.
    package var requestsPerGigabyte: Double
    /// Requests refused for load.
    package var refusals: Int
    /// The best fixed pool size.
    package var bestSize: Int
    /// Steps at which the pool size changed, where it was asked for.
    package var steps: [TraceStep]
  }

  /// Lengths of images, in seconds at the best rate.
  package static let lengths = [4.0, 15, 60]
  /// Pulls of 15 s that a policy learns from before a warm one.
  package static let lessons = 3

  private let models: [LinkModel]
  private let images: [ImageModel]
  private let seeds: [UInt64]
  private let lengths: [Double]
  private let sizes: [Int]
  /// Whether scores carry the steps at which the pool size changed.
  package var keepsSteps = false

  /// Makes a league.
  ///
  /// - Parameters:
  ///   - models: the links.
  ///   - images: the shapes.
  ///   - seeds: one run of each cell for each.
  ///   - lengths: seconds that images take at the best rate.
  ///   - sizes: fixed pool sizes that the best is sought among.
  package init(
    models: [LinkModel], images: [ImageModel], seeds: [UInt64], lengths: [Double] = League.lengths,
    sizes: [Int] = Oracle.sizes
  ) {
    self.models = models
    self.images = images
    self.seeds = seeds
    self.lengths = lengths
    self.sizes = sizes
  }

  /// Finds the best fixed pool size of every cell.
  ///
  /// - Parameter told: how many of how many links and images are done.
  package func cells(told: @escaping Headway = { _, _ in }) async -> [Cell] {
    let seeds = seeds
    let (lengths, sizes) = (lengths, sizes)
    return await concurrently(pairs, told: told) { model, image in
      let bytes = Self.bestRate(model, image)
      return lengths.map { length in
        let scaled = image.scaled(to: bytes * length)
        return Cell(
          model: model, image: scaled, length: length,
          oracle: Oracle(
            model: model, image: scaled, seeds: seeds, sizes: sizes, patience: Self.patience))
      }
    }.flatMap { $0 }
  }

  private var pairs: [(LinkModel, ImageModel)] {
    models.flatMap { model in images.map { (model, $0) } }
  }

  /// Bytes per second of the best pool size, on an image of about 15 s.
  private static func bestRate(_ model: LinkModel, _ image: ImageModel) -> Double {
    let line = line(model)
    var steady = model
    steady.changes = []
    steady.crossTraffic = []
    let scaled = image.scaled(to: line * 15)
    let oracle = Oracle(
      model: steady, image: scaled, seeds: [1], sizes: [4, 8, 16, 32, 64], patience: patience)
    return oracle.best.rate
  }

  /// Bytes per second that a link is good for, about.
  static func line(_ model: LinkModel) -> Double {
    min(model.bandwidth, model.client.limit, model.server.rate, 64 * model.perConnection)
  }

  /// Fixed pools that take this many times as long as the best are given up.
  private static let patience = 1.5

  /// Runs a policy over cells.
  ///
  /// - Parameters:
  ///   - policy: which.
  ///   - cells: of `cells()`.
  ///   - isWarm: whether it first pulls the image a few times and learns from that.
  ///   - told: how many of the cells are done.
  package func run(
    _ policy: PolicyName, over cells: [Cell], isWarm: Bool,
    told: @escaping Headway = { _, _ in }
  ) async -> [Score] {
    await concurrently(cells, told: told) { cell in
      seeds.map { score(policy, cell, seed: $0, isWarm: isWarm) }
    }.flatMap { $0 }
  }

  private func score(_ policy: PolicyName, _ cell: Cell, seed: UInt64, isWarm: Bool) -> Score {
    var memory = PathMemory()
    if isWarm {
      let lesson = cell.image.scaled(to: Double(cell.image.size) / cell.length * 15)
      for number in 0..<Self.lessons {
        let context = Self.context(cell.model, memory)
        let outcome = Simulation(model: cell.model, seed: seed &* 1_000 &+ UInt64(number))
          .run(lesson, policy.make(context))
        memory.learn(outcome.record, at: Double(number) * 3_600)
      }
    }
    var simulation = Simulation(model: cell.model, seed: seed)
    simulation.keepsTrace = keepsSteps
    let outcome = simulation.run(cell.image, policy.make(Self.context(cell.model, memory)))
    let oracle = cell.oracle
    return Score(
      model: cell.model, image: cell.image.name, length: cell.length, policy: policy,
      isWarm: isWarm, seconds: outcome.seconds, efficiency: oracle.best.seconds / outcome.seconds,
      connectionRatio: outcome.connectionSeconds / oracle.polite.connectionSeconds,
      secondsToBest: outcome.secondsToReach(0.9 * oracle.best.rate),
      requestsPerGigabyte: Double(outcome.requests) / Double(max(1, outcome.bytes)) * 1e9,
      refusals: outcome.refusals, bestSize: oracle.best.poolSize,
      steps: outcome.trace.changes)
  }

  private static func context(_ model: LinkModel, _ memory: PathMemory) -> PolicyName.Context {
    PolicyName.Context(
      cpus: model.client.cpus, prior: memory.prior(at: Double(lessons) * 3_600))
  }
}

/// Told that so many more of all are done; from many tasks, as soon as it is so.
package typealias Headway = @Sendable (_ more: Int, _ all: Int) -> Void

/// Does the same to many things, on as many threads as there are, and keeps their order.
///
/// - Parameters:
///   - items: the things.
///   - told: what is done, at the beginning nothing; called from many tasks.
///   - work: what is done to each; called from many tasks.
package func concurrently<Item: Sendable, Result: Sendable>(
  _ items: [Item], told: @escaping Headway = { _, _ in },
  _ work: @escaping @Sendable (Item) -> Result
) async -> [Result] {
  let count = items.count
  told(0, count)
  return await withTaskGroup(of: (Int, Result).self) { group in
    for (index, item) in items.enumerated() {
      // Whoever collects the results has its turn only when all of them have been worked on.
      group.addTask {
        defer { told(1, count) }
        return (index, work(item))
      }
    }
    var results: [(Int, Result)] = []
    for await result in group { results.append(result) }
    return results.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
