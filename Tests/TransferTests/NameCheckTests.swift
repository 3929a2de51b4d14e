@testable import CurlTransfer
import Glibc
import Testing
import Transfer

/// What it means that a name could not be looked up, without any name server.
@Suite("Names that have no address")
struct NameCheckTests {
  static func job(_ number: UInt64) throws -> CurlJob {
    CurlJob(
      number: number, request: TransferRequest(.get, try RemoteURL("http://h/")),
      decide: { _, _ in .refuse }, ended: { _ in })
  }

  static let unresolved = TransferError(.resolve, "Could not resolve host: h")
  static let proxy = TransferError(.proxy, "Could not resolve proxy: h")

  @Test(
    "what the system says tells a wrong name from name servers that fail",
    arguments: [
      (EAI_NONAME, TransferError.Kind.noSuchHost), (-5, .noSuchHost), (-9, .noSuchHost),
      (EAI_AGAIN, .resolve), (EAI_FAIL, .resolve), (EAI_SYSTEM, .resolve), (EAI_MEMORY, .resolve),
      // It has come up meanwhile.
      (0, .resolve),
    ])
  func kinds(code: Int32, kind: TransferError.Kind) {
    let error = NameChecks.error(Self.unresolved, code)
    #expect(error.kind == kind && error.isTransient == (kind == .resolve))
    #expect(error.message.hasPrefix(Self.unresolved.message))
    var proxy = Self.proxy
    proxy.failedProxy = "http://p:1"
    let ofProxy = NameChecks.error(proxy, code)
    #expect(ofProxy.kind == (kind == .noSuchHost ? .noSuchHost : .proxy))
    #expect(ofProxy.failedProxy == "http://p:1")
  }

  @Test("one question a name, however many transfers wait for the answer, and each ends once")
  func shared() throws {
    var checks = NameChecks()
    #expect(checks.isEmpty)
    #expect(checks.add(try Self.job(1), Self.unresolved, host: "a", now: 0))
    #expect(!checks.add(try Self.job(2), Self.unresolved, host: "a", now: 0.1))
    #expect(checks.add(try Self.job(3), Self.unresolved, host: "b", now: 0.1))
    #expect(checks.take(2)?.number == 2 && checks.take(2) == nil)
    let ended = checks.answered("a", EAI_NONAME)
    #expect(ended.map(\.job.number) == [1] && ended.map(\.error.kind) == [.noSuchHost])
    #expect(checks.answered("a", EAI_NONAME).isEmpty)
    #expect(checks.numbers == [3])
  }

  @Test("an answer that does not come in a second says that nobody knows")
  func late() throws {
    var checks = NameChecks()
    _ = checks.add(try Self.job(1), Self.unresolved, host: "a", now: 10)
    #expect(checks.expired(now: 10.9).isEmpty)
    #expect(checks.expired(now: 11).map(\.error.kind) == [.resolve])
    #expect(checks.isEmpty && checks.answered("a", EAI_NONAME).isEmpty)
  }
}
