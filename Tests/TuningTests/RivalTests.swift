import Testing

@testable import Tuning

@Suite("Rivals")
struct RivalTests {
  static let names = PolicyName.allCases

  @Test("every policy opens with a worker or more and stays within its maximum", arguments: names)
  func staysInBounds(name: PolicyName) {
    var drive = Drive(name.make(.init(cpus: 2, maximum: 20)))
    drive.run(120, rate: { min(Double($0) * 5e6, 40e6) }, queue: { $0 > 8 ? 0.02 : 0 })
    #expect(drive.sizes.allSatisfy { (1...20).contains($0) })
  }

  @Test(
    "constants are what others' documentation says",
    arguments: [
      (PolicyName.one, 1), (.three, 3), (.six, 6), (.twicePerCPU, 8), (.aria2, 5), (.xet, 4),
    ])
  func constants(name: PolicyName, size: Int) {
    #expect(Drive(name.make(.init(cpus: 4))).decision.poolSize == size)
  }

  @Test("aria2's formula at 100 Mbit/s gives 55")
  func ariaFormula() {
    var drive = Drive(PolicyName.aria2.make(.init(cpus: 2)))
    drive.run(3, rate: { _ in 12.5e6 }, queue: { _ in 0 })
    #expect((54...55).contains(drive.decision.poolSize))
  }

  @Test(
    "those that climb find more than they opened with where each worker brings its own rate",
    arguments: [PolicyName.falconHillClimb, .falconGradient, .fastbiodl, .xet, .aimd, .vivace])
  func climbs(name: PolicyName) {
    var drive = Drive(name.make(.init(cpus: 2)))
    let opened = drive.decision.poolSize
    drive.run(60, rate: { Double($0) * 20e6 }, queue: { _ in 0 })
    #expect(drive.decision.poolSize > opened + 2)
  }

  @Test("AIMD halves after a refusal")
  func halves() {
    var drive = Drive(PolicyName.aimd.make(.init(cpus: 2)))
    drive.run(8, rate: { Double($0) * 1e6 }, queue: { _ in 0 })
    let before = drive.decision.poolSize
    drive.run(
      0.05, refusals: [.init(at: .zero, served: 3, retryAfter: nil)], rate: { _ in 1e6 },
      queue: { _ in 0 })
    #expect(drive.decision.poolSize == before / 2)
  }
}
