import Foundation
@testable import OCI
@testable import Store

/// Manifests, indexes and what is in them.
extension Fuzz {
  static func document(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try ImageDocument.parse(Data(bytes), contentType: nil) }) else {
      return
    }
    switch parsed {
    case .manifest(let manifest):
      require(manifest.totalSize ?? -1 >= 0, "sizes that overflow")
      require(manifest.layers.allSatisfy { $0.size >= 0 }, "a negative size")
      _ = manifest.blobs
    case .index(let index):
      _ = index.platforms
      _ = (try? Platform("linux/arm64/v8")).map { index.images(for: $0) }
      _ = index.artifactTypes
    }
  }

  static func descriptor(_ bytes: [UInt8]) {
    guard let parsed = try? JSONDecoder().decode(Descriptor.self, from: Data(bytes)) else { return }
    require(parsed.size >= 0, "a negative size")
    _ = parsed.title
    _ = parsed.isAttestation
    guard let again = try? JSONEncoder().encode(parsed) else { return }
    require(
      (try? JSONDecoder().decode(Descriptor.self, from: again))?.digest == parsed.digest,
      "a descriptor does not read back")
  }

  static func imageConfig(_ bytes: [UInt8]) {
    guard let platform = ImageConfig(json: Data(bytes))?.platform else { return }
    require(!platform.os.isEmpty && !platform.architecture.isEmpty, "a platform without a name")
    isShown(platform.description)
  }

  static func json(_ bytes: [UInt8]) {
    guard let tree = JSONTree(bytes) else { return }
    require(JSONTree(tree.data) == tree, "a document does not read back")
    guard case .object = tree else { return }
    var edited = tree
    edited["mediaType"] = JSONTree(string: "x")
    require(JSONTree(edited.data)?["mediaType"]?.string == "x", "a member is not set")
  }

  /// A twin is what every reader knows: made of it again, it needs none.
  static func ociForm(_ bytes: [UInt8]) {
    let data = Data(bytes)
    switch try? ImageDocument.parse(data, contentType: nil) {
    case .manifest(let manifest):
      for isImage in [true, false] {
        guard let twin = OCIForm.manifest(data, manifest, isImage: isImage, content: { _ in .gzip })
        else { continue }
        guard case .manifest(let again) = try? ImageDocument.parse(twin, contentType: .ociManifest)
        else { fatalError("a twin is no manifest") }
        require(again.blobs.map(\.digest) == manifest.blobs.map(\.digest), "a blob is lost")
        let next = OCIForm.manifest(twin, again, isImage: isImage) { _ in .gzip }
        require(next == nil, "a twin needs a twin")
      }
    case .index(let index):
      let forms = Dictionary(index.manifests.map { ($0.digest, $0) }) { first, _ in first }
      guard let twin = OCIForm.index(data, forms) else { return }
      guard case .index(let again) = try? ImageDocument.parse(twin, contentType: .ociIndex) else {
        fatalError("a twin is no index")
      }
      require(again.manifests.map(\.digest) == index.manifests.map(\.digest), "an entry is lost")
      require(OCIForm.index(twin, forms) == nil, "a twin needs a twin")
    case nil: return
    }
  }

  static func layoutIndex(_ bytes: [UInt8]) {
    guard let parsed = LayoutIndex(json: Data(bytes)) else { return }
    guard let again = try? LayoutIndex(json: parsed.encoded()) else { fatalError("not encodable") }
    require(again.manifests.map(\.digest) == parsed.manifests.map(\.digest), "an entry is lost")
  }
}
