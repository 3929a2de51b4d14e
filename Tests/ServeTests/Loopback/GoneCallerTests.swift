import Foundation
import OCI
import Support
import Testing

@testable import Serve

/// Callers that ask and go: what is done for them ends, and costs the others nothing.
@Suite("Callers that are gone", .timeLimit(.minutes(10)))
struct GoneCallerTests {
  /// Has something answered whose caller is gone before anything is done for it.
  private static func ask(_ post: Post, _ target: String) async -> Answer {
    let request = ServeRequest(
      method: "GET", target: "/v2/\(post.registry)/o/n/\(target)",
      caller: Caller(.process(uid: nil)))
    return await Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await post.answerer.answer(request)
    }.value
  }

  @Test("nothing that is here is asked of upstream for whoever is gone")
  func nothingUpstream() async throws {
    let (post, registry, image) = try await FrontTests.post()
    let targets = [
      "blobs/\(image.layers[0])", "manifests/\(image.manifest)", "manifests/latest",
    ]
    for target in targets { #expect(try await post.get(target).status == 200) }
    // What a HEAD asks of a tag may have gone out when it is seen that nobody waits.
    let asked = registry.server.requests.count { $0.method == "GET" }
    for target in targets {
      let answer = await Self.ask(post, target)
      #expect(answer.origin == .own)
      if case .passing = answer.body { Issue.record("\(target) passes through") }
    }
    #expect(registry.server.requests.count { $0.method == "GET" } == asked)
    await post.end()
  }

  @Test("of a blob that passes through no piece is asked for when its reader is gone")
  func noPiece() async throws {
    let image = try FakeImage(layers: [Content.bytes(300_000, seed: 3)], platforms: ["linux/amd64"])
    let registry = try FakeRegistry(image)
    let room = AnswerRoom()
    let post = try await Post(registry.host, room: room, cacheLimit: 100_000)
    let request = ServeRequest(
      method: "GET", target: "/v2/\(post.registry)/o/n/blobs/\(image.layers[0])",
      caller: Caller(.process(uid: nil)))
    var answer: Answer? = await post.answerer.answer(request)
    guard case .passing(let blob)? = answer?.body else {
      Issue.record("it does not pass through")
      return
    }
    let asked = registry.server.requests.count
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await blob.next()
    }
    await #expect(throws: CancellationError.self) { try await late.value }
    #expect(registry.server.requests.count == asked)
    #expect(room.held == 256 << 10)
    answer = nil
    await post.end()
  }

  @Test("whoever is gone has his place until nothing is done for him any more")
  func place() async throws {
    let gate = Gate()
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    let registry = try FakeRegistry(image) { request in
      if request.target.contains("/blobs/") { gate.pass() }
      return nil
    }
    let post = try await Post(registry.host, settings: FrontSettings(connections: 1))
    let path = post.folder("s")
    try await post.server.listen(at: .path(path))
    let gone = try post.wire()
    gone.ask("/v2/\(post.registry)/o/n/blobs/\(image.layers[0])")
    try await eventually { !registry.blobRequests.isEmpty }
    gone.reset()
    // The one that looks is the last.
    let looks = try Wire(path: path)
    try await eventually {
      looks.ask("/metrics")
      return try await looks.answer().text.contains("\ncairn_connections 1\n")
    }
    let next = try post.wire()
    next.ask("/healthz")
    #expect(await next.read(1).isEmpty)
    gate.open()
    try await eventually {
      let wire = try post.wire()
      wire.ask("/healthz")
      return (try? await wire.answer().status) == 200
    }
    await post.end()
  }
}
