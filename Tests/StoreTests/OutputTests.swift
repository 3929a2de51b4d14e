import Disk
import Foundation
import OCI
@testable import Store
import Support
import Testing

@Suite("Outputs")
struct OutputTests {
  let folder: TemporaryFolder
  let store: ContentStore
  let image: StoredImage

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
    let fake = try FakeImage(layers: [
      Content.bytes(5_000, seed: 1), [], Content.bytes(700, seed: 2),
    ])
    image = try Self.stored(fake, in: store)
  }

  /// Puts a fake image into a store.
  static func stored(_ fake: FakeImage, in store: ContentStore, name: String = "ex.am/p:1") throws
    -> StoredImage
  {
    for (digest, bytes) in fake.blobs { try store.put(Data(bytes), as: digest) }
    let (type, bytes) = try #require(fake.manifests[fake.manifest])
    try store.put(Data(bytes), as: fake.manifest)
    let root = Descriptor(mediaType: type, digest: fake.manifest, size: Int64(bytes.count))
    guard case .manifest(let manifest) = try ImageDocument.parse(Data(bytes), contentType: type)
    else {
      throw POSIXError(.EINVAL)
    }
    return StoredImage(
      root: root, source: root, manifests: [(root, manifest)], documents: [root],
      reference: try Reference(name))
  }

  func write(_ target: String, overwrite: Bool = false) throws {
    let output = try OutputTarget(target)
    let writer = ImageWriter(store: store, overwrites: overwrite)
    try writer.check(output, isIndex: false)
    try writer.write(image, to: output)
  }

  @Test(
    "reads the notation of containers' transports",
    arguments: [
      ("oci:d", OutputTarget(.oci, "d")),
      ("oci:d:t", OutputTarget(.oci, "d", "t")),
      ("oci-archive:f.tar", OutputTarget(.ociArchive, "f.tar")),
      ("docker-archive:-", OutputTarget(.dockerArchive, "-")),
      ("docker-archive:f:a.b/c:1", OutputTarget(.dockerArchive, "f", "a.b/c:1")),
      ("dir:/x/y", OutputTarget(.directory, "/x/y")),
    ])
  func parses(text: String, expected: OutputTarget) throws {
    #expect(try OutputTarget(text) == expected)
    #expect(expected.name == text)
  }

  @Test(
    "refuses other notations",
    arguments: ["", "x", "oci:", "oci::t", "oci:d:", "tar:x", "dir:", "docker-archive:f:UPPER"])
  func refuses(text: String) {
    #expect(throws: StoreError.self) { try OutputTarget(text) }
  }

  @Test("forms and refusals are made of what each transport can hold")
  func words() {
    #expect(
      OutputTarget.forms == [
        "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:FILE[:REF]", "dir:DIR",
      ])
    let writer = ImageWriter(store: store, overwrites: false)
    let holdsOne = StoreError.badOutput(
      "a docker-archive: or dir: output holds one platform: choose it with --platform, "
        + "or write to oci: or oci-archive:")
    for transport in OutputTransport.allCases {
      let target = OutputTarget(transport, folder("new"))
      if [.oci, .ociArchive].contains(transport) {
        #expect(throws: Never.self) { try writer.check(target, isIndex: true) }
      } else {
        #expect(throws: holdsOne) { try writer.check(target, isIndex: true) }
      }
    }
  }

  @Test("an oci: output is a layout with the image's name; a second image joins it")
  func writesLayout() throws {
    try write("oci:\(folder("out"))")
    let index = try LayoutIndex(readingFrom: Folder(folder("out")))
    #expect(index["1"]?.digest == image.root.digest)
    for blob in image.contents {
      let path = "\(folder("out"))/blobs/sha256/\(blob.digest.hex)"
      #expect(try readFile(path) == readFile(store.path(of: blob.digest)))
    }
    try write("oci:\(folder("out")):two")
    #expect(try LayoutIndex(readingFrom: Folder(folder("out"))).manifests.count == 2)
    try write("oci:\(folder("out")):two")
    #expect(try LayoutIndex(readingFrom: Folder(folder("out"))).manifests.count == 2)
  }

  @Test("many that write into one layout at once all get their names into it")
  func sharesLayout() async throws {
    let (store, image, path) = (store, image, folder("shared"))
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<8 {
        group.addTask {
          let writer = ImageWriter(store: store, overwrites: false)
          return (try? writer.write(image, to: OutputTarget(.oci, path, "t\(number)"))) != nil
        }
      }
      for await isGood in group { #expect(isGood) }
    }
    #expect(try LayoutIndex(readingFrom: Folder(path)).manifests.count == 8)
  }

  @Test(
    "an oci-layout that was cut off is written anew, one of another version is left, with all beside it",
    arguments: [
      ("", true), (#"{"imageLayoutV"#, true), (#"{"imageLayoutVersion":"1.1.0"}"#, true),
      (#"{"imageLayoutVersion":7}"#, true), ("{}", true),
      (#"{"imageLayoutVersion":"2.0.0"}"#, false), (#"{"imageLayoutVersion": "10"}"#, false),
    ])
  func layoutVersions(text: String, isTaken: Bool) throws {
    let whole = LayoutIndex.layoutFile
    let expected = isTaken && whole.hasPrefix(text) ? whole : text
    try write("oci:\(folder("out"))")
    for place in ["out", "store"].map(folder.callAsFunction) {
      let file = place + "/oci-layout"
      try Data(text.utf8).write(to: URL(filePath: file))
      let index = try readFile(place + "/index.json")
      let isStore = place == folder("store")
      func use() throws {
        if isStore { _ = try ContentStore(root: place) } else { try write("oci:\(place):two") }
      }
      if isTaken {
        if isStore { #expect(try ContentStore.reading(place) != nil) }
        try use()
      } else {
        if isStore { #expect(throws: StoreError.self) { try ContentStore.reading(place) } }
        #expect(throws: StoreError.self) { try use() }
        #expect(try readFile(place + "/index.json") == index)
      }
      #expect(try readFile(file) == Array(expected.utf8))
    }
  }

  @Test("an index of another form is neither read nor changed", arguments: [1, 3])
  func indexVersions(version: Int) throws {
    try write("oci:\(folder("out"))")
    let text = #"{"manifests":[],"schemaVersion":\#(version)}"#
    for place in ["out", "store"].map(folder.callAsFunction) {
      try Data(text.utf8).write(to: URL(filePath: place + "/index.json"))
    }
    #expect(throws: StoreError.self) { try write("oci:\(folder("out"))") }
    #expect(throws: StoreError.self) { try ContentStore(root: folder("store")).index() }
    #expect(throws: StoreError.self) {
      try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        try index.append(image.root)
      }
    }
    for place in ["out", "store"].map(folder.callAsFunction) {
      #expect(try readFile(place + "/index.json") == Array(text.utf8))
    }
  }

  @Test("what an interrupted write left in a layout does not block the next")
  func continuesInterruptedLayout() throws {
    try write("oci:\(folder("out"))")
    #expect(unlink(folder("out") + "/index.json") == 0)
    try write("oci:\(folder("out"))")
    #expect(try LayoutIndex(readingFrom: Folder(folder("out"))).manifests.count == 1)
  }

  @Test(
    "an interrupted output leaves nothing of it, or what the next one goes on with",
    arguments: ["oci", "dir", "oci-archive", "docker-archive"])
  func interrupted(transport: String) async throws {
    try FileManager.default.createDirectory(
      atPath: folder("in"), withIntermediateDirectories: true)
    let (target, writer) = (
      "\(transport):\(folder("in"))/out", ImageWriter(store: store, overwrites: false)
    )
    let (output, image) = (try OutputTarget(target), image)
    let writing = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try writer.write(image, to: output)
    }
    await #expect(throws: (any Error).self) { try await writing.value }
    let left = try FileManager.default.contentsOfDirectory(atPath: folder("in"))
    #expect(left == (transport == "oci" ? ["out"] : []))
    try write(target)
  }

  @Test("a tag that names another image is replaced only when told so")
  func guardsTags() throws {
    try write("oci:\(folder("out")):t")
    let other = try Self.stored(FakeImage(layers: [[1]]), in: store)
    let target = OutputTarget(.oci, folder("out"), "t")
    #expect(throws: StoreError.outputExists(path: "\(folder("out")):t")) {
      try ImageWriter(store: store, overwrites: false).write(other, to: target)
    }
    try ImageWriter(store: store, overwrites: true).write(other, to: target)
    #expect(try LayoutIndex(readingFrom: Folder(folder("out")))["t"]?.digest == other.root.digest)
  }

  @Test("outputs that exist are left alone, and the error says how to replace them")
  func guardsOutputs() throws {
    for name in [
      "oci-archive:\(folder("a.tar"))", "docker-archive:\(folder("b.tar"))", "dir:\(folder("d"))",
    ] {
      try write(name)
      let error = #expect(throws: StoreError.self) { try write(name) }
      #expect(error?.description.contains("--overwrite") == true)
      try write(name, overwrite: true)
    }
    try FileManager.default.createDirectory(
      atPath: folder("mine"), withIntermediateDirectories: false)
    try writeFile(folder("mine") + "/precious", [1])
    #expect(throws: StoreError.self) { try write("dir:\(folder("mine"))", overwrite: true) }
    #expect(throws: StoreError.notALayout(path: folder("mine"))) {
      try write("oci:\(folder("mine"))")
    }
    #expect(try readFile(folder("mine") + "/precious") == [1])
  }

  @Test("archives are the same for the same image")
  func archivesAreDeterministic() throws {
    try write("oci-archive:\(folder("a.tar"))")
    try write("oci-archive:\(folder("b.tar"))")
    let bytes = try readFile(folder("a.tar"))
    #expect(try bytes == readFile(folder("b.tar")))
    // No time in it: both were written within one second.
    #expect(Array(bytes[136..<147]) == Array("00000000000".utf8))
  }

  @Test(
    "--overwrite removes nothing that a dir: output did not write",
    arguments: ["notes.txt", "version", "manifest.json.d", "sub"])
  func removesOnlyOutputs(name: String) throws {
    let directory = folder("d")
    try write("dir:\(directory)")
    if name == "sub" {
      // A folder by a blob's name.
      try FileManager.default.createDirectory(
        atPath: directory + "/" + String(repeating: "a", count: 64),
        withIntermediateDirectories: false)
    } else {
      try FileManager.default.removeItem(atPath: directory + "/version")
      try writeFile(directory + "/version", Array("Directory Transport Version: 1.1\n".utf8))
      try writeFile("\(directory)/\(name)", Array("mine".utf8))
    }
    let before = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    #expect(throws: StoreError.self) { try write("dir:\(directory)", overwrite: true) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == before)
  }

  @Test("a blob of the right size and another content in a layout is replaced")
  func replacesWrongBlob() throws {
    let output = folder("o")
    try write("oci:\(output):x")
    let names = try FileManager.default.contentsOfDirectory(atPath: output + "/blobs/sha256")
    for name in names {
      let path = "\(output)/blobs/sha256/\(name)"
      let bytes = try readFile(path)
      try FileManager.default.removeItem(atPath: path)
      try writeFile(path, bytes.map { $0 ^ 1 })
    }
    try write("oci:\(output):x", overwrite: true)
    for name in names {
      #expect(try Digest.of(readFile("\(output)/blobs/sha256/\(name)")).hex == name)
    }
  }

  @Test("a dir: output has the manifest, the version and flat blobs")
  func writesDirectory() throws {
    try write("dir:\(folder("d"))")
    #expect(
      try readFile(folder("d") + "/version") == Array("Directory Transport Version: 1.1\n".utf8))
    #expect(try Digest.of(readFile(folder("d") + "/manifest.json")) == image.root.digest)
    for blob in image.manifests[0].manifest.blobs {
      #expect(try Digest.of(readFile("\(folder("d"))/\(blob.digest.hex)")) == blob.digest)
    }
  }

  @Test("a docker-archive: output refuses artifacts and indexes")
  func refusesArtifacts() throws {
    let artifact = try Self.stored(
      FakeImage(layers: []) { document in
        var config = document["config"] as? [String: Any] ?? [:]
        config["mediaType"] = "application/vnd.oci.empty.v1+json"
        document["config"] = config
      }, in: store)
    let writer = ImageWriter(store: store, overwrites: true)
    let target = OutputTarget(.dockerArchive, folder("x.tar"))
    #expect(throws: StoreError.self) { try writer.write(artifact, to: target) }
    #expect(throws: StoreError.self) { try writer.check(target, isIndex: true) }
    #expect(Files.info(folder("x.tar")) == nil)
  }

  @Test("tar headers hold long names and sizes beyond 8 GiB")
  func longNamesAndSizes() throws {
    let file = try OutputFile(folder("t.tar"))
    let tar = TarWriter(file)
    let name = "blobs/sha512/" + String(repeating: "ab", count: 64)
    try tar.add(name, Array("hello".utf8))
    try tar.finish()
    try file.finish()
    let listing = Process()
    listing.executableURL = URL(filePath: "/bin/tar")
    listing.arguments = ["-xOf", folder("t.tar"), name]
    let pipe = Pipe()
    listing.standardOutput = pipe
    try listing.run()
    listing.waitUntilExit()
    #expect(listing.terminationStatus == 0)
    #expect(pipe.fileHandleForReading.readDataToEndOfFile() == Data("hello".utf8))
  }
}

@Suite("StoreMaintenance")
struct MaintenanceTests {
  let folder: TemporaryFolder
  let store: ContentStore

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
  }

  func add(_ name: String, layers: [[UInt8]], pulled: Int) throws -> StoredImage {
    let image = try OutputTests.stored(FakeImage(layers: layers), in: store, name: name)
    var entry = image.root
    entry.annotations = [LayoutIndex.pulledKey: "\(pulled)"]
    try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
      try index.set(image.reference.description, entry)
    }
    return image
  }

  @Test(
    "an output into a part of the store is refused, by whatever path",
    arguments: [
      "oci-archive:%/index.json", "docker-archive:%/oci-layout", "oci-archive:%/new.tar",
      "oci-archive:%/blobs/sha256/x", "dir:%/.cairn/ingest", "dir:%/new", "dir:%/new/",
      "oci:%/blobs",
      "oci:%/new/deep", "dir:%/.cairn/new/deep", "oci:%/.cairn/ingest",
      "oci-archive:%/./../store/a",
      "dir:%/blobs/../x",
    ], ["store", "link"])
  func insideStore(target: String, root: String) throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    symlink(folder("store"), folder("link"))
    let image = try OutputTests.stored(FakeImage(layers: [[1, 2, 3]]), in: store)
    let output = try OutputTarget(target.replacing("%", with: folder(root)))
    let writer = ImageWriter(store: store, overwrites: true)
    let before = try FileManager.default.subpathsOfDirectory(atPath: store.root).sorted()
    #expect(throws: StoreError.self) { try writer.check(output, isIndex: false) }
    #expect(throws: StoreError.self) { try writer.write(image, to: output) }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: store.root).sorted() == before)
    let whole = OutputTarget(.oci, folder(root), "t")
    try writer.check(whole, isIndex: false)
    try writer.write(image, to: whole)
  }

  @Test("lists images with their sizes, and says what is incomplete")
  func lists() throws {
    let image = try add("ex.am/a:1", layers: [Content.bytes(900, seed: 1)], pulled: 5)
    var images = try StoreMaintenance(store: store).images()
    #expect(images.map(\.name) == ["ex.am/a:1"])
    #expect(images[0].isComplete && images[0].pulled == 5)
    #expect(images[0].size == image.contents.reduce(0) { $0 + $1.size })
    #expect(unlink(store.path(of: image.manifests[0].manifest.layers[0].digest)) == 0)
    images = try StoreMaintenance(store: store).images()
    #expect(!images[0].isComplete)
  }

  @Test("prune removes what nothing needs, and shared layers stay")
  func prunes() throws {
    let shared = Content.bytes(1_000, seed: 1)
    let old = try add(
      "ex.am/old:1", layers: [shared, Content.bytes(2_000, seed: 2)], pulled: 1_000)
    let new = try add(
      "ex.am/new:1", layers: [shared, Content.bytes(3_000, seed: 3)], pulled: 9_000)
    try store.put(Data("stray".utf8), as: try Digest.of(Array("stray".utf8)))
    let partial = store.root + "/.cairn/ingest/sha256-x.partial"
    try writeFile(partial, [1, 2, 3])
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_000)], ofItemAtPath: partial)
    let unnamed = store.root + "/index.json.1.x.new"
    try writeFile(unnamed, [1, 2, 3])
    let maintenance = StoreMaintenance(store: store)
    let report = try maintenance.prune(olderThan: 5_000, keepBytes: nil, now: 10_000)
    #expect(report.images == ["ex.am/old:1"])
    #expect(report.partials == 1)
    #expect(!FileManager.default.fileExists(atPath: unnamed))
    #expect(report.bytes >= 2_008)
    #expect(!store.contains(old.manifests[0].manifest.layers[1]))
    for blob in new.contents { #expect(store.contains(blob)) }
    #expect(try maintenance.prune(olderThan: nil, keepBytes: nil, now: 10_000).blobs == 0)
  }

  @Test("prune keeps the newest images that fit")
  func prunesToSize() throws {
    for (number, pulled) in [(1, 30), (2, 10), (3, 20)] {
      _ = try add(
        "ex.am/i\(number):1", layers: [Content.bytes(10_000, seed: UInt64(number))], pulled: pulled)
    }
    let report = try StoreMaintenance(store: store).prune(
      olderThan: nil, keepBytes: 25_000, now: 100)
    #expect(report.images == ["ex.am/i2:1"])
  }

  @Test("prune waits for no pull, and takes nothing from one")
  func respectsPulls() throws {
    let lock = try store.lockForUse()
    #expect(throws: StoreError.inUse(path: store.root)) {
      try StoreMaintenance(store: store).prune(olderThan: nil, keepBytes: nil, now: 0)
    }
    withExtendedLifetime(lock) {}
  }

  @Test("prune removes nothing while it cannot be told what an image needs")
  func refusesToGuess() throws {
    let image = try add("ex.am/a:1", layers: [Content.bytes(900, seed: 1)], pulled: 5)
    try writeFile(store.path(of: image.root.digest), [0])
    let maintenance = StoreMaintenance(store: store)
    #expect(throws: StoreError.unreadableImage(name: "ex.am/a:1")) {
      try maintenance.prune(olderThan: nil, keepBytes: nil, now: 0)
    }
    #expect(store.contains(image.manifests[0].manifest.layers[0]))
    #expect(try maintenance.prune(olderThan: 1, keepBytes: nil, now: 100).images == ["ex.am/a:1"])
  }

  @Test("verify finds what changed and what is gone")
  func verifies() throws {
    let image = try add(
      "ex.am/a:1", layers: [Content.bytes(900, seed: 1), Content.bytes(800, seed: 2)], pulled: 5)
    let maintenance = StoreMaintenance(store: store)
    #expect(try maintenance.verify(removesDamage: false).damage.isEmpty)
    let layers = image.manifests[0].manifest.layers
    try writeFile(store.path(of: layers[0].digest), [0])
    #expect(unlink(store.path(of: layers[1].digest)) == 0)
    let found = try maintenance.verify(removesDamage: true)
    #expect(Set(found.damage.map(\.digest)) == Set(layers.map(\.digest)))
    #expect(found.damage.allSatisfy { $0.images == ["ex.am/a:1"] })
    #expect(!store.contains(layers[0]))
  }
}
