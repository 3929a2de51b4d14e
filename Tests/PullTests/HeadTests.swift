import Foundation
import OCI
import Pull
import Registry
import Support
import Testing

/// Heads that contradict themselves or say nonsense, on whatever answer of a registry: either they are
/// understood, or the pull ends after a few tries with words that say what came.
@Suite("Odd heads", .timeLimit(.minutes(10)), .serialized)
struct HeadTests {
  /// The answers that have the odd head, whenever they are asked for.
  enum Place: String, Sendable, CaseIterable { case manifest, blob, range, token, redirect }

  static let layer = Content.bytes(200_000, seed: 7)
  /// One request brings all of it.
  static let small = Content.bytes(20_000, seed: 8)

  private static func isAt(_ place: Place, _ request: ServedRequest, _ image: FakeImage) -> Bool {
    let isLayer = request.target.contains("\(image.layers[0])")
    switch place {
    case .manifest: return request.target.contains("/manifests/")
    case .blob, .range: return isLayer
    case .token: return request.target.hasPrefix("/token")
    case .redirect: return isLayer && request.target.hasPrefix("/v2/")
    }
  }

  private static func usual(_ place: Place, _ request: ServedRequest, _ image: FakeImage) -> Reply {
    if request.target.hasPrefix("/token") { return .ok(#"{"token":"good"}"#) }
    if place == .token, request["authorization"] != "Bearer good" {
      return .status(401, DialectTests.challenge(request))
    }
    if place == .redirect, isAt(place, request, image) {
      return .status(307, [("Location", "/elsewhere\(request.target)")], "moved")
    }
    return FakeRegistry.answer(request, image)
  }

  /// An answer with other fields, over a connection that stays open.
  private static func changed(
    _ reply: Reply, _ change: (inout [(String, String)], Int) -> Void
  ) -> Reply {
    guard case .response(let status, var fields, let body) = reply else { return reply }
    change(&fields, body.count)
    let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
    return .raw(Array("HTTP/1.1 \(status) X\r\n\(head)\r\n".utf8) + body, .keep)
  }

  /// Pulls from a registry with an odd head at one place.
  ///
  /// - Returns: the error, where there was one, and how often the place was asked.
  private func pull(
    _ place: Place, _ odd: @escaping @Sendable (Reply, Int) -> Reply
  ) async throws -> (error: PullError?, asked: Int) {
    let image = try FakeImage(layers: [place == .range ? Self.layer : Self.small])
    let asked = Counter()
    let registry = try FakeRegistry(image) { request in
      let reply = Self.usual(place, request, image)
      return Self.isAt(place, request, image) ? odd(reply, asked.next()) : reply
    }
    let bench = try Bench(stallTimeout: 20)
    var request = try bench.request("\(registry.host)/o/n:latest", workers: 1)
    request.settings.backoff = 0.001
    request.settings.maximumBackoff = 0.002
    let puller = try bench.puller(request.reference)
    var failure: PullError?
    do throws(PullError) {
      _ = try await puller.pull(request)
    } catch {
      #expect(error.description.contains(registry.host), "\(error)")
      failure = error
    }
    if failure == nil { try bench.expectWhole(image) }
    try bench.expectNothingWrong()
    return (failure, asked.value)
  }

  // MARK: Content-Length

  /// Several fields, written in one.
  private static func parts(_ written: String) -> [String] {
    written.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
  }

  /// Lengths for a body of `L` bytes; `M` is one more.
  private static func lengths(_ written: String, _ count: Int) -> [(String, String)] {
    parts(written).map { part in
      let text = part.replacing("L", with: "\(count)").replacing("M", with: "\(count + 1)")
      return ("Content-Length", text)
    }
  }

  @Test(
    "lengths that agree are one", arguments: ["L, L", "0L", "L,L,", "L|L", " L "], Place.allCases)
  func agreeing(written: String, place: Place) async throws {
    let (error, _) = try await pull(place) { reply, _ in
      Self.changed(reply) { $0 += Self.lengths(written, $1) }
    }
    #expect(error == nil)
  }

  @Test("a length beside a coding of the transfer", arguments: ["identity"], Place.allCases)
  func besideCoding(coding: String, place: Place) async throws {
    let (error, _) = try await pull(place) { reply, _ in
      Self.changed(reply) {
        $0 += [("Transfer-Encoding", coding), ("Content-Length", "\($1)")]
      }
    }
    #expect(error == nil)
  }

  @Test(
    "a wrong length beside chunks", arguments: ["3", "L, M", "99999999999999999999"], Place.allCases
  )
  func besideChunks(written: String, place: Place) async throws {
    let (error, _) = try await pull(place) { reply, _ in
      guard case .response(let status, var fields, let body) = reply else { return reply }
      fields += Self.lengths(written, body.count) + [("Transfer-Encoding", "chunked")]
      let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
      let chunk = Array((String(body.count, radix: 16) + "\r\n").utf8) + body
      return .raw(
        Array("HTTP/1.1 \(status) X\r\n\(head)\r\n".utf8) + chunk + Array("\r\n0\r\n\r\n".utf8),
        .keep)
    }
    #expect(error == nil)
  }

  @Test(
    "a length that is none ends a pull after a few tries, with words that say so",
    arguments: [
      "abc", "", "+L", "-1", "L;x", "L L", "L, M", "L|M", "M|L", "L.0", "99999999999999999999",
    ], Place.allCases)
  func contradicting(written: String, place: Place) async throws {
    let (error, asked) = try await pull(place) { reply, _ in
      Self.changed(reply) { $0 += Self.lengths(written, $1) }
    }
    // A redirect's head tells everything, where libcurl gives it at all.
    guard place != .redirect || ["abc", "", "-1"].contains(written) else {
      #expect(error == nil)
      return
    }
    #expect(error?.category == .network)
    #expect(error?.description.contains("Content-Length") ?? false, "\(String(describing: error))")
    #expect(asked <= 12)
  }

  @Test(
    "a length that is none may be somebody's mistake, once", arguments: ["abc", "L, M"],
    Place.allCases)
  func contradictingOnce(written: String, place: Place) async throws {
    let (error, _) = try await pull(place) { reply, count in
      count > 1 ? reply : Self.changed(reply) { $0 += Self.lengths(written, $1) }
    }
    #expect(error == nil)
  }

  // MARK: Content-Range

  @Test(
    "a part that does not say which one it is, in whatever words, makes the whole be asked for",
    arguments: [
      "", "bytes", "S-E/L", "bytes S-E", "bytes=S-E/L", "bytes: S-E/L", "items S-E/L",
      "bytes E-S/L", "bytes S-E/abc", "bytes S-E/", "bytes */L", "bytes S-E/+L", "bytes -1-E/L",
      "bytes S - E / L", "bytes S-E/L, bytes S-E/L", "bytes S-99999999999999999999/L",
      "bytes S-E/99999999999999999999", "bytes S-E/0", "bytes S-E/M", "bytes 0-0/L",
      "bytes S-E;x/L",
      "bytes S-E/L|bytes 1-E/L", "bytes 1-E/L|bytes S-E/L", "bytes\tS-E/L", "bytes  S-E/L",
    ])
  func oddParts(written: String) async throws {
    let (error, asked) = try await pull(.range) { reply, _ in
      guard case .response(206, let fields, _) = reply,
        let range = fields.first(where: { $0.0 == "Content-Range" })?.1,
        let ends = range.split(separator: " ").last?.split(separator: "/").first?
          .split(separator: "-")
      else { return reply }
      return Self.changed(reply) { fields, count in
        fields = [("Content-Length", "\(count)")]
        fields += Self.parts(written).map { part in
          let named = part.replacing("S", with: ends[0]).replacing("E", with: ends[1])
          let size = Self.layer.count
          let text = named.replacing("L", with: "\(size)").replacing("M", with: "\(size + 1)")
          return ("Content-Range", text)
        }
      }
    }
    #expect(error == nil)
    #expect(asked <= 12)
  }

  // MARK: Retry-After

  static let waits = [
    "", "soon", "0, 0", "-1", "1.5", "0|7200", "99999999999999999999",
    "Fri, 31 Dec 1999 23:59:59 +0100",
  ]

  private static func refused(_ status: Int, _ wait: String) -> Reply {
    .status(status, parts(wait).map { ("Retry-After", $0) })
  }

  @Test(
    "a limit passes, whatever is said of how long it lasts", arguments: waits, Place.allCases)
  func oddWaits(wait: String, place: Place) async throws {
    let (error, _) = try await pull(place) { reply, count in
      count <= 2 ? Self.refused(count == 1 ? 429 : 503, wait) : reply
    }
    #expect(error == nil)
  }

  @Test(
    "a limit that does not pass ends a pull, whatever is said of it", arguments: waits,
    [Place.manifest, .blob, .token])
  func endlessWaits(wait: String, place: Place) async throws {
    let (error, asked) = try await pull(place) { _, _ in Self.refused(429, wait) }
    #expect(error?.category == .network)
    #expect(error?.description.contains("limit") ?? false, "\(String(describing: error))")
    #expect(asked <= 12)
  }

  @Test("a redirect that says when to come is followed now")
  func redirectLater() async throws {
    let (error, _) = try await pull(.redirect) { reply, _ in
      guard case .response(let status, let fields, let body) = reply else { return reply }
      return .response(status, fields + [("Retry-After", "7200")], body)
    }
    #expect(error == nil)
  }
}
