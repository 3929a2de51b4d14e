@testable import Registry
import Testing
import Transfer

/// The order in which servers are asked, without any server.
@Suite("Failover")
struct FailoverTests {
  /// What happens, and what is done: `a0` asks the first, `c0` takes its request back, `end` and
  /// `fail` end it.
  static func done(_ script: String, count: Int, hedges: Bool = true) -> String {
    var failover = Failover<Int>(count: count, hedges: hedges)
    var actions = failover.begin()
    var said: [String] = []
    func say() {
      for action in actions {
        switch action {
        case .ask(let index): said.append("a\(index)")
        case .cancel(let index): said.append("c\(index)")
        case .end(.success): said.append("end")
        case .end(.failure(let error)): said.append("fail:\(error)")
        }
      }
    }
    say()
    for word in script.split(separator: " ") {
      let index = Int(String(word.last ?? "0")) ?? 0
      let failure = RegistryError(.notFound, "no\(index)")
      switch word.dropLast() {
      case "late": actions = failover.late(index)
      case "head": actions = failover.answered(index)
      case "slow": actions = failover.slow(index)
      case "passed": actions = failover.passed(index)
      case "settled":
        failover.settled(index)
        actions = []
      case "good": actions = failover.ended(index, .success(index))
      case "bad": actions = failover.ended(index, .failure(failure))
      default: actions = failover.ended(index, .failure(failure), isFinal: true)
      }
      say()
    }
    return said.joined(separator: " ")
  }

  @Test(
    "who is asked next, who is taken back, and how it ends",
    arguments: [
      ("good0", 2, "a0 end"),
      ("bad0 good1", 2, "a0 a1 end"),
      ("bad0 bad1", 2, "a0 a1 fail:no1 (also asked: no0)"),
      ("late0 head1 good1", 2, "a0 a1 c0 end"),
      ("late0 head0 good0", 2, "a0 a1 c1 end"),
      ("late0 head0 head1 good0", 2, "a0 a1 c1 end"),
      // One that was taken back is asked again when the winner breaks off.
      ("late0 head1 bad1 good0", 2, "a0 a1 c0 a0 end"),
      ("late0 bad0 good1", 2, "a0 a1 end"),
      ("late0 bad1 good0", 2, "a0 a1 end"),
      // Who failed leaves it to somebody who is late, or slow: the next one is asked, too.
      ("late0 bad1 head2 good2", 3, "a0 a1 a2 c0 end"),
      ("late0 bad1 bad2 bad0", 3, "a0 a1 a2 fail:no2 (also asked: no0; no1)"),
      ("head0 slow0 bad1 good2", 3, "a0 a1 a2 c0 end"),
      ("late0 late1 bad0 head1 good1", 3, "a0 a1 a2 c2 end"),
      ("late0 late1 head2 good2", 3, "a0 a1 a2 c0 c1 end"),
      ("late0 good0", 1, "a0 end"),
      ("final0", 3, "a0 fail:no0"),
      ("late0 final1", 2, "a0 a1 c0 fail:no1"),
      // What was over before does not count.
      ("good0 bad0 late0 head1", 2, "a0 end"),
      ("bad0 bad0 good1", 2, "a0 a1 end"),
      // One that is slow goes on beside the next one until it is known who is faster.
      ("head0 slow0 head1 good1", 2, "a0 a1 c0 end"),
      ("head0 slow0 head1 passed0 good1", 2, "a0 a1 c0 end"),
      ("head0 slow0 head1 good0", 2, "a0 a1 c1 end"),
      ("head0 slow0 good0", 2, "a0 a1 c1 end"),
      ("head0 slow0 bad1 good0", 2, "a0 a1 end"),
      // Whoever is asked beside it may be silent, slow or broken, and others are left.
      ("head0 slow0 late1 head2 passed0 good2", 3, "a0 a1 a2 c1 c0 end"),
      ("head0 slow0 head1 slow1 head2 passed0 passed1 good2", 3, "a0 a1 a2 c0 c1 end"),
      ("head0 slow0 bad1 slow0 head2 passed0 good2", 3, "a0 a1 a2 c0 end"),
      // Nobody was faster.
      ("head0 slow0 head1 passed1 settled0 good0", 2, "a0 a1 c1 end"),
      ("head0 slow0 head1 passed1 settled0 late0 good0", 3, "a0 a1 c1 end"),
      // It is asked again where nobody else is left, and nobody gets two requests.
      ("head0 slow0 head1 passed0 bad1 good0", 2, "a0 a1 c0 a0 end"),
      ("head0 slow0 head1 passed0 passed1 good1", 2, "a0 a1 c0 end"),
      ("head0 slow0 slow0 slow0 good0", 2, "a0 a1 c1 end"),
      ("slow0 head0 good0", 2, "a0 end"),
      ("head0 slow0 good0", 1, "a0 end"),
      ("head0 slow0 final0", 2, "a0 a1 c1 fail:no0"),
    ])
  func order(script: String, count: Int, expected: String) {
    #expect(Self.done(script, count: count) == expected)
  }

  static let absent = RegistryError(.transfer(TransferError(.refused, "off")), "off")
  static let unnamed = RegistryError(.transfer(TransferError(.noSuchHost, "?")), "?")
  static let broken = RegistryError(.transfer(TransferError(.broken, "cut")), "cut")
  static let unresolved = RegistryError(.transfer(TransferError(.resolve, "dns")), "dns")
  static let busy = RegistryError(.overloaded(retryAfter: 1), "busy")
  static let lacking = RegistryError(.notFound, "not here")

  @Test(
    "where nobody is at home at the registry, mirrors that may come round are waited for",
    arguments: [
      ([absent], false), ([unnamed], false), ([unresolved], true),
      ([absent, unnamed], false), ([lacking, absent], false), ([unnamed, absent, absent], false),
      ([broken, absent], true), ([busy, unnamed], true), ([unresolved, unnamed], true),
      ([absent, broken, unnamed], true), ([unnamed, unresolved], true),
    ])
  func absence(errors: [RegistryError], mayPass: Bool) throws {
    var failover = Failover<Int>(count: errors.count, hedges: false)
    var actions = failover.begin()
    for (index, error) in errors.enumerated() {
      actions = failover.ended(index, .failure(error))
    }
    guard case .end(.failure(let end)) = actions.first else {
      Issue.record("it goes on")
      return
    }
    #expect(end.isTransient == mayPass && end.isAbsence == !mayPass)
    #expect(end.message == errors.last?.message)
  }

  @Test("nobody is overtaken where that is not wanted")
  func withoutHedges() {
    #expect(Self.done("late0 good0", count: 2, hedges: false) == "a0 end")
    #expect(Self.done("head0 slow0 good0", count: 2, hedges: false) == "a0 end")
  }

  @Test("any order of events ends with one end")
  func anyOrder() {
    var state: UInt64 = 7
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    for _ in 0..<2_000 {
      let count = 1 + next(4)
      let words = (0..<40).map { _ in
        ["late", "head", "slow", "passed", "settled", "good", "bad", "bad", "bad"][next(9)]
          + "\(next(count))"
      }
      let said = Self.done(words.joined(separator: " "), count: count).split(separator: " ")
      #expect(said.count { $0 == "end" || $0.hasPrefix("fail") } <= 1)
    }
  }

  @Test(
    "a mirror that brought nothing for a whole time limit is left alone, unless other things came from it"
  )
  func quietMirrors() throws {
    let mirror = Endpoint(origin: try RemoteURL("http://m:1").origin)
    let registry = Endpoint(origin: try RemoteURL("http://r:1").origin)
    for (succeededAt, isLeft) in [(nil, true), (5.0, true), (75.0, false)] as [(Double?, Bool)] {
      let ledger = EndpointLedger(silenceLimit: 30)
      if let succeededAt { ledger.succeeded(mirror, now: succeededAt) }
      let stall = RegistryError(.transfer(TransferError(.stalled, "nothing")), "nothing")
      let reason = ledger.failed(mirror, stall, for: "a", now: 100)
      #expect((reason != nil) == isLeft)
      #expect(ledger.candidates([mirror, registry], for: "a") == [registry])
      #expect(ledger.candidates([mirror, registry], for: "b").count == (isLeft ? 1 : 2))
    }
  }

  @Test("where all fail, the principal's word counts, wherever it stands")
  func principal() {
    var failover = Failover<Int>(count: 2, hedges: true, principal: 0)
    _ = failover.begin()
    _ = failover.ended(0, .failure(Self.busy))
    let actions = failover.ended(1, .failure(Self.lacking))
    guard case .end(.failure(let error)) = actions.first else {
      Issue.record("it goes on")
      return
    }
    #expect(error.description == "busy (also asked: not here)")
  }

  @Test(
    "a server is outrun by another that is faster by far, and has shown it",
    arguments: [
      // A trickle beside a fast one, and beside all of something small.
      (Pace(bytes: 300, seconds: 1), Pace(bytes: 1 << 20, seconds: 1), true),
      (Pace(bytes: 0, seconds: 3), Pace(bytes: 64 << 10, seconds: 3), true),
      (Pace(bytes: 300, seconds: 1), Pace(bytes: 20_000, seconds: 1, isWhole: true), true),
      // Too little to say.
      (Pace(bytes: 300, seconds: 1), Pace(bytes: 20_000, seconds: 1), false),
      (Pace(bytes: 0, seconds: 1), Pace(bytes: 0, seconds: 1), false),
      // A thin line, which both share.
      (Pace(bytes: 60_000, seconds: 2), Pace(bytes: 120_000, seconds: 2), false),
      (Pace(bytes: 500_000, seconds: 2), Pace(bytes: 3_900_000, seconds: 2), false),
      (Pace(bytes: 500_000, seconds: 2), Pace(bytes: 4_100_000, seconds: 2), true),
      // Numbers that nobody should have.
      (Pace(bytes: .max, seconds: 0), Pace(bytes: 1 << 20, seconds: 1), false),
      (Pace(bytes: 1, seconds: 0), Pace(bytes: .max, seconds: 0), true),
    ])
  func paces(slow: Pace, fast: Pace, expected: Bool) {
    #expect(slow.isOutrun(by: fast) == expected)
    #expect(!slow.words.isEmpty && !fast.words.isEmpty)
  }

  @Test("whoever is outrun is asked behind the others, until it outruns one of them")
  func outrun() throws {
    let servers = try (1...3).map { Endpoint(origin: try RemoteURL("http://r:\($0)").origin) }
    let ledger = EndpointLedger(silenceLimit: 30)
    func order() -> [Int] {
      ledger.candidates(servers, for: "a").compactMap { servers.firstIndex(of: $0) }
    }
    #expect(order() == [0, 1, 2])
    #expect(ledger.outrun(servers[0], by: servers[2]))
    #expect(order() == [1, 2, 0])
    #expect(!ledger.outrun(servers[0], by: servers[1]))
    #expect(ledger.outrun(servers[1], by: servers[2]))
    #expect(order() == [2, 0, 1])
    #expect(ledger.outrun(servers[2], by: servers[0]))
    #expect(order() == [0, 1, 2])
  }

  @Test("a server is compared once at a time, and ever more seldom where nothing comes of it")
  func comparisons() throws {
    let ledger = EndpointLedger(silenceLimit: 30)
    let server = Endpoint(origin: try RemoteURL("http://r:1").origin)
    var said: [Bool] = []
    for now in [0.0, 1, 20, 31, 32, 80, 92] {
      let may = ledger.mayCompare(server, now: now)
      said.append(may)
      if may, now != 0 { ledger.compared(server, at: now) }
      if now == 1 { ledger.compared(server, at: now) }
    }
    #expect(said == [true, false, false, true, false, false, true])
    // What ended before anything was seen costs no pause.
    ledger.compared(server, at: nil)
    #expect(ledger.mayCompare(server, now: 300))
    ledger.compared(server, at: nil)
    #expect(ledger.mayCompare(server, now: 300))
  }

  @Test("whoever was silent has a short turn until it says something")
  func silence() throws {
    let mirror = Endpoint(origin: try RemoteURL("http://m:1").origin)
    for byLaterOne in [true, false] {
      let ledger = EndpointLedger(silenceLimit: 30)
      ledger.asked(mirror)
      _ = ledger.overtaken(mirror, byLaterOne: byLaterOne, now: 1)
      #expect(ledger.isSilent(mirror) == byLaterOne)
      ledger.asked(mirror)
      ledger.answered(mirror)
      #expect(!ledger.isSilent(mirror))
    }
  }

  @Test("that a server is late is said once in a time limit")
  func complaints() throws {
    let ledger = EndpointLedger(silenceLimit: 30)
    let server = Endpoint(origin: try RemoteURL("http://r:1").origin)
    let said = [0, 2, 29, 30, 31, 61].map { ledger.mayComplain(of: server, now: $0) }
    #expect(said == [true, false, false, true, false, true])
  }
}
