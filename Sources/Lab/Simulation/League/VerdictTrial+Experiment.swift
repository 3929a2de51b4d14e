import Rivals
import Tuning

/// The experiment: pulls, and the same with one thing at a time better and worse.
extension VerdictTrial {
  /// Pulls an image over a link, and then again with each thing better and worse.
  ///
  /// - Parameters:
  ///   - model: the link.
  ///   - image: is scaled to the length.
  ///   - setting: what is asked of the pull.
  ///   - length: seconds that the image takes at the best rate.
  ///   - isWarm: whether it pulls the image a few times first.
  ///   - seed: equal seeds give equal outcomes.
  /// - Returns: nil where the setting makes no sense over this link.
  package static func judge(
    _ model: LinkModel, _ image: ImageModel, _ setting: Setting, length: Double, isWarm: Bool,
    seed: UInt64
  ) -> Outcome? {
    guard let (made, rate) = Pull.made(model, image, setting, length: length) else { return nil }
    var pull = made
    if isWarm {
      var memory = PathMemory()
      let lesson = setting == .smallBlobs ? pull.image : image.scaled(to: rate * 15)
      for number in 0..<League.lessons {
        let record = pull.run(lesson, memory, number, seed: seed &* 1_000 &+ UInt64(number)).record
        memory.learn(record, at: Double(number) * 3_600)
      }
      pull.memory = memory
    }
    let outcome = pull.run(seed: seed)
    return Outcome(
      link: model.name, image: image.name, setting: setting, isWarm: isWarm,
      seconds: outcome.seconds, weights: pull.weights(seed: seed),
      evidence: outcome.record.evidence)
  }

  /// A pull that can be run again.
  private struct Pull {
    var model: LinkModel
    var image = ImageModel(name: "", blobs: [])
    var limits: PullLimits
    var memory = PathMemory()

    /// A pull in a setting, and about how many bytes a second it can bring; nil where the setting
    /// makes no sense.
    static func made(_ model: LinkModel, _ image: ImageModel, _ setting: Setting, length: Double)
      -> (pull: Pull, rate: Double)?
    {
      var pull = Pull(model: model, limits: .init())
      let rough = Oracle(
        model: model, image: image.scaled(to: League.line(model) * 15), seeds: [1],
        sizes: [2, 4, 8, 16, 32, 64], patience: 1.5)
      var rate = rough.best.rate / 2
      switch setting {
      case .plain, .smallBlobs: rate *= 2
      case .limitRate:
        pull.limits.bytesPerSecond = rate
        pull.model.client.allowedRate = rate
      case .maxWorkers:
        guard rough.polite.poolSize >= 4 else { return nil }
        pull.limits = PullLimits(workers: rough.polite.poolSize / 4, origin: .user)
      case .server:
        guard model.server.overloadBeyond == nil else { return nil }
        pull.model.server.rate = rate
      case .cap, .capBySecond:
        pull.model.perConnection = min(model.perConnection, rough.best.rate / 100)
        pull.model.perConnectionBySecond = setting == .capBySecond
        rate = 64 * pull.model.perConnection
      case .disk: pull.model.client.diskRate = rate
      case .cpu:
        // One thread of it does 60 %.
        pull.model.client.cpuSecondsPerGigabyte = 1e9 / (0.6 * rate)
        pull.model.client.cpus = 4
      }
      pull.image = image.scaled(to: rate * length)
      guard setting == .smallBlobs else { return (pull, rate) }
      // Over shorter ways the steps of virtual time are what takes time.
      guard model.roundTrip > 0.02, let small = pull.smallBlobs(rate, length) else { return nil }
      pull.image = small
      return (pull, rate)
    }

    /// So many and so small blobs that they cost more round trips than bytes.
    private func smallBlobs(_ rate: Double, _ length: Double) -> ImageModel? {
      let trip = model.roundTrip + model.server.responseSeconds
      let size = max(2_000, min(rate * model.roundTrip / 64, 1e6)).rounded(.down)
      let count = max(60, min(20_000, 32 * length / (trip * 1.5))).rounded(.down)
      guard let size = Int64(exactly: size), let count = Int(exactly: count) else { return nil }
      return ImageModel(name: "small-blobs", blobs: Array(repeating: size, count: count))
    }

    func run(seed: UInt64) -> SimulatedOutcome { run(image, memory, League.lessons, seed: seed) }

    func run(_ image: ImageModel, _ memory: PathMemory, _ lesson: Int, seed: UInt64)
      -> SimulatedOutcome
    {
      var simulation = Simulation(model: model, seed: seed)
      simulation.limits = limits
      simulation.prior = memory.prior(at: Double(lesson) * 3_600)
      let context = PolicyName.Context(
        cpus: model.client.cpus, maximum: limits.workers, prior: simulation.prior)
      return simulation.run(image, PolicyName.climb.make(context))
    }

    /// What could limit it.
    static let things: [PullRecord.Limit] = [
      .line, .perConnection, .server, .overload, .refusals, .cpu, .disk, .loss, .roundTrips,
      .limitRate, .maxWorkers,
    ]

    /// The same with one thing better by a factor, or worse where that is below 1; and by how much it is.
    func with(_ thing: PullRecord.Limit, better factor: Double) -> (pull: Pull, factor: Double) {
      var pull = self
      var factor = factor
      func count(_ count: inout Int?) {
        guard let before = count else { return }
        let after = max(1, Int(exactly: (Double(before) * factor).rounded()) ?? before)
        factor = Double(after) / Double(before)
        count = after
      }
      switch thing {
      case .line:
        pull.model.bandwidth *= factor
        pull.model.buffer *= factor
        for index in pull.model.changes.indices {
          pull.model.changes[index].bandwidth = pull.model.changes[index].bandwidth.map {
            factor * $0
          }
        }
      case .perConnection: pull.model.perConnection *= factor
      case .server: pull.model.server.rate *= factor
      case .overload: count(&pull.model.server.overloadBeyond)
      case .refusals: count(&pull.model.server.connectionLimit)
      case .cpu: pull.model.client.cpuSecondsPerGigabyte /= factor
      case .disk: pull.model.client.diskRate *= factor
      // A connection's rate goes with the root of it.
      case .loss: pull.model.loss /= factor * factor
      case .roundTrips:
        pull.model.roundTrip /= factor
        pull.model.server.responseSeconds /= factor
      case .limitRate:
        pull.limits.bytesPerSecond = pull.limits.bytesPerSecond.map { factor * $0 }
        pull.model.client.allowedRate *= factor
      case .maxWorkers:
        var workers: Int? = pull.limits.workers
        count(&workers)
        pull.limits.workers = workers ?? pull.limits.workers
        // What was learned under the old limit holds the new one back.
        pull.memory = PathMemory()
      case .shape: break
      }
      return (pull, factor)
    }

    /// How much of its time goes with each thing: 1 where a tenth more of it saves a tenth of the
    /// time, 0 where it does not matter.
    func weights(seed: UInt64) -> [PullRecord.Limit: Double] {
      var result: [PullRecord.Limit: Double] = [:]
      for thing in Self.things {
        let (better, worse) = (with(thing, better: Self.step), with(thing, better: 1 / Self.step))
        guard better.factor > worse.factor else { continue }
        guard better.pull.model != model || better.pull.limits != limits else { continue }
        let ratio = worse.pull.run(seed: seed).seconds / better.pull.run(seed: seed).seconds
        result[thing] = log(ratio) / log(better.factor / worse.factor)
      }
      return result
    }

    private static let step = 1.5
  }
}
