import Foundation
import OCI
import Support
import Synchronization
import Testing
import Transfer

@testable import Registry

@Suite("BlobLocator", .timeLimit(.minutes(10)))
struct BlobLocatorTests {
  /// Answers questions as told, and keeps them.
  final class Endpoint: Sendable {
    private let asked = Mutex<[Digest]>([])
    private let answer: @Sendable (Descriptor) async -> BlobLocator.Answer

    init(_ answer: @escaping @Sendable (Descriptor) async -> BlobLocator.Answer) {
      self.answer = answer
    }

    var questions: [Digest] { asked.withLock { $0 } }

    func locator(redirects: Bool? = nil) -> BlobLocator {
      BlobLocator(redirects: redirects) { blob in
        self.asked.withLock { $0.append(blob.digest) }
        return await self.answer(blob)
      }
    }

    /// Waits until it was asked so often; the suite's time limit ends a wait in vain.
    func asked(_ count: Int) async {
      while questions.count < count { await Task.yield() }
    }
  }

  static func blobs(_ count: Int, size: Int64 = 1 << 20) throws -> [Descriptor] {
    try (0..<count).map {
      Descriptor(
        mediaType: MediaType(rawValue: "application/octet-stream"),
        digest: try Digest.of(Data("\($0)".utf8), .sha256), size: size)
    }
  }

  static func elsewhere(_ blob: Descriptor) -> BlobLocator.Answer {
    (try? RemoteURL("https://cdn.example/\(blob.digest.hex)")).map { .elsewhere($0) } ?? .here
  }

  static func place(_ blob: Descriptor) -> BlobLocator.Place {
    if case .elsewhere(let url) = elsewhere(blob) { return .elsewhere(url) }
    return .endpoint
  }

  @Test("one question decides for everybody that the blobs are here")
  func asksOnce() async throws {
    let gate = Gate()
    let endpoint = Endpoint { _ in
      await gate.opened()
      return .here
    }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(8))
    await locator.expect(blobs)
    let places = await withTaskGroup(of: BlobLocator.Place.self) { group in
      for blob in blobs { group.addTask { await locator.place(of: blob) } }
      await endpoint.asked(1)
      gate.open()
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(places.allSatisfy { $0 == .endpoint })
    #expect(endpoint.questions.count == 1)
  }

  @Test("after one redirect the next blobs are asked for ahead, each once")
  func looksAhead() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(20))
    await locator.expect(blobs)
    let first = await locator.place(of: blobs[0])
    #expect(first == .elsewhere(try RemoteURL("https://cdn.example/\(blobs[0].digest.hex)")))
    await endpoint.asked(20)
    for blob in blobs { #expect(await locator.place(of: blob) != .endpoint) }
    #expect(endpoint.questions.count == 20)
    #expect(Set(endpoint.questions).count == 20)
  }

  @Test("places that nobody wants yet are bounded in number")
  func isBounded() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(100))
    await locator.expect(blobs)
    _ = await locator.place(of: blobs[0])
    await endpoint.asked(33)
    for _ in 0..<1_000 { await Task.yield() }
    #expect(endpoint.questions.count == 33)
    _ = await locator.place(of: blobs[1])
    await endpoint.asked(34)
  }

  @Test(
    "an endpoint that says nothing three times is not asked ahead, and its redirects do not change that"
  )
  func givesUp() async throws {
    let endpoint = Endpoint { _ in .unknown }
    let (locator, blobs) = (endpoint.locator(redirects: true), try Self.blobs(9))
    for blob in blobs {
      #expect(await locator.place(of: blob) == .endpoint)
      await locator.reportAnswer(blob.digest, Self.elsewhere(blob))
    }
    #expect(endpoint.questions.count == 3)
  }

  @Test("one question without an answer changes nothing where blobs are elsewhere")
  func forgives() async throws {
    let failing = try Self.blobs(6)[3].digest
    let endpoint = Endpoint { $0.digest == failing ? .unknown : Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(6))
    for (index, blob) in blobs.enumerated() {
      #expect(await locator.place(of: blob) == (index == 3 ? .endpoint : Self.place(blob)))
    }
  }

  @Test("a second request for the first blob does not wait for the first")
  func overtakes() async throws {
    let locator = Endpoint { _ in .here }.locator()
    let config = try Self.blobs(1, size: 500)[0]
    #expect(await locator.place(of: config) == .endpointAndReport)
    #expect(await locator.place(of: config) == .endpoint)
  }

  @Test("an endpoint that no worker came to is asked nothing, and a closed one neither")
  func isQuiet() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(redirects: true), try Self.blobs(5))
    await locator.expect(blobs)
    for _ in 0..<1_000 { await Task.yield() }
    #expect(endpoint.questions.isEmpty)
    await locator.close()
    #expect(await locator.place(of: blobs[0]) == .endpoint)
    #expect(endpoint.questions.isEmpty)
  }

  @Test("a place is not forgotten for an older one's sake")
  func keepsPlaces() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(1))
    let place = await locator.place(of: blobs[0])
    await locator.forget(blobs[0].digest, ifStillAt: try RemoteURL("https://cdn.example/old"))
    #expect(await locator.place(of: blobs[0]) == place)
    #expect(endpoint.questions.count == 1)
  }

  @Test("a registry whose first blob was unknown may still redirect")
  func recovers() async throws {
    let endpoint = Endpoint { _ in .unknown }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(5))
    #expect(await locator.place(of: blobs[0]) == .endpoint)
    await locator.reportAnswer(blobs[0].digest, .elsewhere(try RemoteURL("https://cdn.example/x")))
    #expect(await locator.place(of: blobs[0]) != .endpoint)
    #expect(await locator.place(of: blobs[1]) == .endpoint)
    #expect(endpoint.questions.count == 2)
  }

  @Test("a worker's redirect tells that blobs are elsewhere after all")
  func learnsFromWorkers() async throws {
    let blobs = try Self.blobs(4)
    let config = blobs[0].digest
    let endpoint = Endpoint { $0.digest == config ? .here : Self.elsewhere($0) }
    let locator = endpoint.locator()
    await locator.expect(blobs)
    #expect(await locator.place(of: blobs[0]) == .endpoint)
    #expect(await locator.place(of: blobs[1]) == .endpoint)
    await locator.reportAnswer(blobs[1].digest, .elsewhere(try RemoteURL("https://cdn.example/1")))
    #expect(await locator.place(of: blobs[2]) != .endpoint)
    let second = BlobLocator.Place.elsewhere(try RemoteURL("https://cdn.example/1"))
    #expect(await locator.place(of: blobs[1]) == second)
  }

  @Test("a place that has expired is asked for again")
  func asksAgain() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(), try Self.blobs(1))
    _ = await locator.place(of: blobs[0])
    _ = await locator.place(of: blobs[0])
    #expect(endpoint.questions.count == 1)
    let url = try RemoteURL("https://cdn.example/\(blobs[0].digest.hex)")
    await locator.forget(blobs[0].digest, ifStillAt: url)
    #expect(await locator.place(of: blobs[0]) != .endpoint)
    #expect(endpoint.questions.count == 2)
  }

  @Test(
    "a small first blob is fetched, and what its own request brings decides",
    arguments: [true, false])
  func fetchesSmallBlobs(isElsewhere: Bool) async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let locator = endpoint.locator()
    let (config, layers) = (try Self.blobs(1, size: 500)[0], try Self.blobs(4).dropFirst())
    await locator.expect([config] + layers)
    #expect(await locator.place(of: config) == .endpointAndReport)
    let places = Task {
      var places: [BlobLocator.Place] = []
      for layer in layers { places.append(await locator.place(of: layer)) }
      return places
    }
    await locator.reportAnswer(config.digest, isElsewhere ? Self.elsewhere(config) : .here)
    let expected = layers.map { isElsewhere ? Self.place($0) : .endpoint }
    #expect(await places.value == expected)
    #expect(endpoint.questions.count == (isElsewhere ? 3 : 0))
  }

  @Test("an endpoint that redirected the last time is asked for all at once")
  func remembersRedirects() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(redirects: true), try Self.blobs(6))
    await locator.expect(blobs)
    #expect(await locator.place(of: blobs[5]) == Self.place(blobs[5]))
    await endpoint.asked(6)
    for blob in blobs { #expect(await locator.place(of: blob) == Self.place(blob)) }
    #expect(endpoint.questions.count == 6)
  }

  @Test("an endpoint that redirected the last time and serves now is believed")
  func unlearnsRedirects() async throws {
    let endpoint = Endpoint { _ in .here }
    let (locator, blobs) = (endpoint.locator(redirects: true), try Self.blobs(20))
    for blob in blobs { #expect(await locator.place(of: blob) == .endpoint) }
    #expect(endpoint.questions.count == 1)
  }

  @Test("an endpoint that served the last time is not asked, and may redirect now")
  func remembersServing() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, blobs) = (endpoint.locator(redirects: false), try Self.blobs(3))
    #expect(await locator.place(of: blobs[0]) == .endpoint)
    #expect(endpoint.questions.isEmpty)
    await locator.reportAnswer(blobs[0].digest, Self.elsewhere(blobs[0]))
    #expect(await locator.place(of: blobs[1]) == Self.place(blobs[1]))
  }

  @Test("nobody waits for ever when the first request fails")
  func survivesFailure() async throws {
    let locator = Endpoint { _ in .here }.locator()
    let (config, layer) = (try Self.blobs(1, size: 500)[0], try Self.blobs(2)[1])
    #expect(await locator.place(of: config) == .endpointAndReport)
    let place = Task { await locator.place(of: layer) }
    await locator.reportAnswer(config.digest, .unknown)
    #expect(await place.value == .endpoint)
  }

  @Test("an empty blob has no first byte to ask for")
  func sparesEmptyBlobs() async throws {
    let endpoint = Endpoint { Self.elsewhere($0) }
    let (locator, empty) = (endpoint.locator(), try Self.blobs(1, size: 0))
    await locator.expect(empty)
    #expect(await locator.place(of: empty[0]) == .endpoint)
    #expect(endpoint.questions.isEmpty)
  }
}
