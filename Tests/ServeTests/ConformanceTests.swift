import Foundation
import OCI
import Serve
import Support
import Testing

/// What clients ask, word for word: recorded by `tools/serve-clients --record`, or written down
/// from their sources where they cannot run here.
///
/// `{host}` stands for the registry, `{index}`, `{manifest}`, `{config}`, `{layer0}` and so on for digests.
@Suite("What clients insist on", .timeLimit(.minutes(10)))
struct ConformanceTests {
  struct Recorded: Decodable, Sendable {
    var method: String
    var target: String
    var headers: [String: String]
  }

  struct Recording: Sendable, CustomTestStringConvertible {
    var client: String
    var requests: [Recorded]
    var testDescription: String { client }
  }

  static let recordings: [Recording] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/clients.json")
    guard let data = try? Data(contentsOf: file),
      let read = try? JSONDecoder().decode([String: [Recorded]].self, from: data)
    else { return [] }
    // What wants credentials is replayed where those are exchanged.
    return read.filter { !$0.key.contains("private") }.sorted { $0.key < $1.key }.map {
      Recording(client: $0.key, requests: $0.value)
    }
  }()

  @Test("every client's requests were read")
  func areThere() {
    #expect(Self.recordings.count >= 8)
    for recording in Self.recordings { #expect(recording.requests.count >= 6) }
  }

  @Test("a client's requests get what it insists on, cold and warm", arguments: recordings)
  func conforms(_ recording: Recording) async throws {
    let image = try FakeImage(
      layers: (0..<4).map { Content.bytes(200_000 + Int($0) * 1000, seed: $0) },
      platforms: ["linux/amd64", "linux/arm64"])
    let registry = try FakeRegistry(image)
    let desk = try await Desk([registry.host])
    for _ in 0..<2 {
      for request in recording.requests { try await replay(request, image, registry.host, desk) }
    }
    await desk.close()
  }

  private func replay(
    _ request: Recorded, _ image: FakeImage, _ host: String, _ desk: Desk
  ) async throws {
    let target = try Self.target(request.target, image, host)
    let answer = try await desk.get(
      target, request.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      method: request.method)
    let fields = Dictionary(answer.fields) { $1 }
    let isHead = request.method == "HEAD"
    let path = target.prefix { $0 != "?" }.split(separator: "/").map(String.init)
    let words = Comment(rawValue: "\(request.method) \(target)")
    switch path.dropLast().last {
    case "manifests":
      let digest = try image.tags[path.last ?? ""] ?? Digest(path.last ?? "")
      let (type, bytes) = try #require(image.manifests[digest])
      #expect(answer.status == 200, words)
      #expect(fields["content-type"] == type.rawValue, words)
      #expect(fields["docker-content-digest"] == "\(digest)", words)
      #expect(fields["content-length"] == "\(bytes.count)", words)
      #expect(answer.body == (isHead ? [] : bytes), words)
    case "blobs":
      let bytes = try #require(image.blobs[try Digest(path.last ?? "")])
      let start = request.headers["range"].flatMap { Int($0.filter(\.isNumber)) }
      let wanted = Array(bytes[(start ?? 0)...])
      #expect(answer.status == (start == nil ? 200 : 206), words)
      #expect(
        fields["content-range"] == start.map { "bytes \($0)-\(bytes.count - 1)/\(bytes.count)" },
        words)
      #expect(fields["content-length"] == "\(wanted.count)", words)
      #expect(answer.body == (isHead ? [] : wanted), words)
    case "referrers": #expect([200, 404].contains(answer.status), words)
    default: #expect([200, 401].contains(answer.status), words)
    }
    // Every client offers encodings, and takes what comes for the blob.
    #expect(fields["content-encoding"] == nil, words)
  }

  /// A recorded target with this registry's name and this image's digests.
  private static func target(
    _ recorded: String, _ image: FakeImage, _ host: String
  ) throws -> String {
    var target = recorded
    let index = image.manifest
    let manifest = try #require(image.manifests.keys.first { $0 != index })
    let config = try #require(image.blobs.keys.first { !image.layers.contains($0) })
    var words = ["{index}": "\(index)", "{manifest}": "\(manifest)", "{config}": "\(config)"]
    for (number, layer) in image.layers.enumerated() { words["{layer\(number)}"] = "\(layer)" }
    for (word, value) in words { target = target.replacing(word, with: value) }
    let part = host.replacing(":", with: "__")
    // Docker's older store names no registry: that it is Docker Hub then is tested elsewhere, and
    // this one is not.
    if recorded.hasPrefix("/v2/library/") {
      target = target.replacing("/v2/", with: "/v2/\(part)/")
    }
    return target.replacing("?ns={host}", with: "?ns=\(host.replacing(":", with: "%3A"))")
      .replacing("{host}", with: part)
  }
}
