import CairnKit
import Foundation
import Support
import Testing

/// A folder, a registry and options that have nothing of this machine's.
struct Kit {
  let folder: TemporaryFolder
  let registry: FakeRegistry
  var options = PullOptions()

  init(_ image: FakeImage, fault: @escaping FakeRegistry.Fault = { _ in nil }) throws {
    folder = try TemporaryFolder()
    registry = try FakeRegistry(image, fault: fault)
    options.registry.environment = ["HOME": folder.path]
    options.registry.retries = 1
    options.history = .none
  }

  var store: StorePlace { StorePlace(folder("store")) }
  var name: String { "\(registry.host)/o/n" }

  func pull(_ event: @escaping @Sendable (PullEvent) -> Void = { _ in }) async throws -> PullOutcome
  {
    try await Cairn.pull(name, into: store, options: options, event: event)
  }

  /// Why a pull fails; nil: it does not.
  func failure(of names: [String]? = nil) async -> CairnError? {
    do {
      if let names {
        _ = try await Cairn.pull(names, into: store, options: options)
      } else {
        _ = try await Cairn.pull(name, into: store, options: options)
      }
      return nil
    } catch let error as CairnError {
      return error
    } catch {
      Issue.record("another error than CairnError: \(error)")
      return nil
    }
  }
}

@Suite("CairnKit", .timeLimit(.minutes(10)))
struct KitTests {
  static func image(platforms: [String] = []) throws -> FakeImage {
    try FakeImage(
      layers: [Content.bytes(200_000, seed: 1), Content.bytes(30_000, seed: 2)],
      platforms: platforms)
  }

  @Test("pulls an image, says what happens in order, and what it came to")
  func pulls() async throws {
    let image = try Self.image(platforms: ["linux/amd64", "linux/arm64"])
    var kit = try Kit(image)
    kit.options.platforms = .one("linux/arm64")
    kit.options.workers = .fixed(3)
    let events = Log<PullEvent>()
    let outcome = try await kit.pull { events.add($0) }
    #expect(outcome.image == "\(kit.name):latest" && outcome.platform == "linux/arm64")
    #expect(outcome.digest == "\(image.manifest)" && outcome.platformDigest != nil)
    #expect(outcome.blobs == 3 && outcome.blobsPresent == 0 && outcome.bytes > 230_000)
    #expect(outcome.bytesFetched == outcome.bytes && outcome.requests >= 3)
    #expect(outcome.decisions.map(\.workers) == [3] && outcome.workers == 3)
    let kinds = events.all.map { event in
      switch event {
      case .started: "started"
      case .resolved: "resolved"
      case .workers: "workers"
      default: "other"
      }
    }
    #expect(kinds.filter { $0 != "other" } == ["started", "resolved", "workers"])
    let stands = events.all.compactMap { if case .progress(let now) = $0 { now } else { nil } }
    let last = try #require(stands.last)
    #expect(last.bytesDone == outcome.bytes && last.blobs == 3)
  }

  @Test("a second pull finds everything there, and costs one request")
  func again() async throws {
    let kit = try Kit(try Self.image())
    let first = try await kit.pull()
    let before = kit.registry.server.requests.count
    let second = try await kit.pull()
    #expect(second.digest == first.digest && second.blobsPresent == second.blobs)
    #expect(second.bytesFetched == 0 && second.workers == 0 && second.decisions.isEmpty)
    #expect(kit.registry.server.requests.count == before + 1)
  }

  @Test("of images that are pulled together, what they share comes once, and each has an outcome")
  func together() async throws {
    let kit = try Kit(try Self.image())
    let names = [kit.name, "\(kit.registry.host)/o/m", kit.name, "\(kit.registry.host)/o/n:none"]
    let outcomes = try await Cairn.pull(names, into: kit.store, options: kit.options)
    #expect(outcomes.count == 3)
    let pulled = outcomes.compactMap { try? $0.get() }
    #expect(pulled.count == 2)
    let notFetched = pulled.reduce(0) { $0 + $1.blobsShared + $1.blobsPresent }
    let fetched = pulled.reduce(0) { $0 + $1.bytesFetched }
    #expect(notFetched == 3)
    #expect(fetched == pulled.first?.bytes)
    guard case .failure(let error) = outcomes[2] else {
      Issue.record("there is no such tag")
      return
    }
    #expect(error.kind == .notFound && error.message.contains("o/n:none"))
  }

  @Test("each registry of a run has its own login and number of workers")
  func registriesOfTheirOwn() async throws {
    let basic = "Basic " + Data("me:hunter2".utf8).base64EncodedString()
    let kit = try Kit(try Self.image())
    let other = try FakeImage(layers: [Content.bytes(150_000, seed: 3)])
    let closed = try FakeRegistry(other) { request in
      request["authorization"] == basic
        ? nil : .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
    }
    var options = kit.options
    options.workers = .fixed(2)
    options.ofRegistry = { [options] registry in
      guard registry == closed.host else { return options }
      var own = options
      own.registry.login = RegistryLogin(user: "me", password: "hunter2")
      own.workers = .fixed(3)
      // What is of the whole run is no registry's.
      own.platforms = .one("plan9/mips")
      return own
    }
    let outcomes = try await Cairn.pull(
      [kit.name, "\(closed.host)/o/m"], into: kit.store, options: options)
    let pulled = try outcomes.map { try $0.get() }
    #expect(pulled.map { $0.decisions.first?.workers } == [2, 3])
    #expect(kit.registry.server.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test("the history is where the options say, and nowhere without it")
  func history() async throws {
    var kit = try Kit(try Self.image())
    _ = try await kit.pull()
    let state = kit.folder(".local/state/cairn/history.sqlite")
    #expect(!FileManager.default.fileExists(atPath: state))
    kit.options.history = .file(kit.folder("own.sqlite"))
    _ = try await Cairn.pull(kit.name, into: StorePlace(kit.folder("b")), options: kit.options)
    #expect(FileManager.default.fileExists(atPath: kit.folder("own.sqlite")))
    kit.options.history = .standard
    _ = try await Cairn.pull(kit.name, into: StorePlace(kit.folder("c")), options: kit.options)
    #expect(FileManager.default.fileExists(atPath: state))
  }

  @Test("cancelling the task interrupts the pull, and the next one goes on from there")
  func cancelling() async throws {
    let image = try Self.image()
    let (came, hold) = (Gate(), Gate())
    // The second layer is held back until the end.
    let held = "\(image.layers[1])"
    let kit = try Kit(image) { request in
      guard request.target.hasSuffix(held) else { return nil }
      came.open()
      hold.pass()
      return nil
    }
    let pull = Task { await kit.failure() }
    await came.opened()
    pull.cancel()
    let error = await pull.value
    #expect(error?.kind == .interrupted && error?.hint != nil)
    hold.open()
    let outcome = try await kit.pull()
    #expect(outcome.blobs == 3)
  }

  @Test("a login goes to the registry that asks for one, and is printed nowhere")
  func login() async throws {
    let login = RegistryLogin(user: "me", password: "hunter2")
    for text in ["\(login)", "\(Optional(login).debugDescription)", String(reflecting: [login])] {
      #expect(!text.contains("hunter2"))
    }
    var dumped = ""
    dump(login, to: &dumped)
    #expect(!dumped.contains("hunter2"))
    let basic = "Basic " + Data("me:hunter2".utf8).base64EncodedString()
    var kit = try Kit(try Self.image()) { request in
      request["authorization"] == basic
        ? nil : .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
    }
    let refused = await kit.failure()
    #expect(refused?.kind == .unauthorised)
    kit.options.registry.login = login
    let messages = Log<String>()
    kit.options.registry.log = { messages.add($1) }
    kit.options.registry.leastSeverity = .debug
    _ = try await kit.pull()
    #expect(!messages.all.isEmpty && !messages.all.contains { $0.contains("hunter2") })
    #expect(!messages.all.contains { $0.contains(basic) })
  }
}
