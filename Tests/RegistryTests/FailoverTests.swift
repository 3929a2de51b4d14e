@testable import Registry
import Testing
import Transfer

/// The order in which servers are asked, without any server.
@Suite("Failover")
struct FailoverTests {
  /// What happens, and what is done: `a0` asks the first, `c0` takes its request back, `end` and `fail` end it.
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
      ("bad0 bad1", 2, "a0 a1 fail:no1 (before that: no0)"),
      ("late0 head1 good1", 2, "a0 a1 c0 end"),
      ("late0 head0 good0", 2, "a0 a1 c1 end"),
      ("late0 head0 head1 good0", 2, "a0 a1 c1 end"),
      // One that was taken back is asked again when the winner breaks off.
      ("late0 head1 bad1 good0", 2, "a0 a1 c0 a0 end"),
      ("late0 bad0 good1", 2, "a0 a1 end"),
      ("late0 bad1 good0", 2, "a0 a1 end"),
      ("late0 late1 head2 good2", 3, "a0 a1 a2 c0 c1 end"),
      ("late0 good0", 1, "a0 end"),
      ("final0", 3, "a0 fail:no0"),
      ("late0 final1", 2, "a0 a1 c0 fail:no1"),
      // What was over before does not count.
      ("good0 bad0 late0 head1", 2, "a0 end"),
      ("bad0 bad0 good1", 2, "a0 a1 end"),
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
        ["late", "head", "good", "bad", "bad", "bad"][next(6)] + "\(next(count))"
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

  @Test("that a server is late is said once in a time limit")
  func complaints() throws {
    let ledger = EndpointLedger(silenceLimit: 30)
    let server = Endpoint(origin: try RemoteURL("http://r:1").origin)
    let said = [0, 2, 29, 30, 31, 61].map { ledger.mayComplain(of: server, now: $0) }
    #expect(said == [true, false, false, true, false, true])
  }
}
