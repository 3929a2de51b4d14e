import Disk
import Foundation
import OCI
import Support
import Testing

@testable import Store

@Suite("Sound blobs")
struct SoundBlobTests {
  let folder: TemporaryFolder
  let store: ContentStore
  let content = Content.bytes(2 << 20, seed: 5)
  let blob: Descriptor

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
    blob = Descriptor(
      mediaType: MediaType(rawValue: "x/y"), digest: try Digest.of(content),
      size: Int64(content.count))
    try store.put(Data(content), as: blob.digest)
  }

  var path: String { store.path(of: blob.digest) }
  var mark: String { "\(store.root)/.cairn/marks/sha256-\(blob.digest.hex)" }

  /// Writes one byte in place, and gives the file its old times again.
  func damage() throws {
    let before = try #require(Files.info(path))
    chmod(path, 0o600)
    let file = open(path, O_WRONLY)
    defer { close(file) }
    #expect(pwrite(file, [content[9] ^ 1], 1, 9) == 1)
    let times = [before.st_atim, before.st_mtim]
    futimens(file, times)
  }

  func image() throws -> StoredImage {
    let fake = try FakeImage(layers: [content, Content.bytes(2_000, seed: 6)])
    return try OutputTests.stored(fake, in: store)
  }

  @Test("a blob that was changed in place is not held, and fetched again; its size says nothing")
  func changed() throws {
    #expect(try store.holds(blob))
    try damage()
    #expect(store.contains(blob))
    #expect(try !store.holds(blob))
    guard case .ours(let partial) = try store.beginIngest(blob) else {
      Issue.record("it is not fetched again")
      return
    }
    let code = content.withUnsafeBytes { partial.write($0, at: 0) }
    #expect(code == 0)
    try store.publish(partial)
    #expect(try store.holds(blob) && readFile(path) == content)
  }

  @Test("a mark is never written into what has its name")
  func secondNameOfMark() throws {
    let victim = folder("victim")
    try writeFile(victim, [9])
    unlink(mark)
    #expect(link(victim, mark) == 0)
    #expect(try store.holds(blob))
    #expect(try readFile(victim) == [9])
    #expect(try readFile(mark).count > 40)
  }

  @Test(
    "what may be as it was is read again, and then known again: after chmod, a copy, or without a mark"
  )
  func unchanged() throws {
    let whole = try readFile(mark)
    for change in 0..<4 {
      switch change {
      case 0: chmod(path, 0o440)
      case 1:
        try readFile(path).withUnsafeBytes { try Data($0).write(to: URL(filePath: path + "x")) }
        rename(path + "x", path)
      case 2: unlink(mark)
      default: truncate(mark, 20)
      }
      #expect(try store.holds(blob))
      let noted = try readFile(mark)
      #expect(noted.count > 40 && (noted != whole || change > 1))
    }
  }

  @Test(
    "no output takes a damaged blob, and says which",
    arguments: ["oci", "dir", "oci-archive", "docker-archive"])
  func outputs(transport: String) throws {
    let image = try image()
    try damage()
    let error = #expect(throws: StoreError.self) {
      try ImageWriter(store: store, overwrites: false).write(
        image, to: OutputTarget("\(transport):\(folder("out"))"))
    }
    guard case .wrongContent(blob.digest, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(Files.list(folder.path).filter { $0 != "out" } == ["store"])
  }

  @Test("outputs are files of their own, with the mask's mode; links only where they are asked for")
  func ownFiles() throws {
    let image = try image()
    for links in [false, true] {
      for target in ["oci:\(folder("o\(links)"))", "dir:\(folder("d\(links)"))"] {
        try ImageWriter(store: store, overwrites: false, links: links).write(
          image, to: OutputTarget(target))
      }
      let files = [
        "\(folder("o\(links)"))/blobs/sha256/\(blob.digest.hex)",
        "\(folder("d\(links)"))/\(blob.digest.hex)",
      ]
      let theirs = try #require(Files.info(path))
      for file in files {
        let info = try #require(Files.info(file))
        #expect(!info.isSame(as: theirs) || links)
        if !info.isSame(as: theirs) {
          #expect(try info.st_mode & 0o777 == 0o644 & ~processMask())
        }
        #expect(try readFile(file) == content)
      }
      // One name more or less is no reason to read a blob again.
      let before = try readFile(mark)
      #expect(try store.holds(blob) && readFile(mark) == before)
    }
    // Whoever writes to a link of the store's own file damages it, which is seen.
    let linked = "\(folder("dtrue"))/\(blob.digest.hex)"
    guard try #require(Files.info(linked)).isSame(as: #require(Files.info(path))) else { return }
    try damage()
    #expect(try !store.holds(blob))
  }

  @Test("an output into a store leaves its modes alone, and takes its lock")
  func intoStore() throws {
    let image = try image()
    try ImageWriter(store: store, overwrites: true).write(
      image, to: OutputTarget(.oci, store.root, "t"))
    for (name, mode) in [("", 0o700), ("/index.json", 0o600), ("/blobs/sha256", 0o700)] {
      #expect(Files.info(store.root + name).map { $0.st_mode & 0o777 } == mode_t(mode), "\(name)")
    }
    #expect(try store.index()["t"]?.digest == image.root.digest)
  }

  @Test("verify and prune keep the marks in step with the blobs")
  func marks() throws {
    try damage()
    let maintenance = StoreMaintenance(store: store)
    #expect(try maintenance.verify(removesDamage: false).damage.map(\.digest) == [blob.digest])
    #expect(Files.info(mark) == nil)
    let image = try image()
    try store.updateIndex { (index) throws(StoreError) in try index.set("a", image.root) }
    try store.put(Data("stray".utf8), as: Digest.of(Array("stray".utf8)))
    _ = try maintenance.prune(olderThan: nil, keepBytes: nil, now: 0)
    #expect(Files.list(store.root + "/.cairn/marks").count == image.contents.count)
  }

  /// Changes one byte of a file that may be written through a mapping that is shared with it, and
  /// was read before.
  static func change(_ path: String, at offset: Int) {
    let file = open(path, O_RDWR)
    defer { close(file) }
    let size = offset + 1
    let flags = MAP_SHARED | MAP_POPULATE
    guard let bytes = mmap(nil, size, PROT_READ | PROT_WRITE, flags, file, 0) else { return }
    bytes.storeBytes(
      of: bytes.load(fromByteOffset: offset, as: UInt8.self) ^ 1, toByteOffset: offset,
      as: UInt8.self)
    munmap(bytes, size)
  }

  @Test(
    "a blob that was changed through a mapping goes nowhere, whatever its file system tells of that",
    arguments: [true, false], [true, false])
  func mapped(isInMemory: Bool, isVerified: Bool) throws {
    let place = isInMemory ? try TemporaryFolder.inMemory() : folder
    let store = try ContentStore(root: place("mapped"))
    try store.put(Data(content), as: blob.digest)
    let path = store.path(of: blob.digest)
    chmod(path, 0o600)
    if isVerified { _ = try StoreMaintenance(store: store).verify(removesDamage: false) }
    #expect(try store.holds(blob))
    Self.change(path, at: 1 << 20)
    #expect(try !store.holds(blob))
    #expect(throws: StoreError.self) { try store.requireSound(blob) }
  }

  @Test("a mapping that was written to before a blob was read tells of what it changes after that")
  func mappedBefore() throws {
    chmod(path, 0o600)
    let file = open(path, O_RDWR)
    defer { close(file) }
    let bytes = try #require(mmap(nil, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
    defer { munmap(bytes, 1) }
    // The page is dirty, and nothing else is.
    bytes.storeBytes(of: content[0], as: UInt8.self)
    #expect(try store.holds(blob))
    bytes.storeBytes(of: content[0] ^ 1, as: UInt8.self)
    #expect(try !store.holds(blob))
  }
}
