import OCI
import Support
import Synchronization
import Testing
import Transfer

@testable import Registry

/// Whether an endpoint that lacks a blob is asked for the blob's manifest.
@Suite("Manifests that name what is missing")
struct NamingTests {
  private let endpoint: Endpoint
  private let manifest: Digest
  private let blob: Digest
  private let asked = Log<Digest>()

  init() throws {
    endpoint = Endpoint(origin: try RemoteURL("https://r.example/").origin)
    manifest = try Digest.of([1])
    blob = try Digest.of([2])
  }

  /// A clock that only the test moves.
  private final class Clock: Sendable {
    private let value = Mutex(100.0)
    var now: Double { value.withLock { $0 } }
    func move(by seconds: Double) { value.withLock { $0 += seconds } }
  }

  private func namings(_ clock: Clock) -> Namings {
    var time = Timekeeper()
    time.seconds = { clock.now }
    return Namings(time: time)
  }

  private func isGiven(
    _ namings: Namings, since began: Double, _ given: Bool = true, at other: Endpoint? = nil
  ) async -> Bool {
    await namings.isGiven(manifest, by: other ?? endpoint, since: began) {
      [asked, manifest] in
      asked.add(manifest)
      return given
    }
  }

  @Test("the last manifest that names a blob is known, and none of one that nobody named")
  func names() throws {
    let namings = namings(Clock())
    #expect(namings.manifest(naming: blob) == nil)
    namings.note([blob], in: try Digest.of([3]))
    namings.note([blob], in: manifest)
    #expect(namings.manifest(naming: blob) == manifest)
  }

  @Test("an endpoint is asked once, and what came of it counts for what was asked for before it")
  func once() async {
    let clock = Clock()
    let namings = namings(clock)
    let began = clock.now
    clock.move(by: 1)
    #expect(await isGiven(namings, since: began))
    #expect(await isGiven(namings, since: began))
    clock.move(by: 1)
    #expect(await !isGiven(namings, since: clock.now))
    #expect(asked.all.count == 1)
  }

  @Test("each endpoint has its own turn, and who gives no manifest is not asked again")
  func endpoints() async throws {
    let clock = Clock()
    let namings = namings(clock)
    let other = Endpoint(origin: try RemoteURL("https://m.example/").origin)
    #expect(await !isGiven(namings, since: clock.now, false))
    #expect(await !isGiven(namings, since: clock.now))
    #expect(await isGiven(namings, since: clock.now, at: other))
    #expect(asked.all.count == 2)
  }

  @Test("who has given the manifest is not asked again because a blob is missing right after it")
  func given() async {
    let clock = Clock()
    let namings = namings(clock)
    let began = clock.now
    clock.move(by: 1)
    namings.noteGiven(manifest, by: endpoint)
    #expect(await isGiven(namings, since: began))
    clock.move(by: 1)
    #expect(await !isGiven(namings, since: clock.now))
    #expect(asked.all.isEmpty)
  }

  @Test("what is lost later is asked for again")
  func later() async {
    let clock = Clock()
    let namings = namings(clock)
    #expect(await isGiven(namings, since: clock.now))
    clock.move(by: 61)
    #expect(await isGiven(namings, since: clock.now))
    #expect(asked.all.count == 2)
  }

  @Test("who comes meanwhile waits, and the question ends when nobody waits any more")
  func together() async {
    let namings = namings(Clock())
    let (began, ended) = (Gate(), Gate())
    let ask: @Sendable () async -> Bool = {
      began.open()
      await Gate().opened()
      if Task.isCancelled { ended.open() }
      return false
    }
    let (endpoint, manifest) = (endpoint, manifest)
    let waiters = (0..<2).map { _ in
      Task { await namings.isGiven(manifest, by: endpoint, since: 0, ask) }
    }
    await began.opened()
    for waiter in waiters { waiter.cancel() }
    await ended.opened()
    for waiter in waiters { #expect(await !waiter.value) }
    // Nothing was learnt of the endpoint.
    #expect(await isGiven(namings, since: 0))
  }
}
