import Foundation
import Rivals
import Testing
import Tuning

@testable import Simulation

@Suite("The simulator")
struct SimulationTests {
  static let image = ImageModel(name: "one", blobs: [50_000_000])

  static func line(_ edit: (inout LinkModel) -> Void = { _ in }) -> LinkModel {
    var model = LinkModel(
      name: "line", bandwidth: 12.5e6, roundTrip: 0.02, buffer: 500_000)
    model.timingNoise = 0
    edit(&model)
    return model
  }

  static func seconds(_ model: LinkModel, _ workers: Int, seed: UInt64 = 1) -> Double {
    Simulation(model: model, seed: seed).run(image, FixedPolicy(poolSize: workers)).seconds
  }

  @Test("nothing is faster than the line")
  func obeysTheLine() {
    for workers in [1, 4, 16] {
      let seconds = Self.seconds(Self.line(), workers)
      #expect(seconds >= 4 && seconds < 5.2, "\(workers): \(seconds)")
    }
  }

  @Test("a rate per connection multiplies with the connections until the line is full")
  func obeysCaps() {
    let model = Self.line { $0.perConnection = 1e6 }
    #expect(abs(Self.seconds(model, 1) - 50) < 3)
    #expect(abs(Self.seconds(model, 5) - 10) < 1.2)
    #expect(Self.seconds(model, 20) < 5.2)
  }

  @Test("a server that counts by the second brings each second's bytes at once, and no more in all")
  func countsBySecond() {
    let model = Self.line {
      $0.perConnection = 1e6
      $0.perConnectionBySecond = true
    }
    let image = ImageModel(name: "ten seconds", blobs: [10_000_000])
    let pull = Simulation(model: model, seed: 1).run(image, FixedPolicy(poolSize: 1))
    // Segments begin seconds of their own, so it is faster than the rate says, but not by much.
    #expect(pull.seconds > 6 && pull.seconds < 11)
    let gains = zip(pull.progress, pull.progress.dropFirst()).map { $1.bytes - $0.bytes }
    #expect(gains.count { $0 == 0 } > gains.count / 2)
  }

  @Test("pools that are given up are neither the best nor the polite one")
  func givesUpSlowPools() {
    let model = Self.line { $0.perConnection = 2e6 }
    func oracle(_ patience: Double) -> Oracle {
      Oracle(model: model, image: Self.image, seeds: [1, 2], patience: patience)
    }
    let (all, few) = (oracle(.infinity), oracle(1.5))
    #expect(all.points.count == Oracle.sizes.count && few.points.count < all.points.count)
    #expect(few.best.poolSize == all.best.poolSize && few.best.seconds == all.best.seconds)
    #expect(few.polite.poolSize == all.polite.poolSize)
  }

  @Test(
    "a shallow buffer slows a long line, and two connections that begin together more than one each"
  )
  func overflowsShallowBuffers() {
    func seconds(_ buffer: Double, _ workers: Int) -> Double {
      let model = Self.line {
        $0.roundTrip = 0.1
        $0.buffer = buffer
      }
      return Self.seconds(model, workers)
    }
    // Bandwidth times delay is 1.25 MB.
    #expect(seconds(125_000, 1) > 1.5 * seconds(2_500_000, 1))
    #expect(seconds(125_000, 2) > 0.5 * seconds(125_000, 1))
    #expect(seconds(125_000, 16) < seconds(125_000, 2))
  }

  @Test(
    "after a pause a window is a burst: many requests on one connection keep it as small as the buffer"
  )
  func burstsAfterPauses() {
    let model = Self.line {
      $0.roundTrip = 0.1
      $0.buffer = 125_000
    }
    let small = ImageModel(name: "small", blobs: Array(repeating: 1_000_000, count: 50))
    let pull = Simulation(model: model, seed: 1).run(small, FixedPolicy(poolSize: 1))
    // A buffer's worth in each round trip, and one more for each request.
    #expect(pull.seconds > 50 * (1_000_000 / 250_000 + 1) * 0.1)
  }

  @Test("losses slow one connection down far more than many")
  func obeysLoss() {
    let model = Self.line {
      $0.loss = 0.005
      $0.roundTrip = 0.08
    }
    #expect(Self.seconds(model, 1) > 3 * Self.seconds(model, 24))
  }

  @Test("client, server and disk have limits of their own")
  func obeysEnds() {
    let disk = Self.line { $0.client.diskRate = 5e6 }
    let server = Self.line { $0.server.rate = 5e6 }
    var cpu = Self.line()
    cpu.client.cpuSecondsPerGigabyte = 200
    cpu.client.cpus = 1
    for model in [disk, server, cpu] { #expect(Self.seconds(model, 8) > 9.9) }
  }

  @Test("beyond an overloaded server's number, more workers are slower")
  func obeysOverload() {
    let model = Self.line {
      $0.perConnection = 1.25e6
      $0.server.overloadBeyond = 10
      $0.server.overloadSlope = 0.1
    }
    #expect(Self.seconds(model, 30) > 1.5 * Self.seconds(model, 10))
  }

  @Test("a server that allows so many requests refuses the others, and the pull still ends")
  func refuses() {
    let model = Self.line {
      $0.server.connectionLimit = 3
      $0.server.retryAfter = 0.5
    }
    let outcome = Simulation(model: model, seed: 1).run(Self.image, FixedPolicy(poolSize: 6))
    #expect(outcome.refusals > 0 && outcome.seconds.isFinite)
    #expect(outcome.bytes == 50_000_000)
  }

  @Test("a line that changes is slower for the time that it is")
  func changes() {
    let model = Self.line {
      $0.changes = [.init(at: 1, bandwidth: 2.5e6), .init(at: 5, bandwidth: 12.5e6)]
    }
    // 4 s at a fifth of the rate cost 3.2 s.
    #expect(abs(Self.seconds(model, 4) - Self.seconds(Self.line(), 4) - 3.2) < 0.6)
  }

  @Test("other people's connections take their part")
  func shares() {
    let model = Self.line { $0.crossTraffic = [.init(flows: 4, from: 0, until: 100)] }
    #expect(Self.seconds(model, 4) > 1.5 * Self.seconds(Self.line(), 4))
    #expect(Self.seconds(model, 16) < Self.seconds(model, 4))
  }

  @Test("equal seeds give equal pulls, to the last request", arguments: [1, 2, 3])
  func isDeterministic(seed: UInt64) {
    let model = Self.line {
      $0.loss = 0.002
      $0.rateNoise = 0.1
      $0.timingNoise = 0.002
    }
    func run() -> SimulatedOutcome {
      var simulation = Simulation(model: model, seed: seed)
      simulation.keepsTrace = true
      return simulation.run(Self.image, PolicyName.climb.make(.init(cpus: 2)))
    }
    let (one, other) = (run(), run())
    #expect(one.seconds == other.seconds && one.requests == other.requests)
    #expect(one.trace == other.trace && !one.trace.isEmpty)
  }

  @Test("every byte of every shape arrives, whatever the policy", arguments: PolicyName.allCases)
  func completes(policy: PolicyName) {
    let image = ImageModel(
      name: "mixed", blobs: [30_000_000] + Array(repeating: 200_000, count: 30) + [1, 50])
    let model = Self.line {
      $0.loss = 0.001
      $0.server.redirects = true
      $0.tlsRoundTrips = 1
    }
    let outcome = Simulation(model: model, seed: 5).run(image, policy.make(.init(cpus: 2)))
    #expect(outcome.bytes == image.size && outcome.seconds < 60)
  }

  @Test("a replay asks the policy about every sample of the trace")
  func replays() {
    var simulation = Simulation(model: Self.line(), seed: 1)
    simulation.keepsTrace = true
    let trace = simulation.run(Self.image, FixedPolicy(poolSize: 3)).trace
    let replayed = Replay.run(trace, PolicyName.climb.make(.init(cpus: 2)))
    #expect(replayed.map(\.sample) == trace.map(\.sample))
    #expect(replayed.contains { $0.decision.poolSize != 3 })
  }

  @Test("a trace survives being written and read")
  func codes() throws {
    var simulation = Simulation(model: Self.line(), seed: 1)
    simulation.keepsTrace = true
    let trace = simulation.run(Self.image, PolicyName.climb.make(.init(cpus: 2))).trace
    let lines = try trace.map { try JSONEncoder().encode($0) }
    let back = try Replay.read(Data(lines.joined(separator: Data("\n".utf8))))
    #expect(back.count == trace.count)
    #expect(back.map(\.decision) == trace.map(\.decision))
    #expect(back.map(\.sample.bytesDone) == trace.map(\.sample.bytesDone))
  }

  @Test(
    "a trace with numbers that no pull has is refused, with its line",
    arguments: [
      ("bytesDone", -1.0), ("bytesLeft", 9e18), ("now", -3), ("poolSize", 1e12), ("open", -1),
    ])
  func refusesTraces(field: String, value: Double) throws {
    var simulation = Simulation(model: Self.line(), seed: 1)
    simulation.keepsTrace = true
    let trace = simulation.run(Self.image, FixedPolicy(poolSize: 3)).trace
    let first = try JSONEncoder().encode(trace[0])
    var step = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(trace[1])) as? [String: Any])
    var sample = try #require(step["sample"] as? [String: Any])
    sample[field] = field == "now" ? value : Int64(value)
    step["sample"] = sample
    let second = try JSONSerialization.data(withJSONObject: step)
    #expect(throws: TraceError(line: 2, reason: "has an impossible \(field)")) {
      try Replay.read(first + Data("\n".utf8) + second)
    }
    #expect(throws: TraceError(line: 2, reason: "is not a step of a trace")) {
      try Replay.read(first + Data("\nnonsense".utf8))
    }
  }
}
