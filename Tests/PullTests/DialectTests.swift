import Foundation
import OCI
import Progress
import Pull
import Registry
import Support
import Testing

/// Registries as public reports describe them: each a habit, with what a pull has to make of it.
@Suite("Dialects", .timeLimit(.minutes(10)))
struct DialectTests {
  /// One habit of a registry.
  struct Dialect: Sendable, CustomStringConvertible {
    var description: String
    /// What the pull comes to; nil: the image.
    var failure: PullError.Category?
    var credentials = CredentialChain()
    /// The most requests that it may take.
    var requests = 60
    /// Looks at a request with the number of those before it; nil lets a good registry answer.
    var fault: @Sendable (ServedRequest, FakeImage, Int) -> Reply?

    init(
      _ description: String, failure: PullError.Category? = nil,
      credentials: CredentialChain = CredentialChain(), requests: Int = 60,
      fault: @escaping @Sendable (ServedRequest, FakeImage, Int) -> Reply?
    ) {
      self.description = description
      self.failure = failure
      self.credentials = credentials
      self.requests = requests
      self.fault = fault
    }
  }

  static func isBlob(_ request: ServedRequest) -> Bool { request.target.contains("/blobs/") }

  /// The requests after the manifest's that are refused: as many as the bench's settings try again,
  /// since one blob may meet them all.
  static let refusals = 1...3

  // MARK: Statuses

  static let statuses: [Dialect] =
    [500, 502, 504, 507, 520, 522, 524, 529, 530, 598].flatMap { status in
      [
        // jina-ai/serve#1795 and kin: every 5xx passes.
        Dialect("\(status) once for a blob") { request, _, count in
          isBlob(request) && count == 1 ? .status(status) : nil
        },
        Dialect("\(status) once for the manifest") { _, _, count in
          count == 0 ? .status(status) : nil
        },
        // Overload of any code slows the pool: a few dozen requests, not hundreds.
        Dialect("\(status) for every blob", failure: .network) { request, _, _ in
          isBlob(request) ? .status(status) : nil
        },
      ]
    } + [
      // vcell#1888: a limit that is called 403.
      Dialect("403 with Retry-After for a while") { request, _, count in
        isBlob(request) && refusals.contains(count) ? .status(403, [("Retry-After", "0")]) : nil
      },
      Dialect("403 that speaks of a rate limit, for a while") { request, _, count in
        isBlob(request) && refusals.contains(count)
          ? .status(403, [], #"{"errors":[{"code":"DENIED","message":"API rate limit exceeded"}]}"#)
          : nil
      },
      Dialect("400 TOOMANYREQUESTS for a while") { request, _, count in
        isBlob(request) && refusals.contains(count)
          ? .status(400, [], #"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#) : nil
      },
      Dialect("403 with a limit for ever", failure: .network) { request, _, _ in
        isBlob(request) ? .status(403, [], "rate limit exceeded") : nil
      },
      Dialect("501 for the manifest", failure: .network, requests: 2) { _, _, _ in .status(501) },
      // harbor#20417 and kin: what was named a moment ago is not everywhere yet.
      Dialect("404 twice for a blob") { request, _, count in
        isBlob(request) && (1...2).contains(count) ? .status(404) : nil
      },
    ]

  // MARK: Ranges

  static let ranges: [Dialect] =
    [204, 302, 304, 400, 401, 403, 404, 405, 416, 429, 500, 501, 503, 529].map { status in
      // registry.k8s.io#333 and kin: any range is refused, in whatever words.
      Dialect("a range is refused with \(status)") { request, _, _ in
        isBlob(request) && request.range != nil ? .status(status) : nil
      }
    } + [
      Dialect("whoever asks for a range is hung up on") { request, _, _ in
        isBlob(request) && request.range != nil ? .raw([], .close) : nil
      },
      // modelscope_hub#50.
      Dialect("exactly the range, called 200") { request, image, _ in
        guard isBlob(request), request.range != nil,
          case .response(206, let fields, let body) = FakeRegistry.answer(request, image)
        else { return nil }
        return .response(200, fields, body)
      },
      // Resume#3, owncloud/client#757.
      Dialect("206 with the length of the whole") { request, image, _ in
        guard isBlob(request), request.range != nil,
          case .response(206, let fields, let body) = FakeRegistry.answer(request, image)
        else { return nil }
        let range = fields.first { $0.0 == "Content-Range" }?.1 ?? ""
        return .raw(
          Reply.head(206, length: 400_000, [("Content-Range", range)]) + body, .close)
      },
      Dialect("206 without Content-Range") { request, image, _ in
        guard isBlob(request), request.range != nil,
          case .response(206, _, let body) = FakeRegistry.answer(request, image)
        else { return nil }
        return .response(206, [], body)
      },
      Dialect("all bytes, said to be x-gzip, chunked") { request, image, _ in
        var plain = request
        plain.fields = []
        guard isBlob(request), case .response(_, _, let body) = FakeRegistry.answer(plain, image)
        else { return nil }
        let head =
          "HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        return .raw(
          Array((head + String(body.count, radix: 16) + "\r\n").utf8) + body
            + Array("\r\n0\r\n\r\n".utf8), .keep)
      },
      // PureStorage-OpenConnect/pure-fa-openmetrics-exporter#17: a gateway's page.
      Dialect("a page for every blob", failure: .integrity) { request, _, _ in
        isBlob(request) ? .ok(MirrorTests.page, [("Content-Type", "text/html; charset=x")]) : nil
      },
      Dialect("a page for every blob, without type and length", failure: .integrity) {
        request, _, _ in
        isBlob(request) ? MirrorTests.chunked(Array(MirrorTests.page.utf8)) : nil
      },
    ]

  // MARK: Authorization

  static let user = CredentialChain(explicit: .basic(user: "u", password: "p"))

  static func challenge(_ request: ServedRequest, _ more: String = "") -> [(String, String)] {
    let host = request["host"] ?? ""
    return [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\",service=\"s\"\(more)")]
  }

  /// What comes of an identity token's POST that is neither a token nor a refusal.
  private static let posts: [(words: String, reply: Reply)] = [
    ("301", .status(301, [("Location", "/token/")])),
    ("302 to a login", .status(302, [("Location", "/login")])),
    ("a page", .ok(MirrorTests.page, [("Content-Type", "text/html")])), ("nothing", .ok("{}")),
    ("503", .status(503)),
  ]

  static let oauthOddities: [Dialect] =
    (posts + [("a hang-up", .raw([], .reset))]).map { post in
      Dialect(
        "an identity token's POST gets \(post.words), and Basic a token",
        credentials: CredentialChain(
          explicit: .identityTokenOrBasic("i", user: "u", password: "p"))
      ) { request, _, _ in
        if request.target == "/login" { return .ok(MirrorTests.page) }
        if request.target.hasPrefix("/token") {
          if request.method == "POST" { return post.reply }
          return request["authorization"] == "Basic dTpw" ? .ok(#"{"token":"good"}"#) : .status(401)
        }
        return request["authorization"] == "Bearer good" ? nil : .status(401, challenge(request))
      }
    }

  static let tokens: [Dialect] = [
    Dialect("expires_in is a string") { request, _, _ in
      if request.target.hasPrefix("/token") {
        return .ok(#"{"access_token":"good","expires_in":"300","issued_at":7}"#)
      }
      return request["authorization"] == "Bearer good" ? nil : .status(401, challenge(request))
    },
    // dockhand#1428.
    Dialect("the token service redirects within its origin", credentials: user) { request, _, _ in
      if request.target.hasPrefix("/token") {
        return .status(307, [("Location", "/v3" + request.target)])
      }
      if request.target.hasPrefix("/v3/token") {
        return request["authorization"] == "Basic dTpw"
          ? .ok(#"{"token":"good"}"#) : .status(401)
      }
      return request["authorization"] == "Bearer good" ? nil : .status(401, challenge(request))
    },
    // containerd#3291.
    Dialect("404 without a challenge, which is at /v2/ only", credentials: user) { request, _, _ in
      if request.target == "/v2/" {
        return .status(401, challenge(request, ",scope=\"repository:user/image:pull\""))
      }
      if request.target.hasPrefix("/token") {
        // serverless-registry#148: the scope that /v2/ names is a placeholder.
        return request.target.contains("user") || request["authorization"] != "Basic dTpw"
          ? .ok(#"{"token":"useless"}"#) : .ok(#"{"token":"good"}"#)
      }
      return request["authorization"] == "Bearer good" ? nil : .status(404)
    },
    Dialect("403 without a challenge, and Basic is wanted", credentials: user) { request, _, _ in
      if request.target == "/v2/" { return .status(200) }
      return request["authorization"] == "Basic dTpw" ? nil : .status(403)
    },
    // harbor#18856.
    Dialect("a token that is no longer liked, and Basic is asked for", credentials: user) {
      request, _, count in
      if request.target.hasPrefix("/token") { return .ok(#"{"token":"good\#(count)"}"#) }
      let sent = request["authorization"] ?? ""
      if sent == "Basic dTpw" { return nil }
      if sent.hasPrefix("Bearer good"), count < 6 { return nil }
      return .status(
        401, count < 2 ? challenge(request) : [("WWW-Authenticate", "Basic realm=\"x\"")])
    },
    // harbor#18856: the token dies young, so that Basic is tried first, and it is of no use.
    Dialect(
      "a token that dies young, and Basic is asked for and refused", credentials: user,
      requests: 20
    ) { request, _, count in
      if request.target.hasPrefix("/token") { return .ok(#"{"token":"good\#(count)"}"#) }
      guard let sent = request["authorization"] else { return .status(401, challenge(request)) }
      if let number = Int(sent.trimmingPrefix("Bearer good")), number >= 3 || count < 3 {
        return nil
      }
      return .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
    },
    // docker/hub-feedback#647, harbor#15911: clocks a second apart.
    Dialect("a token that is not valid yet") { request, _, count in
      if request.target.hasPrefix("/token") { return .ok(#"{"token":"good"}"#) }
      guard request["authorization"] == "Bearer good" else {
        return .status(401, challenge(request))
      }
      return count < 5 ? .status(401, challenge(request, ",error=\"invalid_token\"")) : nil
    },
    // docker/hub-feedback#2413.
    Dialect("the token service refuses nobody, once") { request, _, count in
      if request.target.hasPrefix("/token") {
        return count < 2 ? .status(401) : .ok(#"{"token":"good"}"#)
      }
      return request["authorization"] == "Bearer good" ? nil : .status(401, challenge(request))
    },
    // containerd#5288, #4983, katello#11389: OAuth2 is answered in many wrong ways.
    Dialect(
      "an identity token is refused, and Basic is not",
      credentials: CredentialChain(
        explicit: .identityTokenOrBasic("i", user: "u", password: "p"))
    ) { request, _, _ in
      if request.target.hasPrefix("/token") {
        if request.method == "POST" { return .status(403) }
        return request["authorization"] == "Basic dTpw" ? .ok(#"{"token":"good"}"#) : .status(401)
      }
      return request["authorization"] == "Bearer good" ? nil : .status(401, challenge(request))
    },
    // concourse/docker-image-resource#384: a guard's page, which passes.
    Dialect("a firewall's page with 403, once") { _, _, count in
      count == 0 ? .status(403, [("Content-Type", "text/html")], MirrorTests.page) : nil
    },
    Dialect("a firewall's page with 403, always", failure: .network, requests: 5) { _, _, _ in
      .status(403, [("Content-Type", "text/html")], MirrorTests.page)
    },
    Dialect("wrong credentials", failure: .unauthorised, credentials: user, requests: 10) {
      request, _, _ in
      request.target.hasPrefix("/token") ? .status(401) : .status(401, challenge(request))
    },
  ]

  @Test(
    "a registry's dialect is understood",
    arguments: statuses + ranges + tokens + oauthOddities + challenges + logins)
  func understood(dialect: Dialect) async throws {
    let image = try FakeImage(
      layers: [Content.bytes(200_000, seed: 1), Content.bytes(150_000, seed: 2)])
    let counter = Counter()
    let registry = try FakeRegistry(image) { request in
      dialect.fault(request, image, counter.next() - 1)
    }
    let bench = try Bench()
    var request = try bench.request("\(registry.host)/o/n:latest")
    // Longer waits are the same rule.
    request.settings.backoff = 0.001
    request.settings.maximumBackoff = 0.002
    let puller = try bench.puller(request.reference, credentials: dialect.credentials)
    do throws(PullError) {
      let summary = try await puller.pull(request)
      #expect(summary.imageDigest == image.manifest)
      #expect(dialect.failure == nil)
    } catch {
      #expect(dialect.failure == error.category, "\(error)")
      #expect(error.description.contains(registry.host), "\(error)")
    }
    #expect(registry.server.requests.count <= dialect.requests)
  }

  @Test(
    "a stored login that has gone bad does not stand before a public image, and what was said to it is said (skaffold#4451)",
    arguments: [
      (400, "was refused"), (401, "was refused"), (403, "was refused"), (404, "answered 404"),
      (405, "answered 405"), (410, "answered 410"),
    ])
  func staleLogin(status: Int, words: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    let registry = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") {
        return request["authorization"] == nil ? .ok(#"{"token":"good"}"#) : .status(status)
      }
      return request["authorization"] == "Bearer good"
        ? nil : .status(401, Self.challenge(request))
    }
    let bench = try Bench()
    let (chain, warnings) = try chain(bench, registry.host, #"{"auth":"dTpw"}"#)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, credentials: chain)
    #expect(try await puller.pull(request).imageDigest == image.manifest)
    #expect(warnings.all.contains { $0.contains("stored login") && $0.contains(words) })
    #expect(warnings.all.contains { $0.contains("was refused") } == (words == "was refused"))
  }

  /// An auth file with an entry for a registry, and what is warned of.
  private func chain(_ bench: Bench, _ host: String, _ entry: String) throws -> (
    CredentialChain, Log<String>
  ) {
    let file = bench.folder("auth.json")
    try #"{"auths":{"\#(host)":\#(entry)}}"#.write(
      toFile: file, atomically: true, encoding: .utf8)
    let warnings = Log<String>()
    return (CredentialChain(files: [CredentialFile(named: file)]) { warnings.add($0) }, warnings)
  }

  @Test(
    "a stored identity token that brings none does not stand before a public image",
    arguments: 0..<4)
  func uselessIdentityToken(post number: Int) async throws {
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    let reply = Self.posts[number].reply
    let registry = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") {
        return request.method == "POST" ? reply : .ok(#"{"token":"good"}"#)
      }
      return request["authorization"] == "Bearer good"
        ? nil : .status(401, Self.challenge(request))
    }
    let bench = try Bench()
    let (chain, warnings) = try chain(bench, registry.host, #"{"identitytoken":"i"}"#)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, credentials: chain)
    #expect(try await puller.pull(request).imageDigest == image.manifest)
    #expect(warnings.all.contains { $0.contains("brought no token") }, "\(warnings.all)")
  }

  @Test(
    "a stored login whose token the registry denies does not stand before a public image",
    arguments: [401, 403], [false, true])
  func deniedLogin(status: Int, isPublic: Bool) async throws {
    let image = try FakeImage(
      layers: [Content.bytes(90_000, seed: 1), Content.bytes(1_000, seed: 2)])
    let registry = try FakeRegistry(image) { request in
      let shown = request["authorization"]
      if request.target.hasPrefix("/token") {
        return .ok("{\"token\":\"\(shown == nil ? "anybody" : "user")\"}")
      }
      if shown == "Bearer user" {
        return .status(
          status, status == 401 ? Self.challenge(request, ",error=\"insufficient_scope\"") : [],
          #"{"errors":[{"code":"DENIED","message":"SAML enforcement"}]}"#)
      }
      return isPublic && shown == "Bearer anybody"
        ? nil : .status(401, Self.challenge(request))
    }
    let bench = try Bench()
    let (chain, warnings) = try chain(bench, registry.host, #"{"auth":"dTpw"}"#)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, credentials: chain)
    do throws(PullError) {
      #expect(try await puller.pull(request).imageDigest == image.manifest)
      #expect(isPublic)
      #expect(warnings.all.count { $0.contains("was refused") && $0.contains("SAML") } == 1)
    } catch {
      // What was said to the login is what counts, and it is not called useless.
      #expect(!isPublic && error.category == .unauthorised)
      #expect(error.description.contains("SAML") && warnings.all.isEmpty, "\(error)")
    }
    // One that was given for this very pull stands.
    let explicit = try bench.puller(request.reference, credentials: Self.user)
    _ = try? await explicit.pull(request)
    let anonymous = registry.server.requests.count {
      $0.target.hasPrefix("/token") && $0["authorization"] == nil
    }
    #expect(anonymous == 1)
  }

  @Test("a stored login that may only pull is kept where a token for more is refused to everybody")
  func modestLogin() async throws {
    // cloudflare/serverless-registry#149.
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    let registry = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") {
        return request["authorization"] == "Basic dTpw" && !request.target.contains("push")
          ? .ok(#"{"token":"good"}"#) : .status(401)
      }
      return request["authorization"] == "Bearer good"
        ? nil
        : .status(401, Self.challenge(request, ",scope=\"repository:o/n:pull,push\""))
    }
    let bench = try Bench()
    let (chain, warnings) = try chain(bench, registry.host, #"{"auth":"dTpw"}"#)
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, credentials: chain)
    #expect(try await puller.pull(request).imageDigest == image.manifest)
    #expect(warnings.all.isEmpty)
  }

  @Test("all of a registry may be at another one, which gives tokens of its own to anybody")
  func movedRegistry() async throws {
    // containerd#5503, ggcr#2359.
    let image = try FakeImage(layers: [Content.bytes(200_000, seed: 1)])
    let other = try FakeRegistry(image) { request in
      if request.target.hasPrefix("/token") {
        return request["authorization"] == nil ? .ok(#"{"token":"good"}"#) : .status(400)
      }
      return request["authorization"] == "Bearer good"
        ? nil : .status(401, Self.challenge(request))
    }
    let registry = try RawServer {
      .status(308, [("Location", "http://\(other.host)\($0.target)")])
    }
    let bench = try Bench()
    let request = try bench.request("\(registry.host)/o/n:latest")
    let puller = try bench.puller(request.reference, credentials: Self.user)
    #expect(try await puller.pull(request).imageDigest == image.manifest)
    #expect(other.server.requests.allSatisfy { $0["authorization"] != "Basic dTpw" })
  }

  @Test("a foreign layer is fetched from its URL, whatever the registry says of it")
  func foreignLayer() async throws {
    // oc#530.
    for status in [400, 401, 403, 404, 405, 500] {
      let layer = Content.bytes(50_000, seed: 3)
      let elsewhere = try RawServer { FakeRegistry.blob(layer, $0.range) }
      let image = try FakeImage(layers: [layer]) { document in
        guard var layers = document["layers"] as? [[String: Any]] else { return }
        layers[0]["urls"] = ["http://\(elsewhere.host)/layer"]
        document["layers"] = layers
      }
      let registry = try FakeRegistry(image) { request in
        request.target.contains("\(image.layers[0])") ? .status(status) : nil
      }
      let bench = try Bench()
      #expect(try await bench.pull("\(registry.host)/o/n:latest").imageDigest == image.manifest)
    }
  }

  @Test("a size of 0 with the digest of something ends with an error (nix2container#207)")
  func sizeOfNothing() async throws {
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)]) { document in
      guard var layers = document["layers"] as? [[String: Any]] else { return }
      layers[0]["size"] = 0
      document["layers"] = layers
    }
    let registry = try FakeRegistry(image)
    let bench = try Bench()
    for _ in 0..<2 {
      let failure = try await bench.failure(bench.request("\(registry.host)/o/n:latest"))
      #expect(failure.category == .integrity)
    }
  }

  @Test("a mirror that was given up is asked again where nobody else can be reached (k3s#2961)")
  func airGapped() async throws {
    let image = try FakeImage(layers: [Content.bytes(100_000, seed: 1)])
    let counter = Counter()
    let mirror = try FakeRegistry(image) { _ in counter.next() <= 3 ? .raw([], .reset) : nil }
    let gone = try FakeRegistry(image)
    gone.server.stop()
    let bench = try Bench()
    let request = try bench.request("\(gone.host)/o/n:latest")
    let puller = try bench.puller(request.reference, mirrors: [mirror.host], retries: 5)
    #expect(try await puller.pull(request).imageDigest == image.manifest)
    withExtendedLifetime(gone) {}
  }
}
