import Testing

@testable import Tuning

/// Seconds in which nothing comes over any connection.
@Suite("Outages")
struct OutageTests {
  static let server: @Sendable (Int) -> Double = { Double(min($0, 12)) * 1e6 }
  static let nothing: @Sendable (Int) -> Double = { _ in 0 }

  /// A pull from a server that gives each of twelve connections 1 MB/s, with an outage or without.
  static func pull(
    _ policy: any Policy, seconds: [Double], outage: Double
  ) -> (drive: Drive, record: PullRecord) {
    var drive = Drive(policy)
    var recorder = PullRecorder(opening: Opening())
    drive.sampled = { recorder.observe($0, $1) }
    for (index, length) in seconds.enumerated() {
      if index > 0, outage > 0 { drive.run(outage, rate: nothing, queue: nothing) }
      drive.run(length, rate: server, queue: nothing)
    }
    drive.sampled = nil
    return (drive, recorder.record(at: Moment(seconds: drive.now)))
  }

  /// How many samples of the last ten seconds had each size.
  static func held(_ drive: Drive) -> [Int: Int] {
    Dictionary(drive.sizes.suffix(200).map { ($0, 1) }, uniquingKeysWith: +)
  }

  @Test(
    "leave the pool as it would be without them, whenever they begin",
    arguments: [0.6, 1, 1.7, 3, 8.2], [2.2, 5, 40])
  func changeNothing(begins: Double, lasts: Double) {
    let with = Self.pull(
      OutageProof(ClimbPolicy(maximum: 64)), seconds: [begins, 12], outage: lasts)
    let without = Self.pull(
      OutageProof(ClimbPolicy(maximum: 64)), seconds: [begins, 12], outage: 0)
    // A sample earlier or later the one may be looking at another size, and the other not yet.
    let (here, there) = (Self.held(with.drive), Self.held(without.drive))
    for size in Set(here.keys).union(there.keys) {
      #expect(abs(here[size, default: 0] - there[size, default: 0]) <= 2, "\(here), \(there)")
    }
    let waiting = "nothing comes over any connection: waiting with as many"
    #expect(with.drive.reasons.contains(waiting))
    #expect(with.drive.reasons.filter { $0 != waiting }.count >= without.drive.reasons.count)
    #expect(!without.drive.reasons.contains(waiting))
  }

  @Test("are in no epoch and no verdict, but are counted", arguments: [2.5, 7, 30])
  func teachNothing(lasts: Double) throws {
    let pull = Self.pull(FixedPolicy(poolSize: 8), seconds: [5, 5], outage: lasts)
    let measured = pull.record.epochs.filter { !$0.isAppLimited }
    #expect(measured.count >= 3)
    for epoch in measured { #expect(abs(epoch.rate / 8e6 - 1) < 0.06, "\(epoch)") }
    let levels = pull.record.evidence.levels
    #expect(levels.allSatisfy { abs($0.rate / 8e6 - 1) < 0.06 }, "\(levels)")
    let silent = try #require(pull.record.evidence.silent)
    #expect(abs(silent - lasts) < 0.2)
    #expect(pull.record.seconds > 10 + lasts - 0.1)
  }

  @Test(
    "are not what is short, what the user's limit holds back, or what this machine is busy with")
  func areOutages() {
    for (lasts, held, busy) in [(1.5, 0.0, 0.0), (10, 0.9, 0), (10, 0, 0.9)] {
      var drive = Drive(FixedPolicy(poolSize: 4))
      var recorder = PullRecorder(opening: Opening())
      drive.sampled = { recorder.observe($0, $1) }
      drive.run(5, rate: Self.server, queue: Self.nothing)
      drive.run(lasts, held: held, busy: busy, rate: Self.nothing, queue: Self.nothing)
      drive.run(5, rate: Self.server, queue: Self.nothing)
      drive.sampled = nil
      #expect(recorder.record(at: Moment(seconds: drive.now)).evidence.silent == nil)
    }
  }
}
