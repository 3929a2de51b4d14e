import Downloads
import Foundation
import OCI
import Registry
import Support
import Testing

/// Sources are lent by those who want a blob: with credentials that are theirs.
@Suite("Lent sources", .timeLimit(.minutes(3)), .serialized)
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
