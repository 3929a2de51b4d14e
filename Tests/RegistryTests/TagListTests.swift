import CurlTransfer
import OCI
@testable import Registry
import Support
import Testing
import Transfer

/// Whose list of tags counts, and when it is whole: a pull-through mirror lists what it was asked for.
///
/// https://github.com/goharbor/harbor/issues/15513, https://github.com/goharbor/harbor/issues/16391,
/// https://github.com/project-zot/zot/issues/4081
@Suite("Lists of tags", .timeLimit(.minutes(10)))
struct TagListTests {
  let engine: CurlEngine

  init() throws {
    var settings = TransferSettings()
    settings.stallTimeout = 50
    engine = try CurlEngine(settings: settings)
  }

  static func list(_ names: String..., next: String? = nil) -> Reply {
    let tags = names.map { "\"\($0)\"" }.joined(separator: ",")
    return .ok(
      "{\"name\":\"o/n\",\"tags\":[\(tags)]}",
      next.map { [("Link", "<\($0)>; rel=\"next\"")] } ?? [])
  }

  func client(
    _ registry: RawServer?, mirrors: [RawServer] = [], retries: Int = 2,
    tell: @escaping @Sendable (RegistryNotice) -> Void = { _ in }
  ) throws -> RepositoryClient {
    let reference = try Reference("\(registry?.host ?? "blocked.example")/o/n:1")
    var rule = RepositoryClient.RetryRule()
    rule.retries = retries
    let endpoints = try mirrors.map {
      Endpoint(origin: try RemoteURL("http://\($0.host)/").origin, namespace: reference.registry)
    }
    let own = registry == nil ? [] : [try Endpoint(of: reference, plainHTTP: true)]
    return RepositoryClient(
      reference: reference, endpoints: endpoints + own,
      engine: engine, credentials: CredentialChain(), retryRule: rule, time: .patient, tell: tell)
  }

  @Test("the registry is asked itself, whatever its mirror lists")
  func registryItself() async throws {
    let mirror = try RawServer { _ in Self.list("cached") }
    let registry = try RawServer { _ in Self.list("a", "b") }
    let list = try await client(registry, mirrors: [mirror]).tags()
    #expect(list.tags == ["a", "b"] && list.mirror == nil)
    #expect(mirror.requests.isEmpty)
  }

  @Test("a registry that is only slow or stumbles is waited for")
  func stumbling() async throws {
    let mirror = try RawServer { _ in Self.list("cached") }
    let counter = Counter()
    let registry = try RawServer { _ in
      counter.next() < 3 ? .status(500) : Self.list("a", "b")
    }
    let list = try await client(registry, mirrors: [mirror]).tags()
    #expect(list.tags == ["a", "b"] && list.mirror == nil)
  }

  @Test("a mirror's list counts where the registry gives none, and says whose it is")
  func mirrorsList() async throws {
    let mirror = try RawServer { _ in Self.list("cached") }
    let gone = try RawServer { _ in .status(500) }
    gone.stop()
    for registry in [gone, try RawServer { _ in .status(401) }] {
      let list = try await client(registry, mirrors: [mirror]).tags()
      #expect(list.tags == ["cached"])
      #expect(list.mirror?.name == mirror.host)
      #expect(list.mirror?.reason.contains(registry.host) == true)
    }
  }

  @Test(
    "a list that breaks off at its second page is begun again at the next server",
    arguments: ["500", "404", "circle", "reset"])
  func secondPage(habit: String) async throws {
    let broken = try RawServer { request in
      guard request.target.contains("last=") else {
        return Self.list("x", next: "/v2/o/n/tags/list?last=x")
      }
      return switch habit {
      case "500": .status(500)
      case "404": .status(404)
      case "reset": .raw([], .reset)
      default:
        Self.list("x", next: "/v2/o/n/tags/list?last=\(request.target.contains("y") ? "z" : "y")")
      }
    }
    let good = try RawServer { _ in Self.list("a", "b") }
    // As a registry with a mirror behind it, and as a mirror with another one behind it.
    let list = try await client(broken, mirrors: [good]).tags()
    #expect(list.tags == ["a", "b"] && list.mirror?.name == good.host)
    let gone = try RawServer { _ in .status(500) }
    gone.stop()
    let other = try await client(gone, mirrors: [broken, good]).tags()
    #expect(other.tags == ["a", "b"] && other.mirror?.name == good.host)
  }

  @Test("a registry with tags whose second page is not there is not one without tags")
  func lostPage() async throws {
    let registry = try RawServer { request in
      request.target.contains("last=")
        ? .status(404) : Self.list("x", next: "/v2/o/n/tags/list?last=x")
    }
    let client = try client(registry)
    let error = await #expect(throws: RegistryError.self) { try await client.tags() }
    #expect(error?.kind == .protocolError(transient: false))
  }

  @Test("where nobody has a list, the registry's error names all")
  func nobody() async throws {
    let mirror = try RawServer { _ in .status(404) }
    let registry = try RawServer { _ in .status(403) }
    let client = try client(registry, mirrors: [mirror])
    let error = await #expect(throws: RegistryError.self) { try await client.tags() }
    #expect(error?.kind == .unauthorised)
    #expect(error?.description.contains(mirror.host) == true)
  }

  @Test("a page of a list is the registry's, too, as others ask for it")
  func singlePage() async throws {
    let mirror = try RawServer { _ in Self.list("cached") }
    let registry = try RawServer { _ in Self.list("a", "b") }
    let page = try await client(registry, mirrors: [mirror]).page(of: .tags, query: "n=5")
    #expect(String(decoding: page.body, as: UTF8.self).contains("\"b\""))
    #expect(mirror.requests.isEmpty)
    registry.stop()
    let other = try await client(registry, mirrors: [mirror]).page(of: .tags, query: "n=5")
    #expect(String(decoding: other.body, as: UTF8.self).contains("cached"))
  }
  @Test("where the registry is blocked mirrors are asked in their order, and it is said")
  func blocked() async throws {
    let first = try RawServer { _ in Self.list("first") }
    let second = try RawServer { _ in Self.list("second") }
    let list = try await client(nil, mirrors: [first, second]).tags()
    #expect(list.tags == ["first"] && list.mirror?.name == first.host)
    #expect(second.requests.isEmpty)
  }

  @Test(
    "a page that follows another is asked of nobody else, and of a mirror only a whole list is taken"
  )
  func laterPages() async throws {
    let mirror = try RawServer { _ in Self.list("cached", next: "/v2/o/n/tags/list?last=cached") }
    let registry = try RawServer { request in
      request.target.contains("last=")
        ? .status(404) : Self.list("a", next: "/v2/o/n/tags/list?last=a")
    }
    let client = try client(registry, mirrors: [mirror])
    #expect(try await client.page(of: .tags, query: "n=1").next == "last=a")
    await #expect(throws: RegistryError.self) {
      try await client.page(of: .tags, query: "n=1&last=a")
    }
    #expect(mirror.requests.isEmpty)
    registry.stop()
    await #expect(throws: RegistryError.self) { try await client.page(of: .tags, query: "n=1") }
  }
}
