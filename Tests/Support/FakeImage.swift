import Foundation
package import OCI
import Store

/// Content for tests: deterministic bytes, and images made of them.
package enum Content {
  /// Bytes that look random but are the same for the same seed.
  package static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }
}

/// An image as a registry has it: documents and blobs by digest, and tags.
package struct FakeImage: Sendable {
  package var blobs: [Digest: [UInt8]] = [:]
  package var manifests: [Digest: (type: MediaType, bytes: [UInt8])] = [:]
  package var tags: [String: Digest] = [:]
  package var layers: [Digest] = []
  package var manifest: Digest

  /// Makes an image, or an index of images that share its layers.
  package init(
    layers contents: [[UInt8]], platforms: [String] = [], algorithm: Digest.Algorithm = .sha256,
    types: (manifest: MediaType, index: MediaType) = (.ociManifest, .ociIndex),
    tag: String = "latest",
    edit: (inout [String: Any]) -> Void = { _ in }
  ) throws {
    manifest = try Digest.of([], algorithm)
    var layerEntries: [[String: Any]] = []
    for content in contents {
      let digest = try Digest.of(content, algorithm)
      blobs[digest] = content
      layers.append(digest)
      layerEntries.append([
        "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "\(digest)",
        "size": content.count,
      ])
    }
    let listed = layers.map { "\"\($0)\"" }.joined(separator: ",")
    var entries: [[String: Any]] = []
    for platform in platforms.isEmpty ? ["linux/amd64"] : platforms {
      let parts = platform.split(separator: "/").map(String.init)
      let config = Array(
        (#"{"os":"\#(parts[0])","architecture":"\#(parts[1])","#
          + #""rootfs":{"type":"layers","diff_ids":[\#(listed)]}}"#).utf8)
      let configDigest = try Digest.of(config, algorithm)
      blobs[configDigest] = config
      var document: [String: Any] = [
        "schemaVersion": 2, "mediaType": types.manifest.rawValue, "layers": layerEntries,
        "config": [
          "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "\(configDigest)",
          "size": config.count,
        ],
      ]
      edit(&document)
      let bytes = try Self.encode(document)
      let digest = try Digest.of(bytes, algorithm)
      manifests[digest] = (types.manifest, bytes)
      manifest = digest
      entries.append([
        "mediaType": types.manifest.rawValue, "digest": "\(digest)", "size": bytes.count,
        "platform": ["os": parts[0], "architecture": parts[1]],
      ])
    }
    if !platforms.isEmpty {
      manifest = try addIndex(entries, type: types.index, algorithm: algorithm).digest
    }
    tags[tag] = manifest
  }

  /// Adds an index of these descriptors, without a tag.
  package mutating func addIndex(
    _ entries: [[String: Any]], type: MediaType = .ociIndex, algorithm: Digest.Algorithm = .sha256
  ) throws -> (digest: Digest, size: Int) {
    let bytes = try Self.encode([
      "schemaVersion": 2, "mediaType": type.rawValue, "manifests": entries,
    ])
    let digest = try Digest.of(bytes, algorithm)
    manifests[digest] = (type, bytes)
    return (digest, bytes.count)
  }

  package static func encode(_ document: [String: Any]) throws -> [UInt8] {
    Array(try JSONSerialization.data(withJSONObject: document, options: [.sortedKeys]))
  }
}

/// A registry on a raw server: good by default, with a place to misbehave.
package final class FakeRegistry: Sendable {
  /// Looks at a request before the registry does; nil lets the registry answer.
  package typealias Fault = @Sendable (ServedRequest) -> Reply?

  package let server: RawServer

  package init(_ image: FakeImage, fault: @escaping Fault = { _ in nil }) throws {
    server = try RawServer { request in
      fault(request) ?? FakeRegistry.answer(request, image)
    }
  }

  package var host: String { server.host }

  /// Requests for blobs so far.
  package var blobRequests: [ServedRequest] {
    server.requests.filter { $0.target.contains("/blobs/") }
  }

  /// Requests for bytes of a blob of which some had been asked for before.
  package var repeatedRequests: Int {
    var asked: [String: RangeSet<Int>] = [:]
    return blobRequests.count { request in
      guard let range = request.range else { return false }
      defer { asked[request.target, default: RangeSet()].insert(contentsOf: range) }
      return asked[request.target].map { !$0.intersection(RangeSet(range)).isEmpty } ?? false
    }
  }

  /// What a good registry answers.
  package static func answer(_ request: ServedRequest, _ image: FakeImage) -> Reply {
    let path = request.target.split(separator: "?")[0]
    let name = String(path.split(separator: "/").last ?? "")
    if path.contains("/manifests/") {
      guard let digest = image.tags[name] ?? (try? Digest(name)),
        let found = image.manifests[digest]
      else {
        return .status(
          404, [("Content-Type", "application/json")],
          #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
      }
      return .ok(
        found.bytes,
        [("Content-Type", found.type.rawValue), ("Docker-Content-Digest", "\(digest)")])
    }
    guard path.contains("/blobs/"), let digest = try? Digest(name), let bytes = image.blobs[digest]
    else {
      return .status(404)
    }
    return blob(bytes, request.range)
  }

  /// A blob, or a range of it.
  package static func blob(_ bytes: [UInt8], _ range: Range<Int>?) -> Reply {
    guard let range else { return .ok(bytes) }
    guard range.lowerBound < bytes.count else { return .status(416) }
    let end = min(range.upperBound, bytes.count)
    return .response(
      206, [("Content-Range", "bytes \(range.lowerBound)-\(end - 1)/\(bytes.count)")],
      Array(bytes[range.lowerBound..<end]))
  }
}
