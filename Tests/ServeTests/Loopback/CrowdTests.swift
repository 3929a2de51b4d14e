import Serve
import Support
import Testing

@testable import Serve

/// More connections than may be.
@Suite("Crowds", .timeLimit(.minutes(10)))
struct CrowdTests {
  /// A service whose blobs, one for each wire, wait for a gate.
  private static func post(
    most: Int, _ gate: Gate
  ) async throws -> (post: Post, registry: FakeRegistry, blobs: [String]) {
    let image = try FakeImage(
      layers: (0..<most).map { Content.bytes(1_000, seed: 1 + UInt64($0)) })
    let registry = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") { gate.pass() }
      return nil
    }
    let post = try await Post(registry.host, settings: FrontSettings(connections: most))
    return (post, registry, image.layers.map { "/v2/\(post.registry)/o/n/blobs/\($0)" })
  }

  @Test("who comes when as many answers are on their way as may be is sent away, and they end")
  func allBusy() async throws {
    let gate = Gate()
    let (post, registry, blobs) = try await Self.post(most: 2, gate)
    let busy = try blobs.map { _ in try post.wire() }
    for (wire, blob) in zip(busy, blobs) { wire.ask(blob) }
    try await eventually { Set(registry.blobRequests.map(\.target)).count == blobs.count }
    let third = try post.wire()
    third.ask("/v2/")
    #expect(await third.read(1).isEmpty)
    gate.open()
    for wire in busy { #expect(try await wire.answer().status == 200) }
    await post.end()
  }

  @Test(
    "half a head and a connection kept for later give way to who comes, the longest silent first")
  func silentGiveWay() async throws {
    let gate = Gate()
    let (post, _, _) = try await Self.post(most: 2, gate)
    let (half, kept) = (try post.wire(), try post.wire())
    for wire in [half, kept] {
      wire.ask("/v2/")
      #expect(try await wire.answer().status == 200)
    }
    half.send("GET /v2/ HT")
    let third = try post.wire()
    third.ask("/v2/")
    #expect(try await third.answer().status == 200)
    #expect(await half.read(1).isEmpty)
    kept.ask("/v2/")
    #expect(try await kept.answer().status == 200)
    await post.end()
  }

  @Test("whoever fills the network's places keeps nobody from a socket in the file system")
  func sockets() async throws {
    let gate = Gate()
    let (post, registry, blobs) = try await Self.post(most: 1, gate)
    let path = post.folder("s")
    try await post.server.listen(at: .path(path))
    let busy = try post.wire()
    busy.ask(blobs[0])
    try await eventually { !registry.blobRequests.isEmpty }
    let own = try Wire(path: path)
    own.ask("/v2/")
    #expect(try await own.answer().status == 200)
    gate.open()
    #expect(try await busy.answer().status == 200)
    await post.end()
  }

  @Test("places are given by who was silent longest, apart for each kind")
  func shelf() {
    var shelf = ConnectionShelf<Int>(most: 2)
    #expect([1, 2].map { shelf.admit($0, isLocal: false) } == [.taken, .taken])
    shelf.noteBusy(1)
    #expect(shelf.admit(3, isLocal: false) == .inPlace(of: 2))
    #expect(shelf.admit(9, isLocal: true) == .taken)
    shelf.noteSilent(1)
    #expect(shelf.admit(4, isLocal: false) == .inPlace(of: 3))
    shelf.noteBusy(1)
    shelf.noteBusy(4)
    #expect(shelf.admit(5, isLocal: false) == .refused)
    // Who has ended is nobody's concern any more.
    shelf.remove(1)
    shelf.noteSilent(1)
    #expect(shelf.admit(5, isLocal: false) == .taken)
    for id in [4, 5, 9] { shelf.remove(id) }
    #expect(shelf.isEmpty)
  }
}
