import Disk
import Foundation
import OCI
import Support
import Synchronization
import Testing

@testable import Store

/// Another user exchanges directories and links while root writes.
@Suite("Races", .serialized, .timeLimit(.minutes(10)))
struct RaceTests {
  let folder: TemporaryFolder
  let store: ContentStore
  let image: StoredImage
  /// Where nothing may come or go.
  var outside: String { folder("outside") }

  init() throws {
    folder = try TemporaryFolder()
    store = try ContentStore(root: folder("store"))
    image = try OutputTests.stored(
      FakeImage(layers: [Content.bytes(5_000, seed: 1), Content.bytes(700, seed: 2)]), in: store)
    for name in ["outside", "theirs"] {
      try FileManager.default.createDirectory(
        atPath: folder(name), withIntermediateDirectories: true)
    }
  }

  @Test("a new store is made by whoever opens it, and several may at the same moment")
  func madeTogether() throws {
    for round in 0..<60 {
      let root = folder("new-\(round)")
      let failures = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { number in
        do {
          if number % 2 == 0 {
            _ = try ContentStore(root: root)
          } else {
            _ = try ContentStore.reading(root)
          }
        } catch { failures.withLock { $0.append("\(error)") } }
      }
      #expect(failures.withLock { $0 }.isEmpty)
    }
  }

  /// Makes the outside look like an output, and more: whoever goes there by mistake is tempted.
  func furnish() throws -> [String] {
    try ImageWriter(store: store, overwrites: true).write(
      image, to: OutputTarget(.directory, outside + "/dir"))
    for name in try FileManager.default.contentsOfDirectory(atPath: outside + "/dir") {
      rename("\(outside)/dir/\(name)", "\(outside)/\(name)")
    }
    rmdir(outside + "/dir")
    for number in 0..<100 {
      let digest = try Digest.of(Array("precious \(number)".utf8))
      try writeFile("\(outside)/\(digest.hex)", Array("mine".utf8))
    }
    return try everything()
  }

  func everything() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: outside).sorted()
  }

  /// Exchanges what has a path with a link to the outside, there and back, until the body is done.
  func exchanging(_ path: String, during body: () async throws -> Void) async rethrows {
    let (link, aside, target) = (folder("link"), folder("aside"), outside)
    symlink(target, link)
    if geteuid() == 0 { lchown(link, 65_534, 65_534) }
    let ended = Gate()
    let stop = Stop()
    Thread.detachNewThread {
      while !stop.isSet {
        rename(path, aside)
        rename(link, path)
        rename(path, link)
        rename(aside, path)
      }
      ended.open()
    }
    defer {
      stop.set()
      ended.pass()
    }
    try await body()
  }

  private final class Stop: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
  }

  @Test(
    "nothing outside is written or removed while parts of an output become links",
    arguments: [
      ("dir:%/out", "out"), ("oci:%/out", "out"), ("oci:%/out", "out/blobs"),
      ("oci:%/out", "out/blobs/sha256"), ("oci:%/out", "out/index.json"),
      ("oci-archive:%/out.tar", "out.tar"),
    ])
  func outputs(target: String, exchanged: String) async throws {
    // Root's own links, and one's own, are followed where they are named.
    guard geteuid() == 0 || target.hasPrefix("dir") || exchanged.contains("/") else {
      try Test.cancel("only root is told apart from whoever made the link")
    }
    let before = try furnish()
    let output = try OutputTarget(target.replacing("%", with: folder("theirs")))
    let writer = ImageWriter(store: store, overwrites: true)
    try writer.write(image, to: output)
    var written = 0
    await exchanging(folder("theirs") + "/" + exchanged) {
      var tries = 0
      // It is no proof where nothing ever went well.
      while tries < 150 || written == 0 && tries < 5_000 {
        tries += 1
        if (try? writer.write(image, to: output)) != nil { written += 1 }
        await Task.yield()
      }
    }
    #expect(try everything() == before)
    #expect(written > 0)
  }

  @Test(
    "prune removes nothing outside while parts of a store become links",
    arguments: ["blobs", "blobs/sha256", ".cairn/ingest", ".cairn"])
  func prune(exchanged: String) async throws {
    let before = try furnish()
    let root = folder("theirs") + "/store"
    let theirs = try ContentStore(root: root)
    await exchanging("\(root)/\(exchanged)") {
      for number in 0..<150 {
        try? theirs.put(Data("\(number)".utf8), as: Digest.of(Array("\(number)".utf8)))
        _ = try? StoreMaintenance(store: theirs).prune(olderThan: nil, keepBytes: nil, now: 0)
        _ = try? ContentStore(root: root)
        await Task.yield()
      }
    }
    #expect(try everything() == before)
  }

  @Test(
    "links in a layout are named before anything is fetched",
    arguments: ["oci-layout", "index.json", "blobs", "blobs/sha256"])
  func links(name: String) throws {
    let out = folder("theirs") + "/out"
    let writer = ImageWriter(store: store, overwrites: true)
    let target = OutputTarget(.oci, out, "t")
    try writer.write(image, to: target)
    rename("\(out)/\(name)", outside + "/moved")
    symlink(outside + "/moved", "\(out)/\(name)")
    let error = #expect(throws: StoreError.self) { try writer.check(target, isIndex: false) }
    #expect(error?.description.contains("\(out)/\(name): it is a symbolic link") == true)
    #expect(throws: StoreError.self) { try writer.write(image, to: target) }
  }

  @Test(
    "another user's lock on a layout is waited for, told, and given up when the task is cancelled")
  func layoutLock() async throws {
    let out = folder("theirs") + "/out"
    let told = Log<String>()
    let waits = Gate()
    let writer = ImageWriter(store: store, overwrites: true) {
      told.add($0)
      waits.open()
    }
    try writer.write(image, to: OutputTarget(.oci, out, "t"))
    let lock = open(out + "/oci-layout", O_RDONLY)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX) == 0)
    let image = image
    let task = Task.detached { () -> StoreError? in
      do throws(StoreError) {
        try writer.write(image, to: OutputTarget(.oci, out, "u"))
        return nil
      } catch {
        return error
      }
    }
    await waits.opened()
    task.cancel()
    #expect(await task.value == .interrupted)
    #expect(
      told.all.count == 1 && told.all[0].contains("process \(getpid())")
        || told.all[0].contains("this process"))
  }
}
