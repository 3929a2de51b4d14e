import Foundation
import OCI
import Support
import Testing

@testable import Serve

/// What is fetched ahead of need, and who may have it without a question.
@Suite("Granted ahead of need", .timeLimit(.minutes(10)))
struct GrantedAheadTests {
  @Test("what came ahead for a caller is given to him without a question, and elsewhere with one")
  func grants() async throws {
    let image = try FakeImage(layers: [
      Content.bytes(300_000, seed: 1), Content.bytes(90_000, seed: 2),
    ])
    let registry = try FakeRegistry(image)
    let desk = try await Desk([registry.host])
    let base = "/v2/\(registry.host.replacing(":", with: "__"))/o"
    #expect(try await desk.get("\(base)/n/manifests/latest").status == 200)
    for digest in image.blobs.keys {
      try await eventually { desk.store.size(of: digest) != nil }
    }
    let before = registry.blobRequests.count
    for (digest, blob) in image.blobs {
      #expect(try await desk.get("\(base)/n/blobs/\(digest)").body == blob)
    }
    #expect(registry.blobRequests.count == before)
    // That it is here says nothing of another repository: upstream says who may have it there.
    for digest in image.layers {
      #expect(try await desk.get("\(base)/other/blobs/\(digest)").status == 200)
      #expect(
        registry.blobRequests.contains { $0.target.contains("/other/blobs/\(digest)") })
    }
    await desk.close()
  }

  @Test("a tag that nobody asked for costs one request, and is asked for by HEAD after that")
  func firstAnswer() async throws {
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    let registry = try FakeRegistry(image)
    let desk = try await Desk([registry.host])
    let target = "/v2/\(registry.host.replacing(":", with: "__"))/o/n/manifests/latest"
    for _ in 0..<3 {
      let answer = try await desk.get(target)
      #expect(answer.status == 200 && answer.body == image.manifests[image.manifest]?.1)
    }
    let asked = registry.server.requests.filter { $0.target.contains("/manifests/") }
    #expect(asked.first?.method == "GET" && asked.count > 2)
    #expect(asked.dropFirst().allSatisfy { $0.method == "HEAD" })
    await desk.close()
  }
}
