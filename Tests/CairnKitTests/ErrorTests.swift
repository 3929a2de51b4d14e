import CairnKit
import Foundation
import Support
import Testing

@Suite("CairnKit's errors", .timeLimit(.minutes(10)))
struct ErrorTests {
  /// Options that make no sense, and a word of what is said of them.
  static let senseless: [(String, @Sendable (inout PullOptions) -> Void)] = [
    ("workers", { $0.workers = .fixed(0) }), ("workers", { $0.workers = .fixed(-1) }),
    ("workers", { $0.workers = .automatic(most: 0) }),
    ("workers", { $0.workers = .fixed(.max) }),
    ("workers", { $0.workers = .automatic(most: .min) }),
    ("rate", { $0.bytesPerSecond = 0 }), ("rate", { $0.bytesPerSecond = -1 }),
    ("rate", { $0.bytesPerSecond = .nan }),
    ("retries", { $0.registry.retries = -1 }), ("retries", { $0.registry.retries = .max }),
    ("timeouts", { $0.registry.connectTimeout = 0 }),
    ("timeouts", { $0.registry.stallTimeout = .infinity }),
    ("timeouts", { $0.registry.stallTimeout = .nan }),
    ("minimum rate", { $0.registry.minimumRate = -1 }),
    ("user agent", { $0.registry.userAgent = "a\r\nAuthorization: Basic eDp5" }),
    ("user agent", { $0.registry.userAgent = "a\0" }),
    ("key", { $0.registry.key = "/nowhere.pem" }),
    ("/nowhere.json", { $0.registry.authFile = "/nowhere.json" }),
    ("/nowhere.pem", { $0.registry.certificate = "/nowhere.pem" }),
    ("/nowhere.pem", { $0.registry.authorities = .only("/nowhere.pem") }),
    ("/nowhere.conf", { $0.registry.registriesFile = "/nowhere.conf" }),
    ("platform", { $0.platforms = .one("") }), ("platform", { $0.platforms = .one("a/b/c/d/e") }),
    ("output", { $0.outputs = ["docker:x"] }), ("output", { $0.outputs = [""] }),
    ("workers", { $0.ofRegistry = { _ in Self.with { $0.workers = .fixed(0) } } }),
    ("retries", { $0.ofRegistry = { _ in Self.with { $0.registry.retries = -1 } } }),
    ("standard output", { $0.outputs = ["oci-archive:-", "docker-archive:-"] }),
  ]

  private static func with(_ change: (inout PullOptions) -> Void) -> PullOptions {
    var options = PullOptions()
    change(&options)
    return options
  }

  @Test("options that make no sense are said before anything is made", arguments: senseless.indices)
  func options(index: Int) async throws {
    var kit = try Kit(try KitTests.image())
    let (word, change) = Self.senseless[index]
    change(&kit.options)
    let error = await kit.failure()
    #expect(error?.kind == .usage)
    #expect(error?.message.lowercased().contains(word) == true, "\(String(describing: error))")
    #expect(!FileManager.default.fileExists(atPath: kit.store.path))
    #expect(kit.registry.server.requests.isEmpty)
  }

  @Test("names that are none are usage errors", arguments: ["", "UPPER", "a b", "x@sha256:1", "/"])
  func names(name: String) async throws {
    let kit = try Kit(try KitTests.image())
    let error = await kit.failure(of: [name])
    #expect(error?.kind == .usage)
  }

  @Test("outputs are for one image")
  func outputs() async throws {
    var kit = try Kit(try KitTests.image())
    kit.options.outputs = ["dir:\(kit.folder("out"))"]
    let names = [kit.name, "\(kit.registry.host)/o/m"]
    let error = await kit.failure(of: names)
    #expect(error?.kind == .usage)
  }

  @Test("a login that is given goes to one registry, and to none where the images are of several")
  func loginOfOne() async throws {
    var kit = try Kit(try KitTests.image())
    let other = try Kit(try KitTests.image())
    kit.options.registry.login = RegistryLogin(user: "u", password: "p")
    let error = await kit.failure(of: [kit.name, other.name])
    #expect(error?.kind == .usage)
    #expect(error?.message.contains(other.registry.host) == true)
    #expect(kit.registry.server.requests.isEmpty && other.registry.server.requests.isEmpty)
    #expect(await kit.failure(of: [kit.name]) == nil)
  }

  /// Faults of a registry, and the kind of error that each is.
  static let faults: [(CairnError.Kind, @Sendable (ServedRequest) -> Reply?)] = [
    (.notFound, { _ in .status(404) }),
    (.unauthorised, { _ in .status(403) }),
    (.network, { _ in .status(500) }),
    (
      .integrity,
      { _ in .ok("{}", [("Content-Type", "application/vnd.oci.image.manifest.v1+json")]) }
    ),
    (.integrity, { $0.target.contains("/blobs/") ? FakeRegistry.blob([1, 2], $0.range) : nil }),
  ]

  @Test("each kind of failure has its kind of error", arguments: faults.indices)
  func kinds(index: Int) async throws {
    let (kind, fault) = Self.faults[index]
    var kit = try Kit(try KitTests.image(), fault: fault)
    kit.options.registry.retries = 0
    let error = await kit.failure()
    #expect(error?.kind == kind, "\(String(describing: error))")
    #expect(error?.message.isEmpty == false)
  }

  @Test("a platform that is not there is not found, and the hint says what to do")
  func platforms() async throws {
    var kit = try Kit(try KitTests.image(platforms: ["linux/amd64"]))
    kit.options.platforms = .one("plan9/mips")
    let error = await kit.failure()
    #expect(error?.kind == .notFound && error?.message.contains("linux/amd64") == true)
  }

  @Test("a store that cannot be one is an error of the disk")
  func disk() async throws {
    let kit = try Kit(try KitTests.image())
    try writeFile(kit.folder("store"), [1])
    let error = await kit.failure()
    #expect(error?.kind == .disk)
  }
}
