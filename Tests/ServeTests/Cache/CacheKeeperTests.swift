import Downloads
import Foundation
import Hashing
import OCI
import Store
import Support
import Synchronization
import Testing

@testable import Serve

@Suite("The cache of an endpoint", .timeLimit(.minutes(10)))
struct CacheKeeperTests {
  let folder: TemporaryFolder
  let clock = Clock()

  init() throws { folder = try TemporaryFolder() }

  /// Seconds that a test lets pass.
  final class Clock: Sendable {
    private let seconds = Counter()
    /// Begins after whatever stamps files have.
    let start = Date().timeIntervalSince1970 + 10
    func pass(_ count: Int) { for _ in 0..<count { seconds.next() } }
    var now: Double { start + Double(seconds.value) }
  }

  func keeper(
    limit: Int64? = nil, keeps: Bool = false, reading other: ContentStore? = nil,
    free: (@Sendable () -> Int64?)? = nil
  ) throws -> CacheKeeper {
    let clock = clock
    return try CacheKeeper(
      store: ContentStore(root: folder("cache")), reading: other, limit: limit, keeps: keeps,
      free: free, now: { clock.now })
  }

  func store() throws -> ContentStore { try ContentStore(root: folder("cache")) }

  static func blob(_ seed: UInt64, _ count: Int = 100_000) throws -> (Descriptor, Data) {
    let bytes = Content.bytes(count, seed: seed)
    let descriptor = Descriptor(
      mediaType: MediaType(rawValue: "application/octet-stream"), digest: try Digest.of(bytes),
      size: Int64(count))
    return (descriptor, Data(bytes))
  }

  /// Brings a blob as a download would: all of it, or so many bytes.
  func bring(_ blob: (Descriptor, Data), bytes: Int? = nil) throws {
    let store = try store()
    guard let bytes else {
      try store.put(blob.1, as: blob.0.digest)
      return
    }
    guard case .ours(let partial) = try store.beginIngest(blob.0) else {
      Issue.record("somebody has it")
      return
    }
    let part = blob.1.prefix(bytes)
    #expect(part.withUnsafeBytes { partial.write($0, at: 0) } == 0)
    try partial.record(0..<Int64(part.count))
  }

  /// Takes a blob while something is done, which says where it should have come from.
  func taking(
    _ blob: Descriptor, from keeper: CacheKeeper, _ body: () throws -> String
  ) rethrows {
    let taken = keeper.take(blob, for: .named)
    let found =
      switch taken {
      case .file: "file"
      case .room: "room"
      case .noRoom: "no room"
      }
    #expect(try body() == found)
    withExtendedLifetime(taken) {}
  }

  /// Everything below a folder, in bytes, as its files say.
  func bytesOnDisk() throws -> Int64 {
    let files = FileManager.default.enumerator(atPath: folder("cache"))
    var sum: Int64 = 0
    for case let name as String in files ?? .init() where !name.contains("serve-uses") {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: folder("cache") + "/" + name)
      guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
      sum += (attributes[.size] as? NSNumber)?.int64Value ?? 0
    }
    return sum
  }

  @Test(
    "a blob comes into room that was reserved, is read from the disk, and goes ten minutes later")
  func livesAndGoes() throws {
    let keeper = try keeper()
    let blob = try Self.blob(1)
    try taking(blob.0, from: keeper) {
      try bring(blob)
      clock.pass(700)
      keeper.sweep()
      #expect(keeper.figures.blobs == 1, "its reader is not done")
      return "room"
    }
    keeper.sweep()
    taking(blob.0, from: keeper) { "file" }
    clock.pass(599)
    keeper.sweep()
    #expect(try store().contains(blob.0))
    clock.pass(602)
    keeper.sweep()
    #expect(try !store().contains(blob.0) && keeper.figures.bytes == 0)
    #expect(keeper.figures.evictions == 1 && keeper.figures.evictedBytes >= blob.0.size)
  }

  @Test(
    "the cache is never over its limit by many partial blobs, and the one used least lately goes")
  func staysBelowLimit() throws {
    let keeper = try keeper(limit: 350_000, keeps: true)
    for seed in 1...20 {
      let blob = try Self.blob(UInt64(seed))
      guard case .room(let hold) = keeper.take(blob.0, for: .named) else {
        Issue.record("no room for \(seed)")
        continue
      }
      try bring(blob, bytes: seed % 2 == 0 ? nil : 90_000)
      #expect(keeper.figures.bytes <= 350_000)
      #expect(try bytesOnDisk() <= 350_000)
      withExtendedLifetime(hold) {}
      clock.pass(1)
    }
    keeper.sweep()
    let last = try Self.blob(20)
    #expect(try store().contains(last.0))
    #expect(try !store().contains(Self.blob(2).0))
  }

  /// A disk of so many bytes that has the cache, and what others have written.
  final class Disk: Sendable {
    let bytes: Int64
    private let others = Mutex<Int64>(0)
    init(_ bytes: Int64) { self.bytes = bytes }
    func take(_ count: Int64) { others.withLock { $0 += count } }
    func free(beside used: Int64) -> Int64 { max(0, bytes - used - others.withLock { $0 }) }
  }

  @Test(
    "what the disk has bounds the cache, too: the one used least lately goes for what comes",
    arguments: [nil, 1 << 30])
  func staysBelowTheDisk(limit: Int64?) throws {
    let disk = Disk(1_000_000)
    let keeper = try keeper(limit: limit, keeps: true) { [self] in
      disk.free(beside: (try? bytesOnDisk()) ?? 0)
    }
    for seed in 1...20 {
      let blob = try Self.blob(UInt64(seed))
      try taking(blob.0, from: keeper) {
        try bring(blob, bytes: seed % 2 == 0 ? nil : 90_000)
        return "room"
      }
      clock.pass(1)
    }
    #expect(try bytesOnDisk() <= 950_000)
    #expect(try store().contains(Self.blob(20).0) && store().contains(Self.blob(16).0))
    #expect(try !store().contains(Self.blob(2).0))
    taking(try Self.blob(30, 1_100_000).0, from: keeper) { "no room" }
    #expect(try store().contains(Self.blob(16).0), "nothing goes for nothing")
    // What others write counts at once.
    disk.take(disk.free(beside: try bytesOnDisk()))
    try taking(Self.blob(31).0, from: keeper) { () throws in
      #expect(disk.free(beside: try bytesOnDisk()) >= 100_000)
      return "room"
    }
    taking(try Self.blob(32, 950_000).0, from: keeper) { "no room" }
  }

  @Test("room on the disk is reserved for what is on its way, and once")
  func reservesOnTheDisk() throws {
    let disk = Disk(1_000_000)
    let keeper = try keeper(keeps: true) { [self] in
      disk.free(beside: (try? bytesOnDisk()) ?? 0)
    }
    let blobs = try (1...9).map { try Self.blob(UInt64($0)) }
    var holds: [CacheKeeper.Taking] = []
    for blob in blobs.dropLast(2) { holds.append(keeper.take(blob.0, for: .named)) }
    for (number, blob) in blobs.dropLast(2).enumerated() {
      try bring(blob, bytes: number % 2 == 0 ? nil : 60_000)
    }
    holds.append(keeper.take(blobs[7].0, for: .named))
    guard case .room? = holds.last else {
      Issue.record("what has come counted twice")
      return
    }
    taking(blobs[8].0, from: keeper) { "no room" }
    withExtendedLifetime(holds) {}
  }

  @Test("a disk that does not say what it has bounds nothing")
  func unknownDisk() throws {
    let keeper = try keeper(keeps: true) { nil }
    taking(try Self.blob(1, 1 << 20).0, from: keeper) { "room" }
  }

  @Test("a blob larger than the limit is not kept, and while all is in use nothing is begun")
  func noRoom() throws {
    let keeper = try keeper(limit: 250_000, keeps: true)
    guard case .noRoom = keeper.take(try Self.blob(1, 300_000).0, for: .named) else {
      Issue.record("taken in")
      return
    }
    let (one, two) = (
      keeper.take(try Self.blob(2).0, for: .named),
      keeper.take(try Self.blob(3).0, for: .named)
    )
    guard case .noRoom = keeper.take(try Self.blob(4).0, for: .named) else {
      Issue.record("taken in")
      return
    }
    withExtendedLifetime((one, two)) {}
    guard case .noRoom = keeper.take(try Self.blob(5, 10).0, for: .named) else { return }
    Issue.record("a small one found no room")
  }

  @Test(
    "after a restart what is there counts, a partial blob is gone on with, and leftovers are gone")
  func restarts() throws {
    let (whole, part) = (try Self.blob(1), try Self.blob(2))
    do {
      let first = try keeper(keeps: true)
      try bring(whole)
      try bring(part, bytes: 50_000)
      _ = first
    }
    let ingest = folder("cache") + "/.cairn/ingest/"
    try Data("x".utf8).write(to: URL(filePath: ingest + "sha256-ab.map"))
    try Data("x".utf8).write(to: URL(filePath: ingest + "left"))
    let keeper = try keeper(keeps: true)
    #expect(keeper.figures.blobs == 2)
    #expect(try FileManager.default.contentsOfDirectory(atPath: ingest).count == 2)
    guard case .file = keeper.take(whole.0, for: .named) else {
      Issue.record("not on the disk")
      return
    }
    guard case .room(let hold) = keeper.take(part.0, for: .named),
      case .ours(let partial) = try store().beginIngest(part.0)
    else {
      Issue.record("not gone on with")
      return
    }
    #expect(partial.byteCount == 50_000)
    withExtendedLifetime(hold) {}
  }

  @Test("a lower limit after a restart is kept at once")
  func lowerLimit() throws {
    do {
      _ = try keeper(keeps: true)
      for seed in 1...5 { try bring(Self.blob(UInt64(seed))) }
    }
    let keeper = try keeper(limit: 250_000, keeps: true)
    #expect(keeper.figures.bytes <= 250_000)
    #expect(try bytesOnDisk() <= 250_000)
  }

  @Test("what a registry that nobody named has sent is its own, whatever is swept meanwhile")
  func remembersBringers() async throws {
    let keeper = try keeper(keeps: true)
    let circle = Circle.alone(registry: "r.example")
    let documents = try (1...100).map { try Self.blob($0, 100) }
    let blobs = try (101...200).map { try Self.blob($0, 100) }
    let sweeps = Task {
      while !Task.isCancelled {
        keeper.sweep()
        await Task.yield()
      }
    }
    for (blob, data) in documents { keeper.keep(data, as: blob.digest, for: circle) }
    for blob in blobs {
      var wish = Wish(blob.0, label: "blob", owner: "o/n")
      keeper.note(&wish, in: circle)
      let taken = keeper.take(blob.0, for: circle)
      try bring(blob)
      wish.arrived()
      withExtendedLifetime(taken) {}
    }
    sweeps.cancel()
    await sweeps.value
    keeper.sweep()
    #expect(documents.allSatisfy { keeper.document($0.0.digest, for: circle) == $0.1 })
    #expect(blobs.allSatisfy { keeper.size(of: $0.0.digest, for: circle) == 100 })
    #expect(keeper.size(of: blobs[0].0.digest, for: .alone(registry: "s.example")) == nil)
  }

  @Test(
    "a registry that nobody named pushes out what others of its kind brought, and what nobody used lately"
  )
  func sparesTheNamed() throws {
    let keeper = try keeper(limit: 250_000, keeps: true)
    let (named, strange) = (try Self.blob(1), try Self.blob(2))
    try taking(named.0, from: keeper) {
      try bring(named)
      return "room"
    }
    var wish = Wish(strange.0, label: "blob", owner: "o/n")
    let circle = Circle.alone(registry: "r.example")
    keeper.note(&wish, in: circle)
    do {
      let taken = keeper.take(strange.0, for: circle)
      try bring(strange)
      wish.arrived()
      withExtendedLifetime(taken) {}
    }
    keeper.sweep()
    clock.pass(1)
    let other = Circle.alone(registry: "s.example")
    // Of what is only claimed, nothing goes.
    if case .room = keeper.room(for: try Self.blob(3).0, in: other, evicting: false) {
      Issue.record("there was room")
    }
    guard case .room(let first) = keeper.take(try Self.blob(3).0, for: other) else {
      Issue.record("what another one brought stays")
      return
    }
    #expect(try store().contains(named.0) && !store().contains(strange.0))
    guard case .noRoom = keeper.take(try Self.blob(4).0, for: other) else {
      Issue.record("what is of a named registry went")
      return
    }
    clock.pass(600)
    guard case .room(let second) = keeper.take(try Self.blob(4).0, for: other) else {
      Issue.record("what nobody uses stays")
      return
    }
    #expect(try !store().contains(named.0))
    withExtendedLifetime((first, second)) {}
  }

  @Test("nobody else takes the cache while it is in use")
  func isAlone() throws {
    do {
      let first = try keeper()
      #expect(throws: StoreError.self) { try keeper() }
      withExtendedLifetime(first) {}
    }
    _ = try keeper()
  }

  @Test("what a pull has in the user's store is read, and neither changed nor removed")
  func readsUserStore() throws {
    let root = folder("user")
    let blob = try Self.blob(1)
    let user = try ContentStore(root: root)
    try user.put(blob.1, as: blob.0.digest)
    func state() throws -> [String] {
      try (FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []).sorted()
        .map { name in
          let attributes = try FileManager.default.attributesOfItem(atPath: root + "/" + name)
          return "\(name) \(attributes[.modificationDate] ?? "") \(attributes[.size] ?? "")"
        }
    }
    let before = try state()
    let keeper = try keeper(limit: 20_000, reading: ContentStore.reading(root))
    guard case .file(_, nil) = keeper.take(blob.0, for: .named) else {
      Issue.record("not read")
      return
    }
    clock.pass(1000)
    keeper.sweep()
    #expect(try state() == before)
    #expect(keeper.figures.blobs == 0)
  }

  @Test("a blob whose file was changed is fetched again")
  func damaged() throws {
    let blob = try Self.blob(1)
    let keeper = try keeper(keeps: true)
    try taking(blob.0, from: keeper) {
      try bring(blob)
      return "room"
    }
    keeper.sweep()
    let path = try store().path(of: blob.0.digest)
    chmod(path, 0o600)
    var bytes = try Data(contentsOf: URL(filePath: path))
    bytes[5] ^= 1
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.write(contentsOf: bytes)
    try handle.close()
    guard case .room = keeper.take(blob.0, for: .named) else {
      Issue.record("given as it is")
      return
    }
    #expect(try !store().contains(blob.0))
  }
}
