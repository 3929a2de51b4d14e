import Foundation
import Testing
import Tuning

@testable import Simulation

/// Guards what the default policy has reached: a smaller league than `cairn simulate` runs, with bounds a
/// little below its figures. Who moves a constant and falls below has made pulls slower.
@Suite(
  "League",
  .enabled(
    if: ProcessInfo.processInfo.environment["CAIRN_TEST_ALONE"] != nil,
    "it takes every core for half a minute; tools/test runs it before the other tests"))
struct GuardTests {
  static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  @Test("the climb stays as good as it was, and better than the constants of others")
  func guards() async throws {
    let models = try ModelTests.files(ModelTests.folder).map {
      try LinkModel(json: Data(contentsOf: $0))
    }
    let image = try ImageModel(
      json: Data(contentsOf: ModelTests.folder.appending(path: "images/large-3g.json")))
    let league = League(
      models: models, images: [image], seeds: [1], lengths: [8], sizes: [1, 4, 8, 12, 20, 32, 64])
    let cells = await league.cells()
    func efficiencies(_ policy: PolicyName, isWarm: Bool = false) async -> [Double] {
      await league.run(policy, over: cells, isWarm: isWarm).map(\.efficiency).sorted()
    }
    let cold = await efficiencies(.climb)
    #expect(Self.mean(cold) >= 0.95, "\(cold)")
    #expect(cold[cold.count / 10] >= 0.85 && cold[0] >= 0.75, "\(cold)")
    let warm = await efficiencies(.climb, isWarm: true)
    #expect(Self.mean(warm) >= 0.96, "\(warm)")
    #expect(warm[0] >= 0.80, "\(warm)")
    for rival in [PolicyName.six, .twicePerCPU, .aria2, .gradient2, .falconGradient] {
      #expect(Self.mean(await efficiencies(rival)) < Self.mean(cold) - 0.02, "\(rival)")
    }
  }

  @Test("with its limit known, no request is refused")
  func warmIsNotRefused() throws {
    let model = try LinkModel(
      json: Data(contentsOf: ModelTests.folder.appending(path: "limit-12.json")))
    let image = ImageModel(name: "one", blobs: [100_000_000])
    var memory = PathMemory()
    for lesson in 0..<2 {
      let prior = memory.prior(at: Double(lesson))
      let outcome = Simulation(model: model, seed: UInt64(lesson + 1))
        .run(image, PolicyName.climb.make(.init(cpus: 2, prior: prior)))
      #expect(lesson == 0 ? outcome.refusals > 0 : outcome.refusals == 0)
      memory.learn(outcome.record, at: Double(lesson))
    }
  }

  @Test(
    "those who share a line get equal parts of all of it",
    arguments: [(2, false, 0.98), (2, true, 0.99), (10, false, 0.93), (10, true, 0.99)])
  func isFair(clients: Int, knowsIdle: Bool, least: Double) throws {
    let model = try LinkModel(
      json: Data(contentsOf: ModelTests.folder.appending(path: "home-100.json")))
    let outcome = Crowd.run(clients, .climb, model: model, knowsIdle: knowsIdle, seed: 1)
    #expect(outcome.fairness >= least && outcome.utilisation > 0.95 && outcome.starved == 0)
  }

  @Test("a registry that eighty machines want at once: nobody starves, and few are refused")
  func sparesTheRegistry() throws {
    // The fleet's registry, made smaller in proportion.
    var model = try LinkModel(
      json: Data(contentsOf: ModelTests.folder.appending(path: "fleet/registry.json")))
    let scale = 80.0 / 1_000
    model.bandwidth *= scale
    model.buffer *= scale
    model.server.connectionLimit = model.server.connectionLimit.map { Int(Double($0) * scale) }
    model.server.overloadBeyond = model.server.overloadBeyond.map { Int(Double($0) * scale) }
    model.server.overloadSlope /= scale
    func run(_ policy: PolicyName) -> Crowd.Outcome {
      Crowd.run(80, policy, model: model, knowsIdle: false, seed: 1)
    }
    let (climb, six, cpus) = (run(.climb), run(.six), run(.twicePerCPU))
    #expect(climb.starved <= 1 && climb.fairness > 0.6, "\(climb)")
    #expect(2 * climb.refusals < six.refusals && climb.refusals < cpus.refusals)
    #expect(climb.utilisation > 0.95 * max(six.utilisation, cpus.utilisation))
  }
}
