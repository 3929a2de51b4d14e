import Foundation
import OCI
import Pull
import Support
import Testing

/// Registries that redirect each request to the next node of a network for content, one of which is no good.
@Suite("Places that redirects lead to", .timeLimit(.minutes(10)), .serialized)
struct PlaceTests {
  static let layer = Content.bytes(300_000, seed: 5)

  /// What the first node does with a request for the layer.
  enum Bad: String, CaseIterable {
    case flips, sendsPage, sendsLess, sendsMore, sendsNothing, encodes, sendsOtherTotal

    func answer(_ request: ServedRequest) -> Reply {
      switch self {
      case .flips:
        var part = FaultTests.part(request, layer)
        part[part.count / 2] ^= 4
        return .raw(FaultTests.partHead(request, layer) + part, .keep)
      case .sendsPage: return .response(200, [("Content-Type", "text/html")], Array("<html>".utf8))
      case .sendsLess: return .ok(layer.dropLast())
      case .sendsMore: return .ok(layer + [1])
      case .sendsNothing: return .ok([])
      case .encodes: return .response(200, [("Content-Encoding", "br")], [1, 2, 3])
      case .sendsOtherTotal:
        return .response(206, [("Content-Range", "bytes 0-9/10")], Array(layer.prefix(10)))
      }
    }
  }

  /// A registry, and the network that it redirects to; each redirect of the layer names the next node.
  private static func network(
    _ image: FakeImage, bad: @escaping @Sendable (ServedRequest) -> Reply
  ) throws -> (registry: FakeRegistry, nodes: FakeRegistry) {
    let nodes = try FakeRegistry(image) { $0.target.hasSuffix("?node=1") ? bad($0) : nil }
    let (host, count) = (nodes.host, Counter())
    let registry = try FakeRegistry(image) { request in
      guard request.target.contains("/blobs/") else { return nil }
      let node = request.target.contains("\(image.layers[0])") ? count.next() : 2
      return .status(307, [("Location", "http://\(host)\(request.target)?node=\(node)")])
    }
    return (registry, nodes)
  }

  @Test("a node with wrong content is left: the registry knows others", arguments: Bad.allCases)
  func leavesWrongPlace(bad: Bad) async throws {
    let image = try FakeImage(layers: [Self.layer])
    let (registry, nodes) = try Self.network(image, bad: bad.answer)
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n", workers: 2)
    try bench.expectWhole(image)
    #expect(nodes.blobRequests.contains { $0.target.hasSuffix("?node=1") })
    #expect(nodes.blobRequests.contains { !$0.target.hasSuffix("?node=1") })
  }

  @Test("a node that says nothing is left by the second request for the same bytes")
  func leavesSilentPlace() async throws {
    let image = try FakeImage(layers: [Self.layer])
    let (registry, _) = try Self.network(image) { _ in .raw([], .hang) }
    // Nothing but another node ends this within the test's time.
    let bench = try Bench(stallTimeout: 600)
    // More than the layer can be cut into: who waits has nobody to ask a second time.
    try await bench.pull("\(registry.host)/o/n", workers: 8)
    try bench.expectWhole(image)
  }
}
