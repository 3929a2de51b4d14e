import CairnKit
import Foundation
import OCI
import Support
import Synchronization
import Testing
import Tuning

/// Many pulls into one store, cancelled wherever they are; with CAIRN_CANCELLATIONS=200 as many as that.
@Suite("Cancelled pulls", .serialized, .timeLimit(.minutes(20)))
struct CancellationTests {
  /// When a pull is cancelled: in the middle of something, each by what tells of it.
  struct Moment {
    enum Phase: String, CaseIterable {
      case token, manifest, blob, event, pipe, archive, unpacked
    }
    var phase: Phase
    /// At the how-manieth request or event of the kind.
    var number: Int
    /// Whether the server says nothing more: then only the cancellation can end the pull.
    var isHeld: Bool

    init(_ phase: Phase, using random: inout some RandomNumberGenerator) {
      self.phase = phase
      number = phase == .event ? Int.random(in: 1...3, using: &random) : 1
      isHeld = Bool.random(using: &random)
    }
  }

  /// Cancels a task, whichever comes first: the moment or the task.
  final class Trigger: Sendable {
    private let state = Mutex<(fired: ContinuousClock.Instant?, task: Task<CairnError?, Never>?)>(
      (nil, nil))

    var fired: ContinuousClock.Instant? { state.withLock { $0.fired } }

    func fire() {
      state.withLock { state in
        state.fired = state.fired ?? .now
        return state.task
      }?.cancel()
    }

    func hold(_ task: Task<CairnError?, Never>) {
      let isLate = state.withLock { state in
        state.task = task
        return state.fired != nil
      }
      if isLate { task.cancel() }
    }
  }

  /// A pull that will be cancelled.
  final class Pull: Sendable {
    let moment: Moment
    let trigger = Trigger()
    let seen = Counter()

    init(_ moment: Moment) { self.moment = moment }

    /// Whether the moment is here.
    func isDue(_ phase: Moment.Phase) -> Bool {
      guard phase == moment.phase, seen.next() == moment.number else { return false }
      trigger.fire()
      return true
    }
  }

  /// What a pull fetches: blobs that all of a round have, so that some wait for others, and one of its own.
  static func image(_ number: Int) throws -> FakeImage {
    var layers = [1_200_000, 400_000, 50_000].enumerated().map {
      Content.bytes($1, seed: UInt64($0) &+ 1)
    }
    layers.append(Content.bytes(90_000, seed: UInt64(number) &+ 100))
    return try FakeImage(layers: layers)
  }

  /// What a request is for; nil: for nothing that a pull is cancelled in.
  static func phase(_ request: ServedRequest) -> Moment.Phase? {
    if request.target.hasPrefix("/token") { return .token }
    if request.target.contains("/manifests/") { return .manifest }
    return request.target.contains("/blobs/") ? .blob : nil
  }

  /// Which pull a request is of: each has a repository of its own.
  static func number(_ request: ServedRequest) -> Int? {
    request.target.firstMatch(of: /o(?:%2F|\/)n(\d+)/).flatMap { Int($0.1) }
  }

  /// A registry with tokens, in which pulls come to their moments.
  static func registry(_ images: [FakeImage], _ pulls: [Pull]) throws -> FakeRegistry {
    try FakeRegistry(images[0]) { request in
      let phase = phase(request)
      guard phase == .token || request["authorization"] != nil else {
        let realm = "Bearer realm=\"http://\(request["host"] ?? "")/token\",service=\"here\""
        return .status(401, [("WWW-Authenticate", realm)])
      }
      let number = number(request) ?? 0
      let good =
        phase == .token
        ? .ok(#"{"token":"one"}"#) : FakeRegistry.answer(request, images[number % images.count])
      guard let phase, pulls.indices.contains(number) else { return good }
      let pull = pulls[number]
      guard pull.isDue(phase), pull.moment.isHeld else { return good }
      guard case .response(let status, let fields, let body) = good, number % 2 == 0 else {
        return .raw([], .hang)
      }
      return .raw(
        Reply.head(status, length: body.count, fields) + body.prefix(body.count / 2), .hang)
    }
  }

  /// How many are cancelled.
  static var wanted: Int {
    ProcessInfo.processInfo.environment["CAIRN_CANCELLATIONS"].flatMap { Int($0) } ?? 18
  }

  /// More than the tests' own few, in a process where nothing else runs: there it is counted what is held.
  static var isAlone: Bool { ProcessInfo.processInfo.environment["CAIRN_CANCELLATIONS"] != nil }

  @Test("end each, leave what the next pull goes on from, and nothing else")
  func many() async throws {
    var random = RandomSource(seed: 20_261_127)
    let phases = Moment.Phase.allCases
    var (met, slowest, pulls) = ([Moment.Phase: Int](), Duration.zero, 0)
    var first: Held?
    while met.values.reduce(0, +) < Self.wanted {
      let round = (0..<6).map { Pull(Moment(phases[(pulls + $0) % phases.count], using: &random)) }
      pulls += round.count
      slowest = max(slowest, try await Self.round(round))
      for pull in round where pull.trigger.fired != nil {
        met[pull.moment.phase, default: 0] += 1
      }
      // Caches of the runtime and of libcurl are full by then.
      if first == nil, met.values.reduce(0, +) > Self.wanted / 5 { first = try Held.now() }
    }
    // What is written at once may be there before anybody sees that it is written.
    #expect(Set(phases).subtracting(met.keys).isSubset(of: [.archive, .unpacked]), "\(met)")
    guard Self.isAlone, let first else { return }
    print(
      "cancelled \(met.values.reduce(0, +)) of \(pulls): \(met), the slowest ended after \(slowest)"
    )
    #expect(slowest < .seconds(2))
    // A thread that was told to end may be on its way still; a leaked one stays.
    try await eventually { try Held.now().isWithin(first) }
    print("after a fifth: \(first), at the end: \(try Held.now())")
  }

  /// Six pulls at once, cancelled at their moments, and what is there then.
  ///
  /// - Returns: the longest time from a cancellation to the end of its pull.
  static func round(_ pulls: [Pull]) async throws -> Duration {
    let folder = try TemporaryFolder.inMemory()
    let images = try pulls.indices.map { try image($0) }
    let registry = try registry(images, pulls)
    defer { registry.server.stop() }
    var options = PullOptions()
    options.registry.environment = ["HOME": folder.path]
    options.registry.plainHTTP = true
    let store = StorePlace(folder("store"))
    let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
      for (number, pull) in pulls.enumerated() {
        var own = options
        own.outputs = try outputs(pull, number, folder)
        let mine = own
        let place = folder("out-\(number)")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        group.addTask {
          try await cancelled(
            pull, "\(registry.host)/o/n\(number)", into: store, mine, writesTo: place)
        }
      }
      return try await group.reduce(.zero, max)
    }
    try await eventually { Held.descriptors(into: folder.path).isEmpty }
    try check(folder, images)
    // Each of the same images once more, from a repository in which nothing happens.
    for (number, image) in images.enumerated() {
      let again = try await Cairn.pull(
        "\(registry.host)/o/n\(number + images.count)", into: store, options: options)
      #expect(again.blobs == image.blobs.count && again.digest == "\(image.manifest)")
    }
    #expect(try leftOver(folder).isEmpty)
    return slowest
  }

  /// Where a pull's image goes beside the store.
  static func outputs(_ pull: Pull, _ number: Int, _ folder: TemporaryFolder) throws -> [String] {
    switch pull.moment.phase {
    case .pipe:
      // Nobody reads it, so that whoever writes waits.
      guard mkfifo(folder("pipe-\(number)"), 0o600) == 0 else { throw POSIXError(.EIO) }
      return ["docker-archive:\(folder("pipe-\(number)"))"]
    case .archive: return ["oci-archive:\(folder("out-\(number)/image.tar"))"]
    case .unpacked: return ["dir:\(folder("out-\(number)/image"))"]
    default: return []
    }
  }

  /// One pull, cancelled at its moment.
  ///
  /// - Returns: the time from its cancellation to its end.
  static func cancelled(
    _ pull: Pull, _ name: String, into store: StorePlace, _ options: PullOptions,
    writesTo place: String
  ) async throws -> Duration {
    let task = Task { () -> CairnError? in
      do {
        _ = try await Cairn.pull(name, into: store, options: options) { event in
          _ = pull.isDue(.event)
          if case .notice(let words) = event, words.contains("pipe") {
            _ = pull.isDue(.pipe)
          }
        }
        return nil
      } catch {
        return error as? CairnError ?? CairnError.other(error)
      }
    }
    pull.trigger.hold(task)
    let isOver = Counter()
    let watcher = Task {
      // Something has a temporary name there: the output is begun.
      try await eventually {
        guard isOver.value == 0 else { return true }
        return try !FileManager.default.contentsOfDirectory(atPath: place).isEmpty
      }
      _ = pull.isDue(.archive)
      _ = pull.isDue(.unpacked)
    }
    let error = await task.value
    let ended = ContinuousClock.now
    isOver.next()
    try await watcher.value
    // One that its moment did not find in the middle has ended well.
    #expect(error == nil || error?.kind == .interrupted, "\(pull.moment): \(error as Any)")
    #expect(error == nil || pull.trigger.fired != nil, "\(pull.moment): \(error as Any)")
    if pull.moment.isHeld, pull.moment.phase == .token || pull.moment.phase == .manifest {
      #expect(error?.kind == .interrupted, "\(pull.moment)")
    }
    return pull.trigger.fired.map { ended - $0 } ?? .zero
  }

  /// What the cancelled ones left: blobs that are what their names say, and parts that can be gone on from.
  static func check(_ folder: TemporaryFolder, _ images: [FakeImage]) throws {
    for (digest, bytes) in images.flatMap(\.blobs) {
      let path = folder("store/blobs/sha256/\(digest.hex)")
      if FileManager.default.fileExists(atPath: path) { #expect(try readFile(path) == bytes) }
    }
    for name in try leftOver(folder) {
      #expect(name.hasSuffix(".partial") || name.hasSuffix(".map"), "left \(name)")
    }
    // An output has its name when it is whole.
    for (number, image) in images.enumerated() {
      let (archive, unpacked) = (folder("out-\(number)/image.tar"), folder("out-\(number)/image"))
      if FileManager.default.fileExists(atPath: archive) {
        let size = image.blobs.values.reduce(0) { $0 + $1.count }
        #expect(try readFile(archive).count > size, "half of \(archive)")
      }
      if FileManager.default.fileExists(atPath: unpacked) {
        for digest in image.blobs.keys {
          #expect(FileManager.default.fileExists(atPath: "\(unpacked)/\(digest.hex)"))
        }
      }
    }
  }

  /// Temporary names, what is not published yet, and locks that somebody holds.
  static func leftOver(_ folder: TemporaryFolder) throws -> [String] {
    var found: [String] = []
    for name in FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? [] {
      guard let name = name as? String else { continue }
      let last = name.split(separator: "/").last ?? ""
      if name.contains(".cairn/ingest/") || (last.hasPrefix(".cairn-") && last.hasSuffix(".new")) {
        found.append(name)
      }
      guard last.contains("lock"), let file = fopen(folder(name), "r") else { continue }
      defer { fclose(file) }
      if flock(fileno(file), LOCK_EX | LOCK_NB) != 0 { found.append("\(name), locked") }
    }
    return found
  }
}

extension CairnError {
  /// What a pull must not throw.
  fileprivate static func other(_ error: any Error) -> CairnError? {
    Issue.record("another error than CairnError: \(error)")
    return nil
  }
}

/// What this process holds.
private struct Held: CustomStringConvertible {
  var descriptors: Int
  var threads: Int

  static func now() throws -> Held {
    let files = FileManager.default
    return Held(
      descriptors: try files.contentsOfDirectory(atPath: "/proc/self/fd").count,
      threads: try files.contentsOfDirectory(atPath: "/proc/self/task").count)
  }

  func isWithin(_ other: Held) -> Bool {
    descriptors <= other.descriptors && threads <= other.threads
  }

  /// Open files below a folder, with names that are gone, too.
  static func descriptors(into folder: String) -> [String] {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }.filter { $0.hasPrefix(folder) }
  }

  var description: String { "\(descriptors) descriptors, \(threads) threads" }
}
