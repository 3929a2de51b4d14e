import Downloads
import Foundation
import OCI
import Registry
import Support
import Testing

/// Sources are lent by those who want a blob: with credentials that are theirs.
@Suite("Lent sources", .timeLimit(.minutes(10)), .serialized)
struct LentSourceTests {
  @Test("a blob whose first wanter is gone comes from what the next one has brought")
  func inherits() async throws {
    let image = try FakeImage(layers: [Content.bytes(4_000_000, seed: 1)])
    let gate = Gate()
    let first = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") { gate.pass() }
      return nil
    }
    let second = try FakeRegistry(image)
    let depot = try Depot()
    let mine = await depot.service.want(Depot.wishes(image), from: try depot.source(first.host))
    let others = await depot.service.want(
      Depot.wishes(image), from: try depot.source(second.host))
    await depot.service.leave(mine)
    gate.open()
    #expect(await Download.end(of: others) == nil)
    #expect(!second.blobRequests.isEmpty)
    _ = await depot.service.close()
  }

  @Test(
    "what one wanter's source cannot give comes from another's, and fails where nobody's can",
    arguments: [404, 403, 200, 206], [true, false])
  func fails(status: Int, isHad: Bool) async throws {
    let image = try FakeImage(layers: [Content.bytes(900_000, seed: 1)])
    let bytes = try #require(image.blobs[image.layers[0]])
    let gate = Gate()
    let odd: @Sendable (ServedRequest) -> Reply? = { request in
      guard request.target.contains("/blobs/") else { return nil }
      gate.pass()
      // The beginning is right, and the rest is not to be had.
      if status == 206, request.range?.lowerBound == 0 { return nil }
      return status == 200
        ? .ok([UInt8](repeating: 0, count: bytes.count)) : .status(status == 206 ? 404 : status)
    }
    let first = try FakeRegistry(image, fault: odd)
    let second = try FakeRegistry(image) { isHad ? nil : odd($0) }
    let depot = try Depot()
    let mine = await depot.service.want(Depot.wishes(image), from: try depot.source(first.host))
    let others = await depot.service.want(
      Depot.wishes(image), from: try depot.source(second.host))
    gate.open()
    for downloads in [mine, others] {
      #expect((await Download.end(of: downloads) == nil) == isHad)
    }
    #expect(!first.blobRequests.isEmpty && !second.blobRequests.isEmpty)
    #expect((depot.store.size(of: image.layers[0]) != nil) == isHad)
    _ = await depot.service.close()
  }

  @Test(
    "what a wanter's source does not give now comes from another's, whenever that was brought",
    arguments: ["refuses", "is silent", "breaks off", "gets stuck"])
  func goesOn(fault: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(900_000, seed: 1)])
    let size = image.blobs[image.layers[0]]?.count ?? 0
    let (came, brought) = (Gate(), Gate())
    let count = Counter()
    let first = try FakeRegistry(image) { request in
      guard request.target.contains("/blobs/"), count.next() > 1 else { return nil }
      came.open()
      guard let range = request.range else { return .status(500) }
      let part = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
      let head = Reply.head(206, length: range.count, [("Content-Range", part)])
      switch fault {
      case "refuses":
        brought.pass()
        return .status(503, [("Retry-After", "300")])
      case "breaks off":
        brought.pass()
        return .raw(head, .reset)
      case "is silent": return .raw([], .hang)
      default: return .raw(head, .hang)
      }
    }
    let second = try FakeRegistry(image)
    let depot = try Depot(retries: 100, silence: 1000)
    let mine = await depot.service.want(Depot.wishes(image), from: try depot.source(first.host))
    await came.opened()
    let others = await depot.service.want(
      Depot.wishes(image), from: try depot.source(second.host))
    brought.open()
    #expect(await Download.end(of: mine + others) == nil)
    #expect(!second.blobRequests.isEmpty)
    _ = await depot.service.close()
  }

  @Test("a source is let go of when nothing is fetched from it, while its path goes on")
  func letsGo() async throws {
    let image = try FakeImage(layers: [Content.bytes(200_000, seed: 1)])
    let registry = try FakeRegistry(image)
    let depot = try Depot(idleSeconds: 1000)
    weak var lent: BlobSource?
    do {
      let source = try depot.source(registry.host)
      lent = source
      let downloads = await depot.service.want(Depot.wishes(image), from: source)
      #expect(await Download.end(of: downloads) == nil)
    }
    try await eventually { lent == nil }
    #expect(depot.ended.all.isEmpty)
    _ = await depot.service.close()
    // What it brought is remembered.
    #expect(depot.ended.all.map(\.blobHost) == [registry.host])
  }
}
