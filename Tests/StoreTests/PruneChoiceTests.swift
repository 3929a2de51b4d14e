import Foundation
import Glibc
import OCI
import Support
import Testing

@testable import Store

/// Which images a prune takes, by what is known of them.
@Suite("The choice of a prune", .timeLimit(.minutes(10)))
struct PruneChoiceTests {
  let folder: TemporaryFolder
  let store: ContentStore
  let now = Date().timeIntervalSince1970
  static let month = 30.0 * 86_400

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
  }

  /// Puts an image into the store.
  ///
  /// - Parameter pulled: what is noted of its last pull; nil: nothing.
  @discardableResult
  func add(_ name: String, seed: UInt64, pulled: String?) throws -> StoredImage {
    let image = try OutputTests.stored(
      FakeImage(layers: [Content.bytes(10_000, seed: seed)]), in: store)
    var entry = image.root
    entry.annotations = pulled.map { [LayoutIndex.pulledKey: $0] }
    try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
      try index.set(name, entry)
    }
    return image
  }

  func prune(olderThan: Double? = nil, keepBytes: Int64? = nil) throws -> [String] {
    try StoreMaintenance(store: store).prune(
      olderThan: olderThan, keepBytes: keepBytes, now: now
    ).images
  }

  @Test(
    "an image of which no pull is known is as old as its document is here",
    arguments: [nil, "", "x", "nan", "-1", "1e400", "inf", "0x1p60"] as [String?])
  func unknown(pulled: String?) throws {
    try add("ex.am/a:1", seed: 1, pulled: pulled)
    #expect(try prune(olderThan: Self.month).isEmpty)
    #expect(try prune(keepBytes: 1 << 20).isEmpty)
    let later = StoreMaintenance(store: store)
    let report = try later.prune(
      olderThan: Self.month, keepBytes: nil, now: now + 2 * Self.month)
    #expect(report.images == ["ex.am/a:1"])
  }

  @Test("what has a name that is no UTF-8 goes like anything else that nothing needs")
  func oddNames() throws {
    try add("ex.am/a:1", seed: 1, pulled: nil)
    let blobs = store.root + "/blobs/sha256/"
    let ingest = store.root + "/.cairn/ingest/"
    /// Makes a file whose name has the byte 0xFF in it.
    func make(_ place: String) {
      let path = Array(place.utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
      let file = open(path, O_WRONLY | O_CREAT, 0o600)
      #expect(file >= 0 && write(file, "abc", 3) == 3)
      close(file)
    }
    for place in [blobs + "x", blobs, ingest + "y"] { make(place) }
    try FileManager.default.createDirectory(
      atPath: blobs + "d/e", withIntermediateDirectories: true)
    make(blobs + "d/e/")
    let maintenance = StoreMaintenance(store: store)
    for isRehearsal in [true, false] {
      let report = try maintenance.prune(
        olderThan: nil, keepBytes: nil, now: now, isRehearsal: isRehearsal)
      #expect(report.images.isEmpty && report.blobs == 3 && report.bytes >= 6)
    }
    // What is needed is there, and nothing else.
    let left = try FileManager.default.contentsOfDirectory(atPath: blobs)
    #expect(left.allSatisfy { $0.utf8.count == 64 } && !left.isEmpty)
    let again = try maintenance.prune(olderThan: nil, keepBytes: nil, now: now)
    #expect(again.blobs == 0 && store.ingest?.isEmpty == true)
  }

  @Test("a part that is younger than the age that is given stays, with its map")
  func youngParts() throws {
    let ingest = store.root + "/.cairn/ingest/"
    for name in ["sha256-aa.partial", "sha256-aa.map", "sha256-bb.partial", "sha256-bb.map"] {
      try Data([1, 2, 3]).write(to: URL(filePath: ingest + name))
    }
    let old = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: now - 7_200)]
    for name in ["sha256-aa.map", "sha256-bb.partial", "sha256-bb.map"] {
      try FileManager.default.setAttributes(old, ofItemAtPath: ingest + name)
    }
    func left() throws -> Set<String> {
      Set(try FileManager.default.contentsOfDirectory(atPath: ingest))
    }
    _ = try prune(olderThan: 3_600)
    #expect(try left() == ["sha256-aa.partial", "sha256-aa.map"])
    _ = try prune()
    #expect(try left().isEmpty)
  }

  @Test("of two entries with one name only the old one goes, with its blobs")
  func twins() throws {
    let old = try add("ex.am/a:1", seed: 1, pulled: "5")
    let entries = try store.index().manifests
    try add("ex.am/a:1", seed: 2, pulled: "\(now)")
    let path = store.root + "/index.json"
    var index = try #require(
      JSONSerialization.jsonObject(with: Data(readFile(path))) as? [String: Any])
    let list = try #require(index["manifests"] as? [Any])
    let first = try JSONSerialization.jsonObject(with: JSONEncoder().encode(entries[0]))
    index["manifests"] = list + [first]
    try writeFile(path, try JSONSerialization.data(withJSONObject: index))
    #expect(try StoreMaintenance(store: store).images().count == 2)
    #expect(try prune(olderThan: Self.month) == ["ex.am/a:1"])
    let left = try StoreMaintenance(store: store).images()
    #expect(left.count == 1 && left[0].isComplete)
    #expect(!store.contains(old.manifests[0].manifest.layers[0]))
  }

  @Test(
    "a size that lies makes nothing go, be what it is of here or not",
    arguments: ["entry", "layer that is there", "layer that is missing"])
  func lies(what: String) throws {
    try add("ex.am/a:1", seed: 1, pulled: "5")
    let image = try add("ex.am/b:1", seed: 2, pulled: "6")
    var entry = image.root
    entry.annotations = [LayoutIndex.pulledKey: "7"]
    if what == "entry" {
      entry.size = ImageDocument.sizeLimit
    } else {
      let layer = image.manifests[0].manifest.layers[0]
      let hex = what.hasSuffix("missing") ? String(repeating: "d", count: 64) : layer.digest.hex
      let config = image.manifests[0].manifest.config
      let document = """
        {"schemaVersion":2,"mediaType":"\(MediaType.ociManifest.rawValue)",\
        "config":{"mediaType":"\(config.mediaType.rawValue)","digest":"\(config.digest)",\
        "size":\(config.size)},"layers":[{"mediaType":"\(layer.mediaType.rawValue)",\
        "digest":"sha256:\(hex)","size":\(ImageDocument.sizeLimit / 2)}]}
        """
      let digest = try Digest.of(Array(document.utf8))
      try store.put(Data(document.utf8), as: digest)
      entry.digest = digest
      entry.size = Int64(document.utf8.count)
    }
    let lying = entry
    try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
      try index.set("ex.am/b:1", lying)
    }
    #expect(try prune(keepBytes: 1 << 20).isEmpty)
    #expect(try StoreMaintenance(store: store).images().count == 2)
  }

  @Test("documents are read once, however many names and indexes lead to them")
  func readsOnce() throws {
    let inner = try index((0..<50).map { ("\($0)", 5) }, note: "inner")
    let outer = try (0..<4).map {
      try index([(inner.digest.hex, inner.size)], note: "\($0)")
    }
    try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
      for (number, entry) in (outer + outer).enumerated() {
        try index.set("ex.am/p:\(number)", entry)
      }
    }
    let maintenance = StoreMaintenance(store: store)
    #expect(try maintenance.images().count == 8)
    #expect(maintenance.known.readings == 55)
    _ = try maintenance.verify(removesDamage: false)
    #expect(maintenance.known.readings == 110)
    #expect(throws: StoreError.self) {
      try maintenance.prune(olderThan: nil, keepBytes: 1 << 40, now: 0, isRehearsal: true)
    }
    #expect(maintenance.known.readings == 165)
  }

  /// Puts an index in the store.
  ///
  /// - Parameter manifests: ends of their digests, and their sizes.
  private func index(_ manifests: [(String, Int64)], note: String) throws -> Descriptor {
    let list = manifests.map { end, size in
      let hex = String(repeating: "0", count: 64 - end.utf8.count) + end
      return #"{"mediaType":"\#(MediaType.ociManifest)","digest":"sha256:\#(hex)","size":\#(size)}"#
    }
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","annotations":{"a":"\#(note)"},"#
      + #""manifests":[\#(list.joined(separator: ","))]}"#
    let digest = try Digest.of(Array(text.utf8))
    try store.put(Data(text.utf8), as: digest)
    return Descriptor(mediaType: .ociIndex, digest: digest, size: Int64(text.utf8.count))
  }
}
