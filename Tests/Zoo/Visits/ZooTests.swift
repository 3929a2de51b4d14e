import Foundation
import OCI
import Pull
import Registry
import Store
import Support
import Testing
import Transfer

/// The same image from each animal, in every way that people pull.
@Suite("Zoo", .timeLimit(.minutes(10)))
struct ZooTests {
  private func enclosure(_ animal: Animal) throws -> Enclosure {
    try Enclosure(animal, image: Okapi.image(animal))
  }

  /// Secrets went nowhere but to the registry and to the token service that it named.
  private func expectDiscretion(
    _ enclosure: Enclosure, _ sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for visit in enclosure.visits where visit.door == .storage {
      #expect(visit.request["authorization"] == nil, sourceLocation: sourceLocation)
    }
  }

  @Test("by tag, without credentials", arguments: Zoo.registries)
  func byTag(animal: Animal) async throws {
    let enclosure = try enclosure(animal)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(enclosure.byTag), animal.anonymous, of: enclosure.image,
      naming: enclosure.hosts)
    expectDiscretion(enclosure)
  }

  @Test("by digest, with credentials", arguments: Zoo.registries)
  func byDigest(animal: Animal) async throws {
    let enclosure = try enclosure(animal)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(enclosure.byDigest, as: Keeper.credential), animal.known,
      of: enclosure.image, naming: enclosure.hosts)
    expectDiscretion(enclosure)
  }

  @Test("wrong credentials are refused where any are asked for", arguments: Zoo.registries)
  func wrongCredentials(animal: Animal) async throws {
    let enclosure = try enclosure(animal)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(enclosure.byTag, as: Keeper.wrong), animal.wrongOutcome,
      of: enclosure.image, naming: enclosure.hosts)
    expectDiscretion(enclosure)
  }

  @Test("a tag that is not there", arguments: Zoo.registries)
  func unknownTag(animal: Animal) async throws {
    let enclosure = try enclosure(animal)
    let visitor = try Visitor()
    let name = "\(enclosure.host)/\(Denizen.repository):no-such-tag"
    let denied = animal.dialect.missing == 403
    try visitor.expect(
      await visitor.pull(name, as: Keeper.credential),
      .error([denied ? .unauthorised : .notFound]), of: enclosure.image,
      naming: enclosure.hosts)
  }

  @Test("goes on after an interruption in the middle of a blob", arguments: Zoo.registries)
  func resumed(animal: Animal) async throws {
    let reached = Gate()
    let served = Counter()
    // With one worker, whoever asks for the third part has the first two.
    let stuck = Fact.habit("it stops", "") { visit, usual in
      guard visit.isContent else { return nil }
      let answer = usual(visit)
      guard (200...206).contains(answer.status), served.next() > 2 else { return answer }
      reached.open()
      return answer.with { $0.stop = .hang(100) }
    }
    let image = try Okapi.image(animal)
    let first = try Enclosure(animal.with(stuck), image: image)
    let visitor = try Visitor()
    let name = first.byTag
    let pull = Task { try await visitor.pull(name, workers: 1, as: Keeper.credential) }
    await reached.opened()
    pull.cancel()
    guard case .failure(.interrupted) = try await pull.value else {
      Issue.record("not interrupted")
      return
    }
    let again = try enclosure(animal)
    let later = try Visitor(store: visitor.store)
    let ending = try await later.pull(again.byTag, as: Keeper.credential)
    try later.expect(ending, .image, of: image)
    let size = image.blobs.values.reduce(0) { $0 + $1.count }
    if case .success(let summary) = ending { #expect(summary.fetched < size) }
  }

  @Test("two pulls at once fetch each byte once", arguments: Zoo.registries)
  func twoAtOnce(animal: Animal) async throws {
    let enclosure = try enclosure(animal)
    let one = try Visitor()
    let other = try Visitor(store: one.store)
    async let first = one.pull(enclosure.byTag, as: Keeper.credential)
    async let second = other.pull(enclosure.byDigest, as: Keeper.credential)
    let endings = try await [first, second]
    for ending in endings { try one.expect(ending, .image, of: enclosure.image) }
    let fetched = try endings.map { try $0.get().fetched }
    let wanted = enclosure.image.blobs.values.map(\.count)
    #expect(fetched.reduce(0, +) <= wanted.reduce(0, +))
  }

  // MARK: Mirrors

  /// The mirror as a user would name it: at the path that it has as one.
  private func endpoint(_ mirror: Enclosure, for registry: Enclosure) throws -> Endpoint {
    let path = mirror.denizen.dialect.pathPrefix
    return Endpoint(
      origin: try RemoteURL("http://\(mirror.host)/").origin,
      pathPrefix: path.isEmpty ? "/v2" : "/v2/\(path)", namespace: registry.host)
  }

  private func mirror(_ animal: Animal) throws -> Enclosure {
    try enclosure(animal.with(Fact("as a mirror", "") { $0.pathPrefix = $0.mirrorPath }))
  }

  /// Only the mirror was asked, if that is good enough.
  private func expectUnasked(
    _ registry: Enclosure, _ mirror: Enclosure, _ sourceLocation: SourceLocation = #_sourceLocation
  ) {
    // Whoever limits requests is helped.
    guard !mirror.denizen.statuses.all.contains(429) else { return }
    #expect(registry.visits.map(\.part) == [], sourceLocation: sourceLocation)
  }

  @Test("as a mirror: it has the image, or the registry has", arguments: Zoo.registries)
  func asMirror(animal: Animal) async throws {
    let mirror = try mirror(animal)
    let registry = try Enclosure(Zoo.plain, image: mirror.image)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(registry.byTag, mirrors: [endpoint(mirror, for: registry)]), .image,
      of: registry.image)
    if animal.anonymous == .image {
      expectUnasked(registry, mirror)
    } else {
      #expect(registry.contentRequests > 0)
    }
    expectDiscretion(mirror)
  }

  @Test("as a mirror with credentials of its own", arguments: Zoo.registries)
  func asKnownMirror(animal: Animal) async throws {
    let mirror = try mirror(animal)
    let registry = try Enclosure(Zoo.plain, image: mirror.image)
    let folder = try TemporaryFolder()
    try writeFile(folder("auth.json"), Keeper.authFile(for: mirror.host).utf8)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(
        registry.byTag, mirrors: [endpoint(mirror, for: registry)], authFile: folder("auth.json")),
      .image, of: registry.image)
    expectUnasked(registry, mirror)
    expectDiscretion(mirror)
    #expect(registry.visits.allSatisfy { $0.request["authorization"] == nil })
  }

  @Test(
    "behind a mirror that has nothing, another animal each",
    arguments: zip(Zoo.registries, Zoo.registries.dropFirst(5) + Zoo.registries.prefix(5)))
  func behindMirror(animal: Animal, mirrorAnimal: Animal) async throws {
    let registry = try enclosure(animal)
    let mirror = try Enclosure(mirrorAnimal, image: FakeImage(layers: [], tag: "other"))
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(
        registry.byTag, as: Keeper.credential, mirrors: [endpoint(mirror, for: registry)]),
      .image, of: registry.image)
    // The registry's secrets are no business of its mirror.
    #expect(mirror.visits.allSatisfy { $0.request["authorization"] != Keeper.basic })
  }

  // MARK: Between

  @Test("something stands in front of it", arguments: Zoo.between, Zoo.registries)
  func behind(between: Animal, animal: Animal) async throws {
    let both = animal.behind(between)
    let enclosure = try enclosure(both)
    let visitor = try Visitor()
    try visitor.expect(
      await visitor.pull(enclosure.byTag, as: Keeper.credential), both.known,
      of: enclosure.image, naming: enclosure.hosts)
  }

  @Test("through a proxy", arguments: Zoo.between, Zoo.registries)
  func throughProxy(between: Animal, animal: Animal) async throws {
    let both = animal.behind(between)
    let denizen = Denizen(both, image: try Okapi.image(animal))
    let proxy = try ForwardProxy(["animal.zoo.test": denizen])
    let visitor = try Visitor(proxy: proxy.url)
    let name = "animal.zoo.test/\(Denizen.repository):latest"
    try visitor.expect(
      await visitor.pull(name, as: Keeper.credential), both.known, of: denizen.image,
      naming: ["animal.zoo.test", "storage.animal.zoo.test"])
    #expect(!proxy.requests.isEmpty)
  }
}
