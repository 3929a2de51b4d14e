import Disk
import Foundation
import OCI
import Support
import Testing

@testable import Store

/// What somebody else has in the `index.json` of a layout.
@Suite("LayoutIndex")
struct LayoutIndexTests {
  static let a = "sha256:" + String(repeating: "a", count: 64)
  static let b = "sha256:" + String(repeating: "b", count: 64)

  static let oddEntries = [
    #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(a)","size":7,"platform":{"os":"windows","architecture":"amd64","os.features":["win32k"],"features":["sse4"]},"x":{"n":1e400}}"#,
    #"{"digest":"\#(a)","size":7.0,"platform":{},"annotations":{"org.opencontainers.image.ref.name":"odd","n":null}}"#,
    #"{"mediaType":"application/vnd.example.v9","digest":"blake3:00","size":7,"artifactType":"a/b"}"#,
    #"{"digest":"\#(a)","size":-1}"#, "null", "7", #"["x"]"#, "{}",
  ]

  func index(_ text: String) throws -> LayoutIndex {
    try #require(LayoutIndex(json: Data(text.utf8)))
  }

  func text(_ index: LayoutIndex) throws -> String {
    String(decoding: try index.encoded(), as: UTF8.self)
  }

  @Test("members and entries that are not known stay as they are, to the letter")
  func keeps() throws {
    let entries = Self.oddEntries.joined(separator: ",")
    let found =
      #"{"schemaVersion":2,"artifactType":"x/y","annotations":{"a":"\u00e9"},"subject":{"digest":1},"manifests":[\#(entries)],"z":0.10}"#
    #expect(try text(index(found)) == found)
    var changed = try index(found)
    let digest = try Digest(Self.b)
    try changed.set("new", Descriptor(mediaType: .ociManifest, digest: digest, size: 3))
    let added =
      #",{"annotations":{"org.opencontainers.image.ref.name":"new"},"digest":"\#(Self.b)","mediaType":"\#(MediaType.ociManifest)","size":3}]"#
    #expect(try text(changed) == found.replacingOccurrences(of: "],\"z\"", with: added + ",\"z\""))
    #expect(changed["new"]?.digest == digest && changed["odd"]?.size == 7)
    changed.remove { $0.digest == digest }
    #expect(try text(changed) == found)
  }

  @Test("an index that nobody else has changed is not taken apart again, and another one is")
  func known() throws {
    let folder = try TemporaryFolder()
    let (mine, other) = (
      try ContentStore(root: folder("store")), try ContentStore(root: folder("store"))
    )
    let image = Descriptor(mediaType: .ociManifest, digest: try Digest(Self.a), size: 3)
    @Sendable func add(_ name: String, to store: ContentStore) throws {
      try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        try index.place(name, image)
      }
    }
    DispatchQueue.concurrentPerform(iterations: 40) { try? add("mine-\($0)", to: mine) }
    #expect(mine.knownIndex.readings == 1)
    try add("other", to: other)
    try add("last", to: mine)
    #expect(mine.knownIndex.readings == 2)
    #expect(try mine.index().manifests.count == 42)
    try add("last", to: mine)
    #expect(throws: StoreError.self) {
      try mine.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        try index.place("never", image)
        throw .takenOver
      }
    }
    try add("after", to: mine)
    #expect(mine.knownIndex.readings == 2)
    #expect(try mine.index()["never"] == nil && mine.index()["after"] != nil)
  }

  @Test(
    "reads a list of nothing in all its forms",
    arguments: [
      #"{"schemaVersion":2,"manifests":[]}"#, #"{"schemaVersion":2,"manifests":null}"#,
      #"{"schemaVersion":2}"#, #"{"manifests":[]}"#, "{}",
    ])
  func readsNothing(text: String) throws {
    var index = try index(text)
    #expect(index.manifests.isEmpty)
    try index.append(Descriptor(mediaType: .ociManifest, digest: try Digest(Self.a), size: 3))
    let again = try #require(LayoutIndex(json: try index.encoded()))
    #expect(again.manifests.count == 1)
    #expect(try self.text(again).contains(#""schemaVersion":2"#))
  }

  @Test(
    "what is no index is none",
    arguments: ["", "[]", "7", #"{"manifests":{}}"#, #"{"manifests":7}"#, #"{"manifests":[}"#])
  func refuses(text: String) {
    #expect(LayoutIndex(json: Data(text.utf8)) == nil)
  }

  @Test("a name is taken from whatever had it, and the rest stays")
  func replaces() throws {
    var index = try index(#"{"schemaVersion":2,"manifests":[\#(Self.oddEntries[1]),null],"k":1}"#)
    try index.set("odd", Descriptor(mediaType: .ociManifest, digest: try Digest(Self.b), size: 3))
    #expect(index.entries.count == 2 && index["odd"]?.digest.description == Self.b)
    #expect(try text(index).hasSuffix(#",null],"k":1}"#))
  }

  @Test("an oci: output joins a layout of another tool, whatever its index holds")
  func joinsLayouts() throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    let image = try OutputTests.stored(FakeImage(layers: [[1, 2, 3]]), in: store)
    let directory = folder("theirs")
    try FileManager.default.createDirectory(
      atPath: directory + "/blobs/sha256", withIntermediateDirectories: true)
    try writeFile(directory + "/oci-layout", Array(LayoutIndex.layoutFile.utf8))
    let entries = Self.oddEntries.joined(separator: ",")
    let head = #"{"annotations":{"k":"v"},"artifactType":"x/y","manifests":[\#(entries)"#
    try writeFile(directory + "/index.json", Array((head + #"],"schemaVersion":2}"#).utf8))
    let target = OutputTarget(.oci, directory, "mine")
    for overwrites in [false, true] {
      let writer = ImageWriter(store: store, overwrites: overwrites)
      try writer.check(target, isIndex: false)
      try writer.write(image, to: target)
      let text = String(decoding: try readFile(directory + "/index.json"), as: UTF8.self)
      #expect(text.hasPrefix(head + ",{"), "\(text)")
      #expect(try LayoutIndex(readingFrom: Folder(directory))["mine"]?.digest == image.root.digest)
    }
  }

  @Test("a name of an entry that cannot be read is taken only when told so, and not twice")
  func unreadableName() throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    let image = try OutputTests.stored(FakeImage(layers: [[1, 2, 3]]), in: store)
    let target = OutputTarget(.oci, folder("out"), "t")
    try ImageWriter(store: store, overwrites: false).write(image, to: target)
    let entry = #"{"digest":7,"annotations":{"org.opencontainers.image.ref.name":"t"}}"#
    let text = #"{"schemaVersion":2,"manifests":[\#(entry)]}"#
    try writeFile(folder("out") + "/index.json", Array(text.utf8))
    #expect(throws: StoreError.outputExists(path: "\(folder("out")):t")) {
      try ImageWriter(store: store, overwrites: false).write(image, to: target)
    }
    try ImageWriter(store: store, overwrites: true).write(image, to: target)
    let index = try LayoutIndex(readingFrom: Folder(folder("out")))
    #expect(index.entries.count == 1 && index["t"]?.digest == image.root.digest)
  }

  @Test(
    "an output whose index cannot be read is refused before anything is downloaded",
    arguments: ["", "[]", "{"])
  func unreadableIndex(text: String) throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    let image = try OutputTests.stored(FakeImage(layers: [[1, 2, 3]]), in: store)
    let target = OutputTarget(.oci, folder("out"), "t")
    try ImageWriter(store: store, overwrites: false).write(image, to: target)
    try writeFile(folder("out") + "/index.json", Array(text.utf8))
    let writer = ImageWriter(store: store, overwrites: true)
    #expect(throws: StoreError.noIndex(path: folder("out") + "/index.json")) {
      try writer.check(target, isIndex: false)
    }
  }

  @Test("prune keeps what an entry names that can be read by its digest only")
  func prunesBesideOddEntries() throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    let image = try OutputTests.stored(FakeImage(layers: [[1, 2, 3]]), in: store)
    let entry = #"{"digest":"\#(image.root.digest)","size":"?"}"#
    try writeFile(
      store.root + "/index.json",
      Array(#"{"schemaVersion":2,"manifests":[\#(entry),{"digest":"\#(Self.a)"},null]}"#.utf8))
    let maintenance = StoreMaintenance(store: store)
    #expect(try maintenance.prune(olderThan: nil, keepBytes: 0, now: 0).blobs == 0)
    for blob in image.contents { #expect(store.contains(blob)) }
    #expect(try maintenance.images().isEmpty)
  }

  /// A little less than the largest size of a blob: the document is as large as it is, whatever its
  /// entry says.
  static let large = ImageDocument.sizeLimit - 5

  @Test("sizes and times that no image has stop nothing")
  func oddNumbers() throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    for (number, time) in ["nan", "inf", "-1e308", "9e99", "1e9", "x"].enumerated() {
      let document =
        #"{"schemaVersion":2,"config":{"digest":"\#(Self.a)","size":\#(ImageDocument.sizeLimit - Int64(number))}}"#
      let digest = try Digest.of(Array(document.utf8))
      try store.put(Data(document.utf8), as: digest)
      var entry = Descriptor(mediaType: .ociManifest, digest: digest, size: .max)
      entry.annotations = [LayoutIndex.pulledKey: time]
      try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        try index.set("n\(number)", entry)
      }
    }
    let maintenance = StoreMaintenance(store: store)
    let images = try maintenance.images()
    #expect(images.count == 6 && images.allSatisfy { $0.size >= Self.large && !$0.isComplete })
    #expect(images.filter { $0.pulled != 0 }.map(\.pulled) == [1e9])
    let report = try maintenance.prune(olderThan: .infinity, keepBytes: .max, now: 0)
    #expect(report.images.isEmpty)
    let missing = Descriptor(mediaType: .ociConfig, digest: try Digest(Self.b), size: .max)
    #expect(store.missingBytes(missing) == .max)
  }
}
