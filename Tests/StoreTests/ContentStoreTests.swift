import Disk
import Foundation
import OCI
@testable import Store
import Support
import Synchronization
import Testing

/// Waits for one value from another thread.
func value<Value: Sendable>(_ start: (@escaping @Sendable (Value) -> Void) throws -> Void)
  async throws -> Value
{
  try await withCheckedThrowingContinuation { continuation in
    do { try start { continuation.resume(returning: $0) } } catch {
      continuation.resume(throwing: error)
    }
  }
}

@Suite("ContentStore")
struct ContentStoreTests {
  let folder: TemporaryFolder
  let store: ContentStore

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
  }

  func descriptor(_ content: [UInt8], _ algorithm: Digest.Algorithm = .sha256) throws -> Descriptor
  {
    Descriptor(
      mediaType: MediaType(rawValue: "x/y"), digest: try Digest.of(content, algorithm),
      size: Int64(content.count))
  }

  func begin(_ descriptor: Descriptor) throws -> PartialBlob {
    guard case .ours(let blob) = try store.beginIngest(descriptor) else { throw POSIXError(.EBUSY) }
    return blob
  }

  func write(_ bytes: ArraySlice<UInt8>, to blob: PartialBlob) throws {
    let code = bytes.withUnsafeBytes { blob.write($0, at: Int64(bytes.startIndex)) }
    #expect(code == 0)
    try blob.record(Int64(bytes.startIndex)..<Int64(bytes.endIndex))
  }

  func verify(_ blob: PartialBlob) async throws -> Verifier.Outcome {
    let verifier = Verifier(store: store, threads: 2)
    let outcome = try await value { done in
      try verifier.add(blob, done: done)
      verifier.advance(blob.name)
    }
    await verifier.stop()
    return outcome
  }

  @Test("what a killed process was about to give a name goes, wherever it was, and nothing else")
  func leftovers() throws {
    store.setNote("note", [1, 2])
    let places = [".cairn", "blobs/sha256", ".cairn/ingest"].filter {
      access(folder("store/\($0)"), F_OK) == 0
    }
    for place in places { try writeFile(folder("store/\(place)/.cairn-0a1b.new"), [1]) }
    #expect(places.count > 1)
    try store.discardLeftovers()
    for place in places { #expect(access(folder("store/\(place)/.cairn-0a1b.new"), F_OK) != 0) }
    #expect(store.note("note", limit: 10) == [1, 2])
  }

  @Test("a verifier that was stopped has let go of its blobs, also of one that it was hashing")
  func stops() async throws {
    // A hole but for its last byte: it takes no room, and its hash takes a minute.
    let size: Int64 = 64 << 30
    let descriptor = Descriptor(
      mediaType: MediaType(rawValue: "x/y"), digest: try Digest.of([1]), size: size)
    let verifier = Verifier(store: store, threads: 2)
    func start() throws {
      let blob = try begin(descriptor)
      [UInt8(0)].withUnsafeBytes { _ = blob.write($0, at: size - 1) }
      try blob.record(0..<size)
      try verifier.add(blob) { _ in }
      verifier.advance(blob.name)
    }
    try start()
    guard case .busy = try store.beginIngest(descriptor) else {
      Issue.record("the verifier holds no lock")
      return
    }
    await verifier.stop()
    guard case .ours = try store.beginIngest(descriptor) else {
      Issue.record("the lock is held on")
      return
    }
    await verifier.stop()
  }

  @Test("bytes on disk are synced and noted on the way, also those behind a gap")
  func checkpoints() async throws {
    let size: Int64 = 1 << 30
    let large = Descriptor(
      mediaType: MediaType(rawValue: "x/y"), digest: try Digest.of([1]), size: size)
    let small = Descriptor(
      mediaType: MediaType(rawValue: "x/y"), digest: try Digest.of([2]), size: 1)
    let verifier = Verifier(store: store, threads: 1)
    let (before, after) = (try begin(large), try begin(small))
    try verifier.add(before) { _ in }
    for (end, noted) in [(Int64(100) << 20, false), (200 << 20, true)] {
      try before.record(1..<end)
      verifier.advance(before.name)
      // The only thread takes one after the other.
      _ = try await value { done in
        try verifier.add(after, done: done)
        try after.record(0..<1)
        verifier.advance(after.name)
      }
      let journal = try FileManager.default.subpathsOfDirectory(atPath: store.root)
        .first { $0.contains(large.digest.hex) && $0.hasSuffix(".map") }
      let lines = String(
        decoding: try readFile("\(store.root)/\(try #require(journal))"), as: UTF8.self)
      #expect(lines.contains("= 1 \(end) ") == noted)
    }
    await verifier.stop()
  }

  @Test("is an OCI image layout, private to its user")
  func isALayout() throws {
    #expect(
      try readFile(store.root + "/oci-layout") == Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    let index =
      try JSONSerialization.jsonObject(with: Data(readFile(store.root + "/index.json")))
      as? [String: Any]
    #expect(index?["schemaVersion"] as? Int == 2 && index?["manifests"] != nil)
    #expect(Files.info(store.root).map { $0.st_mode & 0o777 } == 0o700)
    #expect(Files.info(store.root + "/index.json").map { $0.st_mode & 0o777 } == 0o600)
  }

  @Test("opens what it made, and nothing else")
  func opens() throws {
    _ = try ContentStore(root: store.root)
    let other = folder("other")
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
    try writeFile(other + "/precious", [1])
    #expect(throws: StoreError.notALayout(path: other)) { try ContentStore(root: other) }
    try writeFile(store.root + "/.cairn/version", Array("2\n".utf8))
    #expect(throws: StoreError.newerVersion(path: store.root, found: "2")) {
      try ContentStore(root: store.root)
    }
  }

  @Test(
    "that others can change a store is said once, and it is used all the same",
    arguments: [
      ("store", "chmod", "everybody may write it"),
      ("store", "chown", "it belongs to another user"),
      ("store/blobs", "chown", "it belongs to another user"),
      ("store/.cairn/ingest", "chmod", "everybody may write it"), ("store", "group", nil),
      ("store", "nothing", nil),
    ] as [(String, String, String?)])
  func othersStore(name: String, change: String, words: String?) throws {
    guard change != "chown" || geteuid() == 0 else {
      try Test.cancel("only root can make what belongs to others")
    }
    let path = folder(name)
    switch change {
    case "chmod": chmod(path, 0o777)
    case "group": chmod(path, 0o2775)
    case "chown": chown(path, 65_534, 65_534)
    default: break
    }
    let said = Log<String>()
    let again = try ContentStore(root: store.root, tell: { said.add($0) })
    #expect(said.all.count == (words == nil ? 0 : 1), "\(said.all)")
    if let words { #expect(said.all[0].contains(words) && said.all[0].contains(path)) }
    let data = Data("{}".utf8)
    let digest = try Digest.of(Array(data), .sha256)
    try again.put(data, as: digest)
    #expect(again.document(digest) == data)
  }

  /// canonical/lxd#13630, meilisearch/meilisearch#2457.
  @Test("a new file system, which has lost+found, may be a store")
  func newFileSystem() throws {
    let root = folder("mounted")
    try FileManager.default.createDirectory(
      atPath: root + "/lost+found", withIntermediateDirectories: true)
    #expect(try ContentStore.reading(root) == nil)
    _ = try ContentStore(root: root)
    #expect(try ContentStore.reading(root) != nil)
  }

  @Test("many that open a new store at once all get it, and none empties it")
  func opensTogether() async throws {
    let root = folder("new")
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<16 {
        group.addTask {
          guard let store = try? ContentStore(root: root),
            let digest = try? Digest.of([UInt8(number)])
          else { return false }
          let entry = Descriptor(mediaType: .ociManifest, digest: digest, size: 1)
          return
            (try? store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
              try index.set("image-\(number)", entry)
            }) != nil
        }
      }
      for await isGood in group { #expect(isGood) }
    }
    #expect(try ContentStore(root: root).index().manifests.count == 16)
  }

  @Test("publishes what verifies, under its name", arguments: Digest.Algorithm.allCases)
  func publishes(algorithm: Digest.Algorithm) async throws {
    let content = Content.bytes(700_000, seed: 1)
    let descriptor = try descriptor(content, algorithm)
    let blob = try begin(descriptor)
    try write(content[300_000...], to: blob)
    #expect(blob.prefixEnd == 0)
    try write(content[..<300_000], to: blob)
    #expect(blob.prefixEnd == 700_000)
    guard case .published = try await verify(blob) else {
      Issue.record("not published")
      return
    }
    #expect(store.contains(descriptor))
    #expect(try readFile(store.path(of: descriptor.digest)) == content)
    #expect(Files.info(store.path(of: descriptor.digest)).map { $0.st_mode & 0o777 } == 0o400)
    #expect(Files.list(store.root + "/.cairn/ingest").isEmpty)
    guard case .present = try store.beginIngest(descriptor) else {
      Issue.record("not present")
      return
    }
  }

  @Test("never publishes anything else")
  func neverPublishesWrong() async throws {
    let content = Content.bytes(100_000, seed: 2)
    let descriptor = try descriptor(content)
    let blob = try begin(descriptor)
    var wrong = content
    wrong[99_999] ^= 1
    try write(wrong[...], to: blob)
    guard case .wrongDigest(let found) = try await verify(blob) else {
      Issue.record("published")
      return
    }
    #expect(found == (try Digest.of(wrong)))
    #expect(!store.contains(descriptor))
    try blob.startOver()
    #expect(blob.have.isEmpty)
    try write(content[...], to: blob)
    guard case .published = try await verify(blob) else {
      Issue.record("not published")
      return
    }
  }

  @Test("goes on from the bytes on disk, also in another process")
  func resumes() throws {
    let content = Content.bytes(1_000, seed: 3)
    let descriptor = try descriptor(content)
    do {
      let blob = try begin(descriptor)
      try write(content[100..<400], to: blob)
      try write(content[600..<700], to: blob)
    }
    let again = try begin(descriptor)
    #expect(again.have == RangeSet([100..<400, 600..<700]))
  }

  @Test("what arrives is noted also where no new file can be made, as on a disk that others filled")
  func notesWithoutNewFiles() throws {
    let content = Content.bytes(1_000, seed: 9)
    let descriptor = try descriptor(content)
    let path = store.root + "/.cairn/ingest/sha256-\(descriptor.digest.hex).map"
    do {
      let blob = try begin(descriptor)
      // In the way of the file that a journal is written anew to.
      try FileManager.default.createDirectory(
        atPath: path + ".new", withIntermediateDirectories: false)
      try write(content[..<500], to: blob)
    }
    #expect(try begin(descriptor).have == RangeSet(0..<500))
  }

  @Test("a map that claims more than the file has is cut to it")
  func distrustsMap() throws {
    let content = Content.bytes(1_000, seed: 4)
    let descriptor = try descriptor(content)
    do {
      let blob = try begin(descriptor)
      try write(content[..<500], to: blob)
    }
    let path = store.root + "/.cairn/ingest/sha256-\(descriptor.digest.hex).partial"
    #expect(truncate(path, 200) == 0)
    #expect(try begin(descriptor).have == RangeSet(0..<200))
  }

  @Test("a long journal is written anew, shorter")
  func compacts() throws {
    let content = [UInt8](repeating: 7, count: 20_000)
    let descriptor = try descriptor(content)
    let blob = try begin(descriptor)
    for index in 0..<10_000 { try blob.record(Int64(index)..<Int64(index + 1)) }
    let path = store.root + "/.cairn/ingest/sha256-\(descriptor.digest.hex).map"
    #expect(try #require(Files.size(path)) < 80_000)
    #expect(blob.have == RangeSet(0..<10_000))
  }

  @Test("one at a time fetches a blob; the lock goes with its owner")
  func locks() throws {
    let descriptor = try descriptor([1, 2, 3])
    var blob: PartialBlob? = try begin(descriptor)
    guard case .busy = try store.beginIngest(descriptor) else {
      Issue.record("two owners")
      return
    }
    withExtendedLifetime(blob) {}
    blob = nil
    guard case .ours = try store.beginIngest(descriptor) else {
      Issue.record("lock left behind")
      return
    }
  }

  @Test("a symbolic link planted where a partial blob goes is not followed")
  func refusesPlantedLinks() throws {
    let descriptor = try descriptor([1, 2, 3])
    try writeFile(folder("victim"), [9])
    let path = store.root + "/.cairn/ingest/sha256-\(descriptor.digest.hex).partial"
    #expect(symlink(folder("victim"), path) == 0)
    #expect(throws: StoreError.self) { try store.beginIngest(descriptor) }
    #expect(try readFile(folder("victim")) == [9])
  }

  @Test("a second name of another file, planted where a partial blob goes, is not written to")
  func refusesSecondNames() async throws {
    let descriptor = try descriptor([1, 2, 3])
    let victim = folder("victim")
    try writeFile(victim, [9])
    chmod(victim, 0o644)
    let path = store.root + "/.cairn/ingest/sha256-\(descriptor.digest.hex).partial"
    #expect(link(victim, path) == 0)
    let blob = try begin(descriptor)
    try write([1, 2, 3], to: blob)
    guard case .published = try await verify(blob) else {
      Issue.record("it is not published")
      return
    }
    #expect(try readFile(victim) == [9])
    let info = try #require(Files.info(victim))
    #expect(info.st_nlink == 1 && info.st_mode & 0o777 == 0o644)
    #expect(try store.holds(descriptor))
  }

  @Test("what others write to a partial blob after it was hashed is found before it is published")
  func noticesOtherWriters() async throws {
    let content = Content.bytes(300_000, seed: 4)
    let descriptor = try descriptor(content)
    let blob = try begin(descriptor)
    let path = store.root + "/.cairn/ingest/sha256-\(descriptor.digest.hex).partial"
    let verifier = Verifier(store: store, threads: 1)
    let (hashed, tell) = AsyncStream.makeStream(of: Int64.self)
    let outcome = try await value { (done: @escaping @Sendable (Verifier.Outcome) -> Void) in
      try verifier.add(blob, hashed: { tell.yield($0) }, done: done)
      try write(content[..<200_000], to: blob)
      verifier.advance(blob.name)
      Task {
        for await count in hashed where count == 200_000 { break }
        let other = open(path, O_WRONLY)
        #expect(pwrite(other, [content[9] ^ 1], 1, 9) == 1)
        // Another time than that of our last write, however coarse the clock is.
        futimens(other, [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)])
        close(other)
        try write(content[200_000...], to: blob)
        verifier.advance(blob.name)
      }
    }
    await verifier.stop()
    guard case .wrongDigest = outcome else {
      Issue.record("it is \(outcome)")
      return
    }
    #expect(store.size(of: descriptor.digest) == nil)
    // Fetched again, it is right.
    try blob.startOver()
    try write(content[...], to: blob)
    guard case .published = try await verify(blob) else {
      Issue.record("it is not published")
      return
    }
    #expect(try store.holds(descriptor))
  }

  @Test("documents are checked when put and when read")
  func documents() throws {
    let data = Data("{}".utf8)
    let digest = try Digest.of(data)
    #expect(throws: StoreError.self) { try store.put(Data("x".utf8), as: digest) }
    try store.put(data, as: digest)
    #expect(store.document(digest) == data)
    try writeFile(store.path(of: digest), Array("[]".utf8))
    #expect(store.document(digest) == nil)
    try store.put(data, as: digest)
    #expect(store.document(digest) == data)
  }

  @Test("names in the index are replaced, not doubled, also by many at once")
  func updatesIndex() async throws {
    let store = store
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<16 {
        group.addTask {
          guard let digest = try? Digest.of([UInt8(number)]) else { return }
          let entry = Descriptor(mediaType: .ociManifest, digest: digest, size: 1)
          try? store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
            try index.set("image-\(number % 4):latest", entry)
          }
        }
      }
    }
    #expect(try store.index().manifests.count == 4)
  }

  @Test("asks for room before it is needed")
  func asksForRoom() throws {
    func blobs(_ count: Int, of size: Int64) throws -> [Descriptor] {
      try (0..<count).map {
        Descriptor(mediaType: .ociConfig, digest: try Digest.of(Array("\($0)".utf8)), size: size)
      }
    }
    try store.requireSpace(for: [])
    try store.requireSpace(for: blobs(2, of: 1))
    let error = #expect(throws: StoreError.self) {
      try store.requireSpace(for: blobs(1 << 10, of: 1 << 40))
    }
    #expect(error?.lack == .space)
    #expect(error?.description.contains(" needed, ") == true, "\(error?.description ?? "")")
    // More than any number holds; and more than this file system takes in one file, or has room for.
    #expect(throws: StoreError.self) { try store.requireSpace(for: blobs(3, of: .max)) }
  }

  @Test("hashes as the standards say")
  func hashes() throws {
    #expect(
      try Digest.of(Array("abc".utf8)).hex
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(try Digest.of([], .sha512).hex.hasPrefix("cf83e1357eefb8bdf1542850d66d8007"))
  }
}
