import CurlTransfer
import Foundation
import OCI
@testable import Registry
import Support
import Testing
import Transfer

/// The client against servers of our own making.
@Suite("RepositoryClient", .timeLimit(.minutes(10)))
struct ClientTests {
  static let manifest = """
    {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":\
    "application/vnd.oci.image.config.v1+json","digest":\
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}
    """
  let engine: CurlEngine

  init() throws {
    var settings = TransferSettings()
    // Nothing here stalls unless a test has failed; a busy machine must not look like it.
    settings.stallTimeout = 50
    engine = try CurlEngine(settings: settings)
  }

  func client(
    _ server: RawServer, credentials: CredentialChain = CredentialChain(),
    endpoints: [Endpoint]? = nil, tokenService: TokenService? = nil,
    retries: Int = 0, clock: @escaping @Sendable () -> Double = { 0 }, sleeps: Log<Double> = Log()
  ) throws -> RepositoryClient {
    let reference = try Reference("\(server.host)/o/n:1")
    var rule = RepositoryClient.RetryRule()
    rule.retries = retries
    rule.hedges = false
    var time = Timekeeper()
    time.sleep = { sleeps.add($0) }
    time.seconds = clock
    return RepositoryClient(
      reference: reference, endpoints: try endpoints ?? [Endpoint(of: reference, plainHTTP: true)],
      engine: engine,
      credentials: credentials, tokenService: tokenService, retryRule: rule, time: time)
  }

  func error(_ client: RepositoryClient) async -> RegistryError? {
    do throws(RegistryError) {
      _ = try await client.document(.tag("1"))
      Issue.record("no error")
      return nil
    } catch {
      return error
    }
  }

  /// A registry and its token server in one, at `/token`.
  func tokenServer(
    challenge: String =
      "Bearer realm=\"http://HOST/token\",service=\"s\",scope=\"repository:o/n:pull\"",
    token: @escaping @Sendable (ServedRequest) -> Reply
  ) throws -> RawServer {
    try RawServer { request in
      if request.target.hasPrefix("/token") { return token(request) }
      guard request["authorization"] == "Bearer good" else {
        let host = request["host"] ?? ""
        return .status(401, [("WWW-Authenticate", challenge.replacing("HOST", with: host))])
      }
      return .ok(Self.manifest)
    }
  }

  @Test("goes straight to the manifest and accepts all four types")
  func noPing() async throws {
    let server = try RawServer { _ in
      .ok(Self.manifest, [("Content-Type", "application/vnd.oci.image.manifest.v1+json; x=y")])
    }
    let document = try await client(server).document(.tag("1"))
    #expect(document.contentType == .ociManifest)
    #expect(server.requests.map(\.target) == ["/v2/o/n/manifests/1"])
    // Harbor 1 and others compare each line as a whole (containerd#5632).
    let accept = server.requests[0].fields.filter { $0.name.lowercased() == "accept" }
    #expect(accept.map(\.value) == MediaType.acceptedManifests.map(\.rawValue))
  }

  @Test("answers a Bearer challenge anonymously, once for many requests")
  func anonymousToken() async throws {
    let server = try tokenServer { _ in .ok(#"{"token":"good"}"#) }
    let client = try client(server)
    for _ in 0..<3 { _ = try await client.document(.tag("1")) }
    #expect(
      server.requests.map(\.target) == [
        "/v2/o/n/manifests/1", "/token?service=s&scope=repository%3Ao%2Fn%3Apull",
        "/v2/o/n/manifests/1",
        "/v2/o/n/manifests/1", "/v2/o/n/manifests/1",
      ])
    #expect(server.requests[1]["authorization"] == nil)
  }

  @Test("of very many token services that a challenge names, the first four are asked")
  func manyRealms() async throws {
    let server = try RawServer { request in
      guard !request.target.hasPrefix("/token") else { return .status(401) }
      let host = request["host"] ?? ""
      return .status(
        401,
        (0..<500).map { number in
          let realm = "Bearer realm=\"http://\(host)/token\(number)\",service=\"s\""
          // The same one again, for something else.
          return ("WWW-Authenticate", realm + (number % 2 == 0 ? "" : ",scope=\"aws\""))
        })
    }
    #expect(await error(try client(server, retries: 3))?.kind == .unauthorised)
    let asked = server.requests.map(\.target).filter { $0.hasPrefix("/token") }
    #expect(
      Set(asked.map { $0.prefix { $0 != "?" } }) == ["/token0", "/token1", "/token2", "/token3"])
    #expect(asked.count < 50)
  }

  @Test(
    "a document that is at its own address for a while is asked for again", arguments: [1, 2, 4, 5])
  func ownAddress(times: Int) async throws {
    let counter = Counter()
    let server = try RawServer { request in
      counter.next() <= times ? .status(307, [("Location", request.target)]) : .ok(Self.manifest)
    }
    _ = try await client(server, retries: 3).document(.tag("1"))
    let circle = try RawServer { .status(307, [("Location", $0.target)]) }
    let error = await error(try client(circle, retries: 3))
    #expect(error?.description.contains("redirects in a circle") == true)
    #expect(circle.requests.count < 20)
  }

  @Test("a token for where a redirect leads is for the repository there, and shown at once")
  func movedRepository() async throws {
    let other = try RawServer { request in
      if request.target.hasPrefix("/token") {
        return request.target.contains("repository%3Aoss%2Fo%2Fn%3Apull")
          ? .ok(#"{"token":"good"}"#) : .ok(#"{"token":"bad"}"#)
      }
      guard request["authorization"] == "Bearer good" else {
        return .status(401, Self.challenge("http://\(request["host"] ?? "")/token"))
      }
      return request.target == "/v2/oss/o/n/manifests/1" ? .ok(Self.manifest) : .status(404)
    }
    let host = other.host
    let server = try RawServer {
      .status(302, [("Location", "http://\(host)/v2/oss\($0.target.dropFirst(3))")])
    }
    let client = try client(server)
    for _ in 0..<3 { _ = try await client.document(.tag("1")) }
    #expect(other.requests.count { $0.target.hasPrefix("/token") } == 1)
    #expect(other.requests.count { $0["authorization"] == nil } == 2)
  }

  @Test("a remembered place whose token service fails by now is left for the registry")
  func movedRepositoryLeft() async throws {
    let time = Log<Double>()
    let other = try RawServer { request in
      if request.target.hasPrefix("/token") {
        return time.all.isEmpty ? .ok(#"{"token":"good"}"#) : .status(500)
      }
      return request["authorization"] == "Bearer good"
        ? .ok(Self.manifest)
        : .status(401, Self.challenge("http://\(request["host"] ?? "")/token"))
    }
    let host = other.host
    let server = try RawServer { request in
      time.all.isEmpty
        ? .status(302, [("Location", "http://\(host)\(request.target)")]) : .ok(Self.manifest)
    }
    let client = try client(server, clock: { time.all.last ?? 0 })
    _ = try await client.document(.tag("1"))
    time.add(1_000)
    let place = try RemoteURL("http://\(host)/v2/o/n/manifests/1")
    var route = try RequestRoute(
      .endpoint(client.endpoints[0], path: "/o/n/manifests/1", remembered: place),
      what: "manifest", client: client)
    let (response, _) = try await client.take(
      along: &route, fields: HTTPFields([]), limit: 1 << 20, patience: 30)
    #expect(response.head.status == 200)
    #expect(other.requests.last?["authorization"] == nil)
    #expect(server.requests.count == 2)
  }

  @Test("a token that has died where a redirect leads is replaced")
  func movedRepositoryToken() async throws {
    let counter = Counter()
    let other = try RawServer { request in
      let host = request["host"] ?? ""
      if request.target.hasPrefix("/token") { return .ok("{\"token\":\"t\(counter.next())\"}") }
      // Each token is good for one request.
      let served = request["authorization"] == "Bearer t\(counter.next() - 1)"
      return served ? .ok(Self.manifest) : .status(401, Self.challenge("http://\(host)/token"))
    }
    let host = other.host
    let server = try RawServer { .status(302, [("Location", "http://\(host)\($0.target)")]) }
    let client = try client(server)
    for _ in 0..<3 {
      #expect(try await client.document(.tag("1")).data == Data(Self.manifest.utf8))
    }
  }

  @Test("a token service that is silent is not asked again for a smaller scope")
  func silentRealm() async throws {
    let server = try tokenServer(
      challenge: "Bearer realm=\"http://HOST/token\",service=\"s\",scope=\"aws\""
    ) { _ in .raw([], .reset) }
    _ = await error(try client(server))
    #expect(
      server.requests.filter { $0.target.hasPrefix("/token") }
        .allSatisfy { $0.target.contains("scope=aws") })
  }

  @Test("a round trip is known although the connection was made for a 401")
  func knowsRoundTrip() async throws {
    let server = try tokenServer { _ in .ok(#"{"token":"good"}"#) }
    let client = try client(server)
    let first = try await client.document(.tag("1")).roundTripSeconds
    #expect(first.map { $0 > 0 } ?? false)
    #expect(server.connections == 1)
  }

  @Test("sends a password to the realm only, and takes access_token")
  func passwordToken() async throws {
    let server = try tokenServer { request in
      request["authorization"] == "Basic dTpw" ? .ok(#"{"access_token":"good"}"#) : .status(401)
    }
    _ = try await client(
      server, credentials: CredentialChain(explicit: .basic(user: "u", password: "p"))
    ).document(.tag("1"))
    #expect(
      server.requests.filter { !$0.target.hasPrefix("/token") }.allSatisfy {
        $0["authorization"]?.hasPrefix("Basic") != true
      })
    #expect(server.requests[1].target.hasSuffix("&account=u"))
  }

  @Test(
    "trades an identity token by OAuth2, and by GET where there is no such endpoint",
    arguments: [200, 404])
  func identityToken(status: Int) async throws {
    let server = try tokenServer { request in
      request.method == "POST" && status != 200 ? .status(status) : .ok(#"{"token":"good"}"#)
    }
    _ = try await client(server, credentials: CredentialChain(explicit: .identityToken("r/t")))
      .document(.tag("1"))
    let posted = server.requests[1]
    #expect(posted.method == "POST")
    #expect(
      String(decoding: posted.body, as: UTF8.self)
        == "grant_type=refresh_token&client_id=cairn&scope=repository%3Ao%2Fn%3Apull&refresh_token=r%2Ft&service=s"
    )
    #expect(
      server.requests.contains { $0.method == "GET" && $0.target.hasPrefix("/token") }
        == (status == 404))
  }

  @Test("refreshes a token before it expires")
  func refreshesEarly() async throws {
    let time = Log<Double>()
    let server = try tokenServer { _ in .ok(#"{"token":"good","expires_in":100}"#) }
    let client = try client(server, clock: { time.all.last ?? 0 })
    _ = try await client.document(.tag("1"))
    time.add(79)
    _ = try await client.document(.tag("1"))
    #expect(server.requests.count { $0.target.hasPrefix("/token") } == 1)
    time.add(81)
    _ = try await client.document(.tag("1"))
    #expect(server.requests.count { $0.target.hasPrefix("/token") } == 2)
    #expect(server.requests.count { $0["authorization"] == nil && $0.target.hasPrefix("/v2") } == 1)
  }

  @Test("gets a new token on 401, also for insufficient_scope, and then gives up")
  func refreshesOn401() async throws {
    let tokens = Counter()
    let server = try RawServer { request in
      if request.target.hasPrefix("/token") { return .ok(#"{"token":"t\#(tokens.next())"}"#) }
      let challenge =
        "Bearer realm=\"http://\(request["host"] ?? "")/token\",scope=\"repository:o/n:pull\",error=\"insufficient_scope\""
      return request["authorization"] == "Bearer t2"
        ? .ok(Self.manifest) : .status(401, [("WWW-Authenticate", challenge)])
    }
    _ = try await client(server).document(.tag("1"))
    #expect(tokens.value == 2)
    let never = try tokenServer { _ in .ok(#"{"token":"bad"}"#) }
    let found = await error(try client(never))
    #expect(found?.kind == .unauthorised)
    #expect(never.requests.count { $0.target.hasPrefix("/token") } == 2)
  }

  @Test("concurrent requests share one token fetch")
  func sharesFetch() async throws {
    let server = try tokenServer { _ in .ok(#"{"token":"good"}"#) }
    let client = try client(server)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { (try? await client.document(.tag("1"))) != nil } }
      for await isGood in group { #expect(isGood) }
    }
    #expect(server.requests.count { $0.target.hasPrefix("/token") } <= 2)
  }

  // MARK: A remembered token service

  static func challenge(_ realm: String) -> [(String, String)] {
    [("WWW-Authenticate", "Bearer realm=\"\(realm)\",service=\"s\"")]
  }

  @Test("a token is fetched where the registry sent us the last time, while its 401 is on the way")
  func asksAhead() async throws {
    let tokenAsked = Gate()
    let server = try RawServer { request in
      if request.target.hasPrefix("/token") {
        tokenAsked.open()
        return .ok(#"{"token":"good"}"#)
      }
      guard request["authorization"] != "Bearer good" else { return .ok(Self.manifest) }
      // Who waits for this before asking for a token waits until the transfer counts as stalled.
      tokenAsked.pass()
      return .status(401, Self.challenge("http://\(request["host"] ?? "")/token"))
    }
    let known = TokenService(realm: "http://\(server.host)/token", service: "s")
    let client = try client(server, tokenService: known)
    for _ in 0..<2 { _ = try await client.document(.tag("1")) }
    #expect(
      server.requests.map(\.target).sorted() == [
        "/token?service=s&scope=repository%3Ao%2Fn%3Apull", "/v2/o/n/manifests/1",
        "/v2/o/n/manifests/1", "/v2/o/n/manifests/1",
      ])
    #expect(await client.tokenService == known)
  }

  @Test(
    "a token from a place that the registry does not name any more is never sent",
    arguments: [200, 500], [true, false])
  func outdatedTokenService(status: Int, isEarly: Bool) async throws {
    let (oldAsked, newAnswered) = (Gate(), Gate())
    let old = try RawServer { _ in
      oldAsked.open()
      if !isEarly { newAnswered.pass() }
      return .status(status, [], #"{"token":"old"}"#)
    }
    let server = try RawServer { request in
      if request.target.hasPrefix("/token") {
        newAnswered.open()
        return .ok(#"{"token":"good"}"#)
      }
      guard request["authorization"] != "Bearer good" else { return .ok(Self.manifest) }
      oldAsked.pass()
      return .status(401, Self.challenge("http://\(request["host"] ?? "")/token"))
    }
    let client = try client(
      server, tokenService: TokenService(realm: "http://\(old.host)/token", service: "s"))
    for _ in 0..<2 { _ = try await client.document(.tag("1")) }
    #expect(old.requests.count == 1)
    #expect(server.requests.allSatisfy { $0["authorization"] != "Bearer old" })
    #expect(server.requests.count { $0.target.hasPrefix("/token") } == 1)
    #expect(await client.tokenService?.realm == "http://\(server.host)/token")
  }

  @Test(
    "who is to be asked with credentials is asked when the registry names it, and not before",
    arguments: [
      Credential.basic(user: "u", password: "p"), .identityToken("i"), .registryToken("good"),
    ])
  func remembersWithoutCredentials(credential: Credential) async throws {
    let tokens = try RawServer { _ in .ok(#"{"token":"good"}"#) }
    let before = Log<Int>()
    let server = try RawServer { request in
      if request["authorization"] == "Bearer good" { return .ok(Self.manifest) }
      before.add(tokens.connections)
      return .status(401, Self.challenge("http://\(tokens.host)/token"))
    }
    let service = TokenService(realm: "http://\(tokens.host)/token", service: "s")
    _ = try await client(
      server, credentials: CredentialChain(explicit: credential), tokenService: service
    ).document(.tag("1"))
    #expect(before.all == [0])
    if case .registryToken = credential {
      #expect(tokens.connections == 0)
    } else {
      #expect(tokens.requests.count == 1)
    }
  }

  @Test("a registry that wants Basic now, or nothing, gets no token that was asked for ahead")
  func unwantedToken() async throws {
    let tokenAnswered = Gate()
    let tokens = try RawServer { _ in
      tokenAnswered.open()
      return .ok(#"{"token":"unwanted"}"#)
    }
    let server = try RawServer { request in
      tokenAnswered.pass()
      return request.target.hasSuffix("/closed")
        ? .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")]) : .ok(Self.manifest)
    }
    let service = TokenService(realm: "http://\(tokens.host)/token", service: "s")
    let open = try client(server, tokenService: service)
    for _ in 0..<2 { _ = try await open.document(.tag("1")) }
    #expect(await open.tokenService == nil)
    let closed = try client(server, tokenService: service)
    await #expect(throws: RegistryError.self) { try await closed.document(.tag("closed")) }
    #expect(server.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test(
    "a token service that is not good for other repositories, or no URL, is not remembered",
    arguments: [
      ["realm": "http://u:p@h/token"], ["realm": "file:///x"], ["realm": "http://h/token?for=o/n"],
      ["realm": "http://h/" + String(repeating: "a", count: 3000)], ["service": "s"],
      ["realm": "http://h/token", "scope": "repository:o/n:pull,push"],
    ])
  func doesNotRemember(parameters: [String: String]) {
    let challenge = Challenge(scheme: "bearer", parameters: parameters)
    #expect(TokenService(challenge, repository: "o/n") == nil)
  }

  @Test("answers a Basic challenge")
  func basic() async throws {
    let server = try RawServer { request in
      request["authorization"] == "Basic dTpw"
        ? .ok(Self.manifest) : .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
    }
    _ = try await client(
      server, credentials: CredentialChain(explicit: .basic(user: "u", password: "p"))
    ).document(.tag("1"))
    let found = await error(try client(server))
    #expect(found?.kind == .unauthorised && found?.hint != nil)
  }

  @Test("a wrong password is said to be one, and not repeated")
  func wrongPassword() async throws {
    let server = try RawServer { _ in
      .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")], "s3cret is not it")
    }
    let chain = CredentialChain(explicit: .basic(user: "u", password: "s3cret"))
    let found = await error(try client(server, credentials: chain))
    #expect(found?.message.contains("does not take the name and password it was shown") == true)
    #expect(found?.hint?.contains("--creds") == true)
    #expect(found.map { "\($0)" }?.contains("s3cret") == false)
  }

  @Test("a DOCKER_AUTH_CONFIG that is none is said once; a named file stands before it")
  func unreadableVariable() {
    let said = Log<String>()
    var chain = CredentialChain(warn: { said.add($0) })
    for _ in 0..<2 { chain.takeInline(authFile: nil, environment: ["DOCKER_AUTH_CONFIG": "{"]) }
    chain.takeInline(authFile: "/f", environment: ["DOCKER_AUTH_CONFIG": "["])
    chain.takeInline(authFile: nil, environment: ["DOCKER_AUTH_CONFIG": ""])
    #expect(chain.inline == nil && said.all.count == 1)
    #expect(said.all.first?.contains("DOCKER_AUTH_CONFIG") == true)
    chain.takeInline(authFile: nil, environment: ["DOCKER_AUTH_CONFIG": "{\"auths\": {}}"])
    #expect(chain.inline != nil && said.all.count == 1)
  }

  @Test("a proxy where nobody is, and a certificate for other names, have hints of their own")
  func hints() throws {
    let origin = try RemoteURL("https://r.example/").origin
    var error = TransferError(.refused, "Failed to connect")
    #expect(RegistryError.transfer(error, from: origin).hint?.contains("server running") == true)
    error.failedProxy = "http://proxy.corp:3128"
    let hint = RegistryError.transfer(error, from: origin).hint
    #expect(hint?.hasPrefix("http://proxy.corp:3128 is the proxy") == true)
    #expect(hint?.contains("is it running?") == true)
    let name = RegistryError.transfer(TransferError(.wrongName, "no"), from: origin)
    #expect(name.hint?.contains("other names") == true && name.hint?.contains("--ca-file") == false)
    let date = RegistryError.transfer(TransferError(.wrongDate, "no"), from: origin)
    #expect(date.hint?.contains("clock") == true && date.hint?.contains("--tls-verify") == false)
  }

  @Test("who showed a client certificate that was refused is not asked for one")
  func hintsOfCertificates() throws {
    let origin = try RemoteURL("https://r.example/").origin
    var error = TransferError(.tlsRefused, "tlsv1 alert unknown ca")
    #expect(RegistryError.transfer(error, from: origin).hint?.contains("--cert") == true)
    error.hadCertificate = true
    let hint = RegistryError.transfer(error.saying("again"), from: origin).hint
    #expect(hint?.contains("did not take the client certificate") == true)
    #expect(hint?.contains("--cert") == false)
    for (title, words) in [
      ("400 No required SSL certificate was sent", "--cert"),
      ("400 The SSL certificate error", "did not take"),
    ] {
      let response = TransferResponse(
        head: ResponseHead(status: 400, fields: HTTPFields([("Content-Type", "text/html")])),
        body: Array("<html><head><title>\(title)</title></head></html>".utf8))
      let error = ResponseJudge.error(response, what: "x", origin: origin, now: 0)
      #expect(error.hint?.contains(words) == true, "\(error.hint ?? "")")
    }
  }

  @Test(
    "plain HTTP is not tried with whom a handshake was complete (aimee#2232)",
    arguments: [true, false])
  func handshakeIsTLS(hadHandshake: Bool) async throws {
    let reference = try Reference("localhost:5000/o/n:1")
    let asked = Log<RemoteURL.Origin>()
    var time = Timekeeper()
    time.sleep = { _ in }
    let client = RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: false)],
      engine: HangingUp(hadHandshake: hadHandshake) { asked.add($0) }, credentials: .init(),
      time: time)
    let error = try #require(await error(client))
    #expect(asked.all.contains { $0.scheme == "http" } == !hadHandshake)
    #expect(error.message.contains("by plain HTTP") == !hadHandshake, "\(error)")
    #expect(error.isTransient == hadHandshake)
  }

  /// Closes each connection, after its handshake or before.
  private struct HangingUp: TransferEngine {
    let hadHandshake: Bool
    let note: @Sendable (RemoteURL.Origin) -> Void

    func start(
      _ request: TransferRequest,
      decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
      ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
    ) -> TransferHandle {
      note(request.url.origin)
      var error = TransferError(.broken, "Send failure: Broken pipe")
      error.hadHandshake = hadHandshake && request.url.origin.scheme == "https"
      ended(.failure(error))
      return TransferHandle(number: 0)
    }

    func cancel(_ handle: TransferHandle) {}
    func readings() -> EngineReadings { EngineReadings() }
    func proxy(of request: TransferRequest) -> String? { nil }
  }

  @Test(
    "what a proxy's TLS or name wants is another thing than what a registry's does",
    arguments: [
      (TransferError.Kind.notTLS, "write http://"), (.tls, "--ca-file"),
      (.wrongName, "other names"),
      (.wrongDate, "clock"), (.tlsRefused, "client certificate"), (.noSuchHost, "its name"),
      (.resolve, "its name"),
    ])
  func hintsOfProxies(kind: TransferError.Kind, words: String) throws {
    let origin = try RemoteURL("https://r.example/").origin
    var error = TransferError(kind, "no")
    error.failedProxy = "https://proxy.corp:3128"
    for isNamed in [true, false] {
      let hint = RegistryError.transfer(error, from: origin, isNamed: isNamed).hint ?? ""
      #expect(hint.hasPrefix("https://proxy.corp:3128 is the proxy") && hint.contains(words))
      #expect(!hint.contains("registry") && !hint.contains("--tls-verify"), "\(hint)")
    }
  }

  @Test(
    "a place that the registry named is no typing error of the user's",
    arguments: [TransferError.Kind.noSuchHost, .refused, .resolve])
  func hintsOfNamedPlaces(kind: TransferError.Kind) throws {
    let origin = try RemoteURL("https://r.example/").origin
    let own = RegistryError.transfer(TransferError(kind, "no"), from: origin)
    #expect(own.hint?.hasPrefix("check the registry's name") == true)
    let named = RegistryError.transfer(TransferError(kind, "no"), from: origin, isNamed: true)
    #expect(named.hint?.hasPrefix("the registry names that place") == true)
  }

  @Test(
    "a realm or a redirect to where nobody is was named by the registry", arguments: [true, false])
  func absentPlace(isRedirect: Bool) async throws {
    // Nobody listens there.
    let server = try RawServer { _ in
      isRedirect
        ? .status(307, [("Location", "http://localhost:1/x")])
        : .status(401, [("WWW-Authenticate", "Bearer realm=\"http://localhost:1/token\"")])
    }
    let found = await error(try client(server))
    #expect(
      found?.hint?.hasPrefix("the registry names that place") == true, "\(found?.message ?? "")")
  }

  @Test("an error names the repository that was asked for, whatever the image is called")
  func repositoryThatWasAsked() async throws {
    let server = try RawServer { _ in .status(404) }
    let origin = try RemoteURL("http://\(server.host)/").origin
    var endpoint = Endpoint(origin: origin)
    endpoint.repository = "mirrored/n"
    let found = await error(try client(server, endpoints: [endpoint]))
    #expect(found?.message == "\(server.host) has no manifest mirrored/n:1")
    #expect(server.requests.map(\.target) == ["/v2/mirrored/n/manifests/1", "/v2/"])
  }

  @Test(
    "a realm at a metadata or link-local address gets nothing",
    arguments: [
      "http://169.254.169.254/latest", "http://metadata.google.internal/x", "http://[fe80::1]/",
      "file:///etc/passwd", "//x", "",
    ])
  func refusesRealm(realm: String) async throws {
    let server = try tokenServer(challenge: "Bearer realm=\"\(realm)\"") { _ in .ok("{}") }
    let chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    let found = await error(try client(server, credentials: chain))
    #expect(found?.kind == .refusedTarget, "\(String(describing: found))")
    #expect(server.requests.count == 1)
  }

  @Test("a realm or redirect to this machine is refused from elsewhere, and so is leaving TLS")
  func refusesLoopbackAndDowngrade() throws {
    let far = try RemoteURL("https://registry.example/").origin
    for text in [
      "https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "http://other.example/x",
    ] {
      #expect(throws: RegistryError.self) {
        try RedirectRule.check(RemoteURL(text), from: far, what: "redirect")
      }
      #expect(throws: RegistryError.self) {
        try TokenForm(
          Challenge(scheme: "bearer", parameters: ["realm": text]),
          scope: Authorizer.Scope(origin: far, registry: "registry.example", repository: "o/n"))
      }
    }
    for text in ["https://cdn.example/x", "https://10.0.0.1/x", "https://192.168.7.7:8443/x"] {
      #expect(throws: Never.self) {
        try RedirectRule.check(RemoteURL(text), from: far, what: "redirect")
      }
    }
  }

  @Test("a password that is for the realm does not follow its redirects (CVE-2020-15157 and kin)")
  func realmRedirects() async throws {
    let other = try RawServer { _ in .ok(#"{"token":"good"}"#) }
    let server = try tokenServer { _ in .status(307, [("Location", "http://\(other.host)/")]) }
    let chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    _ = try await client(server, credentials: chain).document(.tag("1"))
    #expect(server.requests.contains { $0["authorization"] == "Basic dTpw" })
    #expect(other.requests.count == 1)
    #expect(other.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test("only this machine may speak plainly where TLS was asked for")
  func plainFallback() throws {
    for (name, isLocal) in [
      ("localhost:5000/x", true), ("r.example/x", false), ("10.0.0.1:5000/x", false),
    ] {
      let endpoint = try Endpoint(of: Reference(name), plainHTTP: false)
      #expect(endpoint.origin.scheme == "https")
      #expect(EndpointLedger(silenceLimit: 30).notePlain(endpoint, after: .notTLS) == isLocal)
    }
  }

  /// The endpoint of a server that may speak plainly, asked by TLS first.
  func insecure(_ server: RawServer) throws -> Endpoint {
    var endpoint = try Endpoint(of: Reference("\(server.host)/o/n:1"), plainHTTP: false)
    // Time enough for a busy machine to see that there is a connection.
    endpoint.access.connectTimeout = 1
    return endpoint
  }

  @Test(
    "who waits for more of the handshake, or hangs up, is asked plainly, and from then on at once")
  func plainAfterAGuess() async throws {
    // It takes the handshake for the beginning of a head, and waits for the rest.
    let server = try RawServer { _ in .ok(Self.manifest) }
    let client = try client(server, endpoints: [insecure(server)])
    for _ in 0..<3 { _ = try await client.document(.tag("1")) }
    #expect(server.requests.count == 3)
    #expect(client.ledger.origin(of: client.endpoints[0]).scheme == "http")
  }

  @Test(
    "a guess that brings nothing is taken back, and the error is that of TLS",
    arguments: ["Client sent an HTTP request to an HTTPS server.", nil])
  func guessTakenBack(words: String?) async throws {
    let server = try RawServer { _ in words.map { .status(400, [], $0) } ?? .raw([], .close) }
    let client = try client(server, endpoints: [insecure(server)])
    let error = try #require(await error(client))
    guard case .transfer(let cause) = error.kind else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.kind == .silentHandshake)
    #expect(server.requests.count == 1)
    #expect(client.ledger.origin(of: client.endpoints[0]).scheme == "https")
    // The next guess is more patient, unless there is nothing more to guess.
    #expect(client.ledger.guessTimeout(client.endpoints[0]) == (words == nil ? 3 : nil))
  }

  @Test("what is known is not guessed again")
  func noGuess() throws {
    let ledger = EndpointLedger(silenceLimit: 30)
    let endpoint = try Endpoint(of: Reference("localhost:5000/x"), plainHTTP: false)
    ledger.noteAnswer(endpoint)
    for failure in [TransferError.Kind.broken, .notTLS, .resolve, .refused, .silentHandshake] {
      #expect(!ledger.notePlain(endpoint, after: failure), "after TLS answered, to \(failure)")
    }
    let plain = EndpointLedger(silenceLimit: 30)
    // As many as are under way hear of it.
    for _ in 0..<2 { #expect(plain.notePlain(endpoint, after: .notTLS)) }
    let isWithdrawn = plain.withdrawPlain(endpoint, after: .init(.broken, ""), byTLS: .connect)
    #expect(!isWithdrawn)
    #expect(!plain.notePlain(endpoint, after: .resolve))
    for (name, plain) in [
      ("localhost/x", "http://localhost"), ("localhost:5/x", "http://localhost:5"),
    ] {
      #expect(
        try Endpoint(of: Reference(name), plainHTTP: false).plainOrigin.description == plain)
    }
  }

  @Test("follows redirects, without credentials across origins (CVE-2020-15157 and kin)")
  func redirectsWithoutCredentials() async throws {
    let other = try RawServer { _ in .ok(Self.manifest) }
    let server = try RawServer { request in
      request["authorization"] == nil
        ? .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
        : .status(307, [("Location", "http://\(other.host)/elsewhere")])
    }
    let chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    _ = try await client(server, credentials: chain).document(.tag("1"))
    #expect(other.requests.map(\.target) == ["/elsewhere"])
    #expect(other.requests[0]["authorization"] == nil)
  }

  @Test(
    "a host that sends us back to the registry gets no credentials along (CVE-2020-15157 and kin)")
  func redirectedBack() async throws {
    let away = Log<String>()
    let there = try RawServer { request in
      .status(307, [("Location", away.all[0] + "/v2/o/n/manifests/of-its-choice")])
    }
    let server = try RawServer { request in
      guard request["authorization"] == "Basic dTpw" else {
        return .status(401, [("WWW-Authenticate", "Basic realm=x")])
      }
      return request.target.hasSuffix("of-its-choice")
        ? .ok(Self.manifest) : .status(307, [("Location", "http://\(there.host)/x")])
    }
    away.add("http://\(server.host)")
    let credentials = CredentialChain(explicit: .basic(user: "u", password: "p"))
    let error = await error(try client(server, credentials: credentials))
    #expect(error?.kind == .unauthorised)
    let last = server.requests.last
    #expect(last?.target.hasSuffix("of-its-choice") == true && last?["authorization"] == nil)
    #expect(there.requests.count == 1 && there.requests[0]["authorization"] == nil)
  }

  @Test(
    "a name and a password in a redirect are left out, and the place is followed",
    arguments: ["http://u:p@HOST/x", "//u@HOST/x", "http://a@b:c@HOST/x"])
  func redirectWithUser(location: String) async throws {
    let other = try RawServer { _ in .ok(Self.manifest) }
    let server = try RawServer { _ in
      .status(307, [("Location", location.replacing("HOST", with: other.host))])
    }
    _ = try await client(server).document(.tag("1"))
    #expect(other.requests.map(\.target) == ["/x"])
    #expect(other.requests[0]["authorization"] == nil)
  }

  @Test(
    "half an answer in HTTP shows what a server speaks, and the error is that of HTTP",
    arguments: [
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
  func halfAnAnswer(words: String) async throws {
    let server = try RawServer { _ in .raw(Array(words.utf8), .close) }
    let client = try client(server, endpoints: [insecure(server)])
    let error = try #require(await error(client))
    guard case .transfer(let cause) = error.kind else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.kind != .connect && !cause.message.contains("SSL"))
    #expect(client.ledger.origin(of: client.endpoints[0]).scheme == "http")
    #expect(client.ledger.guessTimeout(client.endpoints[0]) == nil)
  }

  @Test("a server that closes plain requests, and never says a word of TLS, is one of plain HTTP")
  func guessSettles() throws {
    let ledger = EndpointLedger(silenceLimit: 30)
    let endpoint = try Endpoint(of: Reference("localhost:5000/x"), plainHTTP: false)
    for guess in 0..<3 {
      #expect(ledger.notePlain(endpoint, after: .silentHandshake))
      let isBack = ledger.withdrawPlain(
        endpoint, after: .init(.broken, ""), byTLS: .silentHandshake)
      #expect(isBack == (guess < 2))
    }
    #expect(ledger.origin(of: endpoint).scheme == "http")
    // Who refuses plain connections, too, may be up in TLS next time.
    let refusing = try Endpoint(of: Reference("localhost:5001/x"), plainHTTP: false)
    for _ in 0..<9 {
      #expect(ledger.notePlain(refusing, after: .connect))
      let isBack = ledger.withdrawPlain(refusing, after: .init(.connect, ""), byTLS: .connect)
      #expect(isBack)
    }
  }

  @Test(
    "a redirect in a circle ends, and so does one to nowhere or to a file",
    arguments: ["/v2/o/n/manifests/1", "file:///etc/passwd", nil])
  func badRedirects(location: String?) async throws {
    let server = try RawServer { _ in .status(302, location.map { [("Location", $0)] } ?? []) }
    let found = await error(try client(server))
    #expect(location?.hasPrefix("file") != true || found?.kind == .refusedTarget)
    #expect(server.requests.count <= 9)
  }

  @Test("retries what a retry can mend, with growing waits, and obeys Retry-After")
  func retries() async throws {
    let count = Counter()
    let sleeps = Log<Double>()
    let server = try RawServer { _ in
      switch count.next() {
      case 1: .status(500)
      case 2: .status(429, [("Retry-After", "40")])
      case 3: .raw(Array("HTTP/1.1 200 OK\r\nX: y\r\n".utf8), .close)
      case 4: .status(503)
      default: .ok(Self.manifest)
      }
    }
    _ = try await client(server, retries: 5, sleeps: sleeps).document(.tag("1"))
    let waits = sleeps.all
    try #require(waits.count == 4)
    #expect(waits[1] == 40)
    #expect(waits[0] <= 0.5 && waits[3] > 1)
  }

  @Test(
    "a port where nobody listens is tried twice and then left, whatever else refuses before it",
    arguments: [0, 2])
  func nobodyListens(mirrors: Int) async throws {
    let sleeps = Log<Double>()
    let server = try RawServer { _ in .status(200) }
    let gone = try (0..<mirrors).map { _ in try RawServer { _ in .status(200) } }
    server.stop()
    gone.forEach { $0.stop() }
    let endpoints = try (gone + [server]).map {
      Endpoint(origin: try RemoteURL("http://\($0.host)").origin)
    }
    let found = await error(
      try client(server, endpoints: endpoints, retries: 5, sleeps: sleeps))
    #expect(found?.isAbsence == true)
    let waits = sleeps.all
    #expect(waits.count == 1 && waits.allSatisfy { $0 <= 0.5 })
    withExtendedLifetime((server, gone)) {}
  }

  @Test("a server that has answered in this run and refuses then is being started again")
  func restarts() async throws {
    let sleeps = Log<Double>()
    let server = try RawServer { _ in .status(500) }
    let client = try client(server, retries: 3, sleeps: sleeps)
    _ = await error(client)
    server.stop()
    let found = await error(client)
    #expect(found?.isTransient == true)
    #expect(sleeps.all.count == 6)
  }

  @Test(
    "a wait of minutes is told with how long such a wait may be",
    arguments: [(1, ""), (59, ""), (60, "more than 10 min"), (590, "more than 10 min")])
  func longWaits(seconds: Double, words: String) {
    let said = LongWait.words(seconds, limit: 600)
    #expect(words.isEmpty ? said.isEmpty : said.contains(words))
  }

  @Test("does not retry what no retry can mend", arguments: [400, 401, 403, 404])
  func doesNotRetry(status: Int) async throws {
    let server = try RawServer { _ in .status(status) }
    _ = await error(try client(server, retries: 5))
    // The API's root may say more of what is wanted.
    #expect(server.requests.map(\.target) == ["/v2/o/n/manifests/1", "/v2/"])
  }

  @Test("repeats the registry's own words")
  func repeatsWords() async throws {
    let server = try RawServer { _ in
      .status(404, [], #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
    }
    let found = await error(try client(server))
    #expect(found?.message == "\(server.host) has no manifest o/n:1: manifest unknown")
  }

  @Test("takes no more than 4 MiB of a manifest")
  func limitsManifest() async throws {
    let server = try RawServer { _ in .ok([UInt8](repeating: 0x20, count: (4 << 20) + 1)) }
    #expect(await error(try client(server)) != nil)
  }

  @Test("credentials given for a registry never reach its mirrors")
  func mirrorsGetNoCredentials() async throws {
    let challenge = Reply.status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
    let mirror = try RawServer { _ in challenge }
    let server = try RawServer { $0["authorization"] == nil ? challenge : .ok(Self.manifest) }
    let reference = try Reference("\(server.host)/o/n:1")
    var chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    chain.explicitRegistry = reference.registry
    let endpoints = [
      Endpoint(origin: try RemoteURL("http://\(mirror.host)/").origin, namespace: "ex.am"),
      try Endpoint(of: reference, plainHTTP: true),
    ]
    _ = try await client(server, credentials: chain, endpoints: endpoints).document(.tag("1"))
    #expect(!mirror.requests.isEmpty)
    #expect(mirror.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test("what is refused in spite of a token may not be there at all")
  func refusedInSpiteOfToken() async throws {
    let server = try tokenServer { _ in .ok(#"{"token":"useless"}"#) }
    let found = await error(try client(server))
    #expect(found?.message.contains("has no manifest o/n:1, or wants credentials") == true)
  }

  @Test("a dead mirror is asked once, and told whose image is meant")
  func mirrors() async throws {
    let server = try RawServer { _ in .ok(Self.manifest) }
    let mirror = try RawServer { _ in .status(404) }
    let gone = try RawServer { _ in .status(200) }
    gone.stop()
    let reference = try Reference("\(server.host)/o/n:1")
    let endpoints = [
      Endpoint(origin: try RemoteURL("http://\(gone.host)/").origin, namespace: "ex.am"),
      Endpoint(origin: try RemoteURL("http://\(mirror.host)/").origin, namespace: "ex.am"),
      try Endpoint(of: reference, plainHTTP: true),
    ]
    let client = try client(server, endpoints: endpoints)
    for _ in 0..<2 { _ = try await client.document(.tag("1")) }
    // What it does not have it is not asked for twice, nor what its root wants.
    #expect(mirror.requests.map(\.target) == ["/v2/o/n/manifests/1?ns=ex.am", "/v2/"])
    #expect(client.ledger.candidates(endpoints, for: "2").count == 2)
  }
}

@Suite("Credential helpers", .timeLimit(.minutes(10)), .serialized)
struct HelperTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A helper in the folder; not by `PATH`, which other threads read while they start programs.
  func helper(_ script: String) throws -> String {
    let name = "test-\(UUID().uuidString.prefix(8))"
    let path = folder("docker-credential-\(name)")
    try writeFile(path, Array("#!/bin/sh\n\(script)\n".utf8))
    #expect(chmod(path, 0o755) == 0)
    return name
  }

  @Test("gives passwords and identity tokens, and nothing when it has nothing")
  func answers() async throws {
    let good = try helper(
      #"read server; echo "{\"ServerURL\":\"$server\",\"Username\":\"u\",\"Secret\":\"for $server\"}""#
    )
    #expect(
      try await CredentialHelper(name: good, searchPath: folder.path).credential(for: "ghcr.io")
        == .basic(user: "u", password: "for ghcr.io"))
    let token = try helper(#"echo '{"Username":"<token>","Secret":"t"}'"#)
    #expect(
      try await CredentialHelper(name: token, searchPath: folder.path).credential(for: "x")
        == .identityToken("t"))
    let nothing = try helper("echo 'credentials not found in native keychain'; exit 1")
    #expect(
      try await CredentialHelper(name: nothing, searchPath: folder.path).credential(for: "x") == nil
    )
  }

  @Test(
    "a good answer stands, whatever is said beside it",
    arguments: [
      "head -c 300000 /dev/zero | tr '\\0' x >&2", "echo 'WARNING: {old} keyring'",
      #"printf '\357\273\277'"#,
    ])
  func noisy(beside: String) async throws {
    let name = try helper(beside + #"; echo '{"Username":"u","Secret":"p"}'"#)
    #expect(
      try await CredentialHelper(name: name, searchPath: folder.path).credential(for: "x")
        == .basic(user: "u", password: "p"))
  }

  @Test(
    "one that is missing, fails, hangs or talks nonsense warns, and the pull goes on",
    arguments: ["missing", "fails", "hangs", "nonsense", "../evil", "gives all away", "says it"])
  func failures(kind: String) async throws {
    var name = kind
    switch kind {
    case "fails": name = try helper("echo 'vault is sealed' >&2; exit 3")
    case "hangs": name = try helper("sleep 50")
    case "gives all away":
      name = try helper(#"echo '{"Username":"u","Secret":"hunter2"}'; exit 1"#)
    case "says it": name = try helper("echo user hunter2; exit 1")
    case "nonsense": name = try helper("echo hello")
    default: break
    }
    try writeFile(folder("config.json"), Array(#"{"credsStore":"\#(name)"}"#.utf8))
    let warnings = Log<String>()
    var chain = CredentialChain(
      files: [CredentialFile(named: folder("config.json"))], warn: { warnings.add($0) })
    chain.helperPath = folder.path
    chain.helperTimeout = kind == "hangs" ? 0.5 : 50
    #expect(await chain.credential(registry: "ghcr.io", repository: "o/n") == nil)
    #expect(warnings.all.count == 1)
    #expect(!warnings.all[0].contains("hunter2"))
    if kind == "fails" { #expect(warnings.all[0].contains("vault is sealed")) }
  }

  @Test(
    "what a helper started ends with it, by a cancelled pull and when its time is over",
    arguments: ["sleep 1000", "sh -c 'sleep 1000; :'", "sleep 1000 & sleep 1000 & wait"],
    [true, false])
  func endsAll(script: String, isCancelled: Bool) async throws {
    #expect(mkfifo(folder("started"), 0o600) == 0)
    let name = try helper(isCancelled ? "echo > '\(folder("started"))'; \(script)" : script)
    let asked = Task { [folder] in
      try await CredentialHelper(
        name: name, searchPath: folder.path, timeout: isCancelled ? 50 : 0.5
      ).credential(for: "x")
    }
    if isCancelled {
      let started = open(folder("started"), O_RDONLY)
      var byte: UInt8 = 0
      #expect(read(started, &byte, 1) == 1)
      close(started)
      asked.cancel()
    }
    // It reads the helper's outputs to their end: that comes when nobody holds them any more.
    await #expect(throws: (any Error).self) { try await asked.value }
  }
}
