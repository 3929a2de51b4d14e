import Foundation
import OCI
import Pull
import Store
import Support
import Testing

/// Content that something on the way encodes, though nobody asked for it.
@Suite("Encodings", .timeLimit(.minutes(10)), .serialized)
struct EncodingTests {
  /// 20,000 zeros, which are less when packed, and noise, which is more.
  static let zeros = [UInt8](repeating: 0, count: 20_000)
  static let packedZeros = Array(
    Data(
      base64Encoded:
        "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAB4MAJTL5cgTgAA") ?? Data())
  static let noise = Content.bytes(90_000, seed: 1)

  static func packed(_ bytes: [UInt8]) -> [UInt8] {
    bytes == zeros ? packedZeros : GZip.stored(bytes)
  }

  enum Framing: CaseIterable { case length, chunked, untilEnd }

  static func reply(_ body: [UInt8], _ encoding: String?, _ framing: Framing) -> Reply {
    let fields = encoding.map { [("Content-Encoding", $0)] } ?? []
    if framing == .length { return .ok(body, fields) }
    let isChunked = framing == .chunked
    var head = "HTTP/1.1 200 OK\r\n" + fields.map { "\($0): \($1)\r\n" }.joined()
    head += isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n"
    guard isChunked else { return .raw(Array(head.utf8) + body, .close) }
    head += "\(String(body.count, radix: 16))\r\n"
    return .raw(Array(head.utf8) + body + Array("\r\n0\r\n\r\n".utf8), .keep)
  }

  /// A registry behind something that packs what `isPacked` says.
  static func registry(
    _ image: FakeImage, _ encoding: String?, _ framing: Framing,
    _ isPacked: @escaping @Sendable (ServedRequest) -> Bool
  ) throws -> FakeRegistry {
    try FakeRegistry(image) { request in
      guard isPacked(request) else { return nil }
      var plain = request
      plain.fields = []
      guard case .response(200, _, let body) = FakeRegistry.answer(plain, image) else { return nil }
      return reply(packed(body), encoding, framing)
    }
  }

  @Test(
    "small blobs are what their digests say, without what they were encoded with on their way",
    arguments: ["gzip", "x-gzip", "GZIP, identity", "br", "identity", nil], Framing.allCases)
  func blobs(encoding: String?, framing: Framing) async throws {
    // A layer that is packed already is packed once more.
    let image = try FakeImage(layers: [Self.zeros, Self.noise, GZip.stored(Self.noise)])
    let registry = try Self.registry(image, encoding, framing) { $0.target.contains("/blobs/") }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
    #expect(registry.blobRequests.count <= 30, "\(registry.blobRequests.count)")
  }

  @Test(
    "a configuration that has to tell what an image is, is read without its encoding, too",
    arguments: ["gzip", nil], Framing.allCases)
  func configuration(encoding: String?, framing: Framing) async throws {
    var image = try FakeImage(layers: [Self.noise])
    let index = try image.addIndex([OddIndexTests.entry(image.manifest, of: image)])
    image.tags["latest"] = index.digest
    let registry = try Self.registry(image, encoding, framing) { $0.target.contains("/blobs/") }
    let bench = try Bench()
    #expect(try await bench.pull("\(registry.host)/o/n").imageDigest == image.manifest)
  }

  @Test(
    "documents are read without their encoding, whether it is said or not",
    arguments: ["gzip", "x-gzip", "identity", nil], Framing.allCases)
  func documents(encoding: String?, framing: Framing) async throws {
    let image = try FakeImage(layers: [Self.noise], platforms: ["linux/amd64"])
    let registry = try Self.registry(image, encoding, framing) { $0.target.contains("/manifests/") }
    let bench = try Bench()
    #expect(try await bench.pull("\(registry.host)/o/n").imageDigest != image.manifest)
    try bench.expectWhole(image)
  }

  /// More than is taken into memory, and unlike itself when it is packed.
  static let large = Content.bytes((4 << 20) + 70_000, seed: 2)
  static let packedLarge = GZip.stored(large)
  /// What it is not, with or without an encoding.
  static let wrongBodies = [
    GZip.stored(large.reversed()), Array(large.dropLast()), Array(packedLarge.prefix(3 << 20)),
    GZip.stored(Array(large.prefix(99))),
  ]

  @Test(
    "a large layer is what its digest says, without what it was encoded with on its way",
    arguments: ["gzip", "x-gzip", "GZIP, identity"], Framing.allCases)
  func largeLayers(encoding: String, framing: Framing) async throws {
    let image = try FakeImage(layers: [Self.large, Self.noise])
    let registry = try FakeRegistry(image) {
      $0.target.contains("\(image.layers[0])")
        ? Self.reply(Self.packedLarge, encoding, framing) : nil
    }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
    #expect(registry.blobRequests.count <= 20, "\(registry.blobRequests.count)")
  }

  @Test("ranges of a layer that are encoded on their way are taken without it", arguments: [3, 64])
  func encodedRanges(workers: Int) async throws {
    let image = try FakeImage(layers: [Self.large])
    let registry = try FakeRegistry(image) { request in
      guard request.range != nil, request.target.contains("\(image.layers[0])"),
        case .response(206, let fields, let body) = FakeRegistry.answer(request, image)
      else { return nil }
      return .response(206, fields + [("Content-Encoding", "gzip")], GZip.stored(body))
    }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n", workers: workers)
    try bench.expectWhole(image)
  }

  @Test(
    "a large layer that is not what it should be without its encoding either fails soon, and with true words",
    arguments: ["gzip", "br", nil], Framing.allCases)
  func wrongLargeLayers(encoding: String?, framing: Framing) async throws {
    let image = try FakeImage(layers: [Self.large])
    for body in Self.wrongBodies {
      let registry = try FakeRegistry(image) {
        $0.target.contains("\(image.layers[0])") ? Self.reply(body, encoding, framing) : nil
      }
      let bench = try Bench()
      let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
      #expect(error.category == .integrity, "\(error)")
      let words = ["re-encoded", "the manifest says", "digest"]
      #expect(words.contains { error.description.contains($0) }, "\(error)")
      #expect(registry.blobRequests.count <= 20, "\(registry.blobRequests.count)")
      try bench.expectNothingWrong()
    }
  }

  @Test("packed bytes that are no manifest are no page")
  func noPage() async throws {
    let image = try FakeImage(layers: [Self.noise])
    for body in [GZip.stored(Array("<html>".utf8)), [0x1F, 0x8B] + Self.noise] {
      let registry = try FakeRegistry(image) {
        $0.target.contains("/manifests/") ? .ok(body) : nil
      }
      let bench = try Bench()
      let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
      #expect(error.category == .integrity)
      #expect(error.description.contains("page") == (body.count < 100), "\(error)")
    }
  }

  // MARK: Other places

  @Test(
    "where the registry's bytes of a layer are wrong, the URLs of the manifest are asked, and the next one after a wrong one",
    arguments: [[true], [false, true], [false, false, true]])
  func foreign(places: [Bool]) async throws {
    let content = Content.bytes(300_000, seed: 9)
    let wrong = content.map { $0 ^ 1 }
    let good = try RawServer { FakeRegistry.blob(content, $0.range) }
    let bad = try RawServer { FakeRegistry.blob(wrong, $0.range) }
    let image = try FakeImage(layers: [content]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["urls"] = places.enumerated().map {
        "http://\($1 ? good.host : bad.host)/layer\($0)"
      }
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image) { request in
      request.target.contains("\(image.layers[0])") ? FakeRegistry.blob(wrong, request.range) : nil
    }
    let bench = try Bench()
    try await bench.pull("\(registry.host)/o/n")
    try bench.expectWhole(image)
  }

  @Test("where all places are wrong, that is said and it ends")
  func allWrong() async throws {
    let content = Content.bytes(300_000, seed: 9)
    let wrong = content.map { $0 ^ 1 }
    let bad = try RawServer { FakeRegistry.blob(wrong, $0.range) }
    let image = try FakeImage(layers: [content]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["urls"] = (0..<20).map { "http://\(bad.host)/layer\($0)" }
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image) { request in
      request.target.contains("\(image.layers[0])") ? FakeRegistry.blob(wrong, request.range) : nil
    }
    let bench = try Bench()
    let error = try await bench.failure(bench.request("\(registry.host)/o/n"))
    #expect(error.category == .integrity && error.description.contains("damaged"), "\(error)")
  }
}
