import Foundation
import OCI
import Support
import Testing

@testable import Store

/// Files in the store that claim to be larger than anybody could read.
@Suite("Sparse blobs", .timeLimit(.minutes(10)))
struct SparseBlobTests {
  let folder: TemporaryFolder
  let store: ContentStore
  let layer = Content.bytes(6 << 20, seed: 7)
  let image: FakeImage

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
    image = try FakeImage(layers: [layer])
    try place(try OutputTests.stored(image, in: store).root, as: "ex.am/p:1")
  }

  func place(_ entry: Descriptor, as name: String) throws {
    try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
      try index.place(name, entry)
    }
  }

  var maintenance: StoreMaintenance { StoreMaintenance(store: store) }
  private static let size: Int64 = 1 << 40

  /// Puts a file of so many zeros in a blob's place, of which nothing is on the disk but its beginning.
  func plant(_ digest: Digest, beginning: [UInt8] = [1, 2, 3]) throws {
    let path = store.path(of: digest)
    try? FileManager.default.removeItem(atPath: path)
    try writeFile(path, beginning)
    try #require(truncate(path, off_t(Self.size)) == 0)
  }

  @Test("what no image needs is not read where it is mostly holes, and nothing is said against it")
  func unnamed() throws {
    let planted = try Digest.of([9])
    let before = try maintenance.verify(removesDamage: false)
    #expect(before.damage.isEmpty && before.unread.isEmpty)
    try plant(planted)
    let found = try maintenance.verify(removesDamage: true)
    #expect(found.damage.isEmpty)
    #expect(found.unread == [planted])
    #expect(found.blobs == before.blobs && found.bytes == before.bytes)
    #expect(store.size(of: planted) == Self.size)
  }

  @Test(
    "what no image needs is read where its bytes are on the disk",
    arguments: [6 << 20, 1_000])
  func content(count: Int) throws {
    let bytes = Content.bytes(count, seed: 8)
    try store.put(Data(bytes.prefix(1_000)), as: try Digest.of(bytes.prefix(1_000)))
    let wrong = try Digest.of([9])
    try writeFile(store.path(of: wrong), bytes)
    let found = try maintenance.verify(removesDamage: false)
    #expect(found.damage.map(\.digest) == [wrong] && found.unread.isEmpty)
    #expect(found.damage.first?.reason.hasPrefix("its content is ") == true)
  }

  @Test("what an image needs is damaged in another size than all that names it says, and not read")
  func named() throws {
    let digest = image.layers[0]
    try plant(digest)
    for removes in [false, true] {
      let found = try maintenance.verify(removesDamage: removes)
      #expect(found.damage.map(\.digest) == [digest] && found.unread.isEmpty)
      #expect(found.damage.first?.images.isEmpty == false)
      let reason = found.damage.first?.reason ?? ""
      #expect(reason == "it has 1.0 TiB, what names it says 6.0 MiB")
    }
    #expect(store.size(of: digest) == nil)
  }

  @Test("a manifest that is a large file is not read, either")
  func manifest() throws {
    try plant(image.manifest)
    let found = try maintenance.verify(removesDamage: false)
    #expect(found.damage.map(\.digest) == [image.manifest])
  }

  @Test("a document that is said to be larger than any is damaged where it is holes, and not read")
  func largeDocument() throws {
    let planted = try Digest.of([9])
    try plant(planted)
    for type in [MediaType.ociManifest, MediaType.ociIndex] {
      try place(
        Descriptor(mediaType: type, digest: planted, size: Self.size), as: "ex.am/planted:1")
      let found = try maintenance.verify(removesDamage: false)
      #expect(found.damage.map(\.digest) == [planted] && found.unread.isEmpty)
      #expect(found.damage.first?.images == ["ex.am/planted:1"])
    }
    let config = try Digest.of([8])
    try plant(config)
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":{"mediaType":"#
      + #""application/vnd.oci.image.config.v1+json","digest":"\#(config)","#
      + #""size":\#(Self.size)},"layers":[]}"#
    let manifest = try Digest.of(Array(text.utf8))
    try store.put(Data(text.utf8), as: manifest)
    try place(
      Descriptor(
        mediaType: .ociManifest, digest: manifest, size: Int64(text.utf8.count)),
      as: "ex.am/planted:1")
    let found = try maintenance.verify(removesDamage: false)
    #expect(found.damage.map(\.digest) == [config])
    #expect(found.unread == [planted], "no image has it any more")
  }

  @Test("one that says another size of a blob that is right does it no harm")
  func contradiction() throws {
    let other = try FakeImage(layers: [layer]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["size"] = 7
      document["layers"] = layers
      document["annotations"] = ["other": "yes"]
    }
    let found = try #require(other.manifests[other.manifest])
    try store.put(Data(found.bytes), as: other.manifest)
    let entry = Descriptor(
      mediaType: found.type, digest: other.manifest, size: Int64(found.bytes.count))
    try place(entry, as: "ex.am/other:1")
    let result = try maintenance.verify(removesDamage: false)
    #expect(result.damage.isEmpty && result.unread.isEmpty)
  }
}
