import Foundation
import Glibc
import Hashing
import OCI
import Registry
import Serve
import Store
import Support
import Testing

/// What callers get from a cache that is small, and what is left of it on the disk.
@Suite("Answers from the cache", .timeLimit(.minutes(10)))
struct CacheAnswerTests {
  /// A registry with blobs of its own; every one may be had.
  static func registry(
    _ blobs: [[UInt8]], damages: Bool = false,
    asked: @escaping @Sendable (Range<Int>) -> Void = { _ in }
  ) throws -> RawServer {
    var content: [String: [UInt8]] = [:]
    for blob in blobs { content["\(try Digest.of(blob))"] = blob }
    let known = content
    return try RawServer { request in
      let name = request.target.split(separator: "?")[0].split(separator: "/").last ?? ""
      guard var blob = known[String(name)] else { return .status(404) }
      if damages { blob[blob.count - 1] ^= 1 }
      guard let range = request.range else { return .ok(blob) }
      asked(range)
      let end = min(range.upperBound, blob.count)
      return .response(
        206, [("Content-Range", "bytes \(range.lowerBound)-\(end - 1)/\(blob.count)")],
        Array(blob[range.lowerBound..<end]))
    }
  }

  @Test(
    "a blob larger than the limit passes through, whole and in parts, and nothing of it is kept")
  func passesThrough() async throws {
    let blob = Content.bytes(1_500_000, seed: 1)
    let server = try Self.registry([blob])
    let desk = try await Desk([server.host], cacheLimit: 1 << 20)
    let target = "/v2/a/blobs/\(try Digest.of(blob))?ns=\(server.host)"
    for (range, part) in [
      (nil, 0..<1_500_000), ("bytes=5-9", 5..<10), ("bytes=1000000-", 1_000_000..<1_500_000),
      ("bytes=-70000", 1_430_000..<1_500_000),
    ] {
      let answer = try await desk.get(target, range.map { [("Range", $0)] } ?? [])
      #expect(answer.status == (range == nil ? 200 : 206))
      #expect(answer.body == Array(blob[part]))
    }
    #expect(try desk.store.stock().isEmpty)
    await desk.close()
  }

  @Test(
    "a blob for which the disk has no room passes through, also where others fill that midway",
    .enabled(if: getuid() == 0),
    arguments: ["1m", "3m", "8m"], [nil, "bytes=0-", "bytes=70000-5000000"])
  func passesAFullDisk(size: String, range: String?) async throws {
    let blob = Content.bytes(6_000_000, seed: 1)
    guard let disk = try SmallDisk("size=\(size)") else {
      try Test.cancel("nothing can be mounted here")
    }
    defer { withExtendedLifetime(disk) {} }
    let path = disk.path
    let others = path + "/others"
    let server = try Self.registry([blob]) { range in
      guard size == "8m", range.lowerBound > 1 << 20, open(others, O_RDONLY) < 0 else { return }
      SmallDisk.fill(with: others)
    }
    let desk = try await Desk([server.host], root: path + "/cache")
    let target = "/v2/a/blobs/\(try Digest.of(blob))?ns=\(server.host)"
    for _ in 1...2 {
      let answer = try await desk.get(target, range.map { [("Range", $0)] } ?? [])
      #expect(answer.status == (range == nil ? 200 : 206))
      // Compared here: what is this long and is not equal would be looked at for ever.
      let isRight =
        answer.body == (range == "bytes=70000-5000000" ? Array(blob[70_000...5_000_000]) : blob)
      #expect(isRight, "\(answer.body.count)")
    }
    await desk.close()
  }

  @Test("what passes through and is damaged does not come to its end")
  func damagedPassesNot() async throws {
    let blob = Content.bytes(1_500_000, seed: 1)
    let server = try Self.registry([blob], damages: true)
    let desk = try await Desk([server.host], cacheLimit: 1 << 20)
    let answer = try await desk.get("/v2/a/blobs/\(try Digest.of(blob))?ns=\(server.host)")
    #expect(answer.body.count <= blob.count - (64 << 10))
    await desk.close()
  }

  @Test("many blobs through a small cache come right, and it is never over its limit")
  func manyBlobs() async throws {
    let blobs = (1...12).map { Content.bytes(300_000, seed: UInt64($0)) }
    let server = try Self.registry(blobs)
    let desk = try await Desk([server.host], cacheLimit: 1_000_000)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for blob in blobs {
        let target = "/v2/a/blobs/\(try Digest.of(blob))?ns=\(server.host)"
        group.addTask { try await desk.get(target).body == blob }
      }
      for try await isRight in group { #expect(isRight) }
    }
    let bytes = try desk.store.stock().reduce(0) { $0 + $1.bytes }
    #expect(bytes <= 1_000_000)
    let figures = String(decoding: try await desk.get("/metrics").body, as: UTF8.self)
    #expect(figures.contains("cairn_cache_limit_bytes 1000000\n"))
    #expect(
      figures.contains("\ncairn_cache_bytes ") && !figures.contains("\ncairn_cache_bytes 0\n"))
    await desk.close()
  }

  @Test("a blob that was fetched once is given from the disk, to whoever may have it")
  func warm() async throws {
    let blob = Content.bytes(300_000, seed: 1)
    let server = try Self.registry([blob])
    let desk = try await Desk([server.host])
    let target = "/v2/a/blobs/\(try Digest.of(blob))?ns=\(server.host)"
    #expect(try await desk.get(target).body == blob)
    let asked = server.requests.count
    #expect(try await desk.get(target).body == blob)
    #expect(try await desk.get(target, [("Range", "bytes=-5")]).body == Array(blob.suffix(5)))
    #expect(server.requests.count == asked)
    #expect(desk.log.all.last?.origin == .cache)
    await desk.close()
  }
}
