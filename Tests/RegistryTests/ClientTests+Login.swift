import Foundation
@testable import Registry
import Support
import Testing

/// Stored logins that a registry denies what it may have for anybody.
extension ClientTests {
  private static let denied = #"{"errors":[{"code":"DENIED","message":"SAML enforcement"}]}"#

  /// A login that is stored for a server, and what is warned of.
  private func stored(for host: String) throws -> (CredentialChain, Log<String>) {
    let warnings = Log<String>()
    var chain = CredentialChain { warnings.add($0) }
    chain.inline = try AuthFile(Data(#"{"auths":{"\#(host)":{"auth":"dTpw"}}}"#.utf8))
    return (chain, warnings)
  }

  /// A registry whose tokens are called `user` and `anybody`.
  private func registry(_ answer: @escaping @Sendable (ServedRequest, String) -> Reply) throws
    -> RawServer
  {
    try RawServer { request in
      let shown = request["authorization"]
      if request.target.hasPrefix("/token") {
        return .ok("{\"token\":\"\(shown == nil ? "anybody" : "user")\"}")
      }
      guard let shown, shown.hasPrefix("Bearer ") else {
        return .status(401, Self.challenge("http://\(request["host"] ?? "")/token"))
      }
      return answer(request, String(shown.dropFirst("Bearer ".count)))
    }
  }

  /// One that denies a user the manifest `1` alone, and answers anybody between two gates.
  private func denying(
    _ began: Gate, _ end: Gate, anybody: @escaping @Sendable () -> Reply
  ) throws -> RawServer {
    try registry { request, who in
      let isDenied = request.target.hasSuffix("/manifests/1")
      if who == "user" { return isDenied ? .status(403, [], Self.denied) : .ok(Self.manifest) }
      began.open()
      end.pass()
      return anybody()
    }
  }

  @Test(
    "what is asked as anybody for one request changes nothing for those beside it",
    arguments: [200, 401, 403, 404])
  func trialBesideOthers(status: Int) async throws {
    let (began, end) = (Gate(), Gate())
    let server = try denying(began, end) {
      status == 200
        ? .ok("<html>Log in</html>", [("Content-Type", "text/html")]) : .status(status)
    }
    let (chain, warnings) = try stored(for: server.host)
    let client = try client(server, credentials: chain)
    async let refused = error(client)
    await began.opened()
    _ = try await client.document(.tag("2"))
    end.open()
    let found = await refused
    #expect(found?.kind == .unauthorised && found?.message.contains("SAML") == true)
    _ = try await client.document(.tag("3"))
    #expect(warnings.all.isEmpty, "\(warnings.all)")
    let others = server.requests.filter {
      $0.target.hasSuffix("/manifests/2") || $0.target.hasSuffix("/manifests/3")
    }
    #expect(others.allSatisfy { $0["authorization"] == "Bearer user" })
    // It is known now.
    #expect(await error(client)?.message.contains("SAML") == true)
    #expect(server.requests.count { $0["authorization"] == "Bearer anybody" } == 1)
  }

  @Test("a request that ends while it is made as anybody leaves the login as it was")
  func trialLeft() async throws {
    let (began, end) = (Gate(), Gate())
    let server = try denying(began, end) { .status(404) }
    let (chain, warnings) = try stored(for: server.host)
    let client = try client(server, credentials: chain)
    let left = Task { try await client.document(.tag("1")) }
    await began.opened()
    left.cancel()
    _ = await left.result
    end.open()
    _ = try await client.document(.tag("2"))
    #expect(warnings.all.isEmpty, "\(warnings.all)")
  }

  @Test("a limit that a request as anybody meets is waited for, and the image comes")
  func trialLimited() async throws {
    let counter = Counter()
    let server = try registry { _, who in
      if who == "user" { return .status(403, [], Self.denied) }
      return counter.next() == 1 ? .status(429) : .ok(Self.manifest)
    }
    let (chain, warnings) = try stored(for: server.host)
    _ = try await client(server, credentials: chain, retries: 3).document(.tag("1"))
    #expect(warnings.all.count == 1 && warnings.all[0].contains("SAML"), "\(warnings.all)")
  }

  @Test("many requests at once leave out a login that is in their way, and say so once")
  func trialsAtOnce() async throws {
    let server = try registry { _, who in
      who == "user" ? .status(403, [], Self.denied) : .ok(Self.manifest)
    }
    let (chain, warnings) = try stored(for: server.host)
    let client = try client(server, credentials: chain)
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<8 {
        group.addTask { (try? await client.document(.tag("t\(number)"))) != nil }
      }
      for await isGood in group { #expect(isGood) }
    }
    #expect(warnings.all.count == 1, "\(warnings.all)")
    let before = server.requests.count
    _ = try await client.document(.tag("1"))
    #expect(server.requests.dropFirst(before).map { $0["authorization"] } == ["Bearer anybody"])
  }

  @Test(
    "who sends a page for a token, or a proxy's refusal, does not cost the login",
    arguments: [200, 407])
  func pageForToken(status: Int) async throws {
    let time = Log<Double>()
    let server = try RawServer { request in
      let shown = request["authorization"]
      if request.target.hasPrefix("/token") {
        if shown == nil { return .ok(#"{"token":"anybody"}"#) }
        guard time.all.isEmpty else { return .ok(#"{"token":"user"}"#) }
        return .status(status, [("Content-Type", "text/html")], "<html>Welcome to our hotel</html>")
      }
      return shown == nil
        ? .status(401, Self.challenge("http://\(request["host"] ?? "")/token")) : .ok(Self.manifest)
    }
    let (chain, warnings) = try stored(for: server.host)
    let client = try client(server, credentials: chain, clock: { time.all.last ?? 0 })
    _ = try await client.document(.tag("1"))
    #expect(server.requests.last?["authorization"] == "Bearer anybody")
    #expect(warnings.all.count == 1, "\(warnings.all)")
    time.add(1_000)
    _ = try await client.document(.tag("1"))
    #expect(server.requests.last?["authorization"] == "Bearer user")
    #expect(warnings.all.count == 1, "\(warnings.all)")
  }

  @Test(
    "a token service that says once it does not understand, or has none, is asked once more",
    arguments: [400, 404, 405], [1, 2])
  func doubtfulToken(status: Int, times: Int) async throws {
    let count = Counter()
    let server = try tokenServer { _ in
      count.next() <= times
        ? .status(status, [], #"{"details":"x"}"#) : .ok(#"{"token":"good"}"#)
    }
    let (chain, warnings) = try stored(for: server.host)
    let isAskedAgain = status != 405
    let answer = try? await client(server, credentials: chain).document(.tag("1"))
    let shown = server.requests.filter { $0.target.hasPrefix("/token") }
      .map { $0["authorization"] != nil }
    if isAskedAgain {
      // Where it stays so, what anybody may have is asked for, with the warning of a login that failed.
      #expect(shown == (times == 1 ? [true, true] : [true, true, false]))
    } else {
      #expect(shown.prefix(2) == [true, false])
    }
    #expect((answer != nil) == (isAskedAgain || times == 1))
    #expect(warnings.all.isEmpty == (isAskedAgain == (times == 1)), "\(warnings.all)")
  }

  @Test(
    "a 400 that says that something is not there is looked at once more, and other 400s are not",
    arguments: ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID"])
  func contradiction(code: String) async throws {
    let count = Counter()
    let server = try RawServer { _ in
      count.next() == 1
        ? .status(400, [], #"{"errors":[{"code":"\#(code)","message":"no"}]}"#) : .ok(Self.manifest)
    }
    let answer = try? await client(server, retries: 3).document(.tag("1"))
    #expect((answer != nil) == (code == "MANIFEST_BLOB_UNKNOWN"))
  }

  @Test(
    "who is denied as anybody is not told of credentials, and who gave some is told to look at them"
  )
  func hintsOfLogins() async throws {
    let closed = try RawServer { _ in
      .status(403, [], #"{"errors":[{"code":"DENIED","message":"your region is blocked"}]}"#)
    }
    let asAnybody = await error(try client(closed))?.hint
    #expect(asAnybody?.hasPrefix("it was asked for without a login") == true, "\(asAnybody ?? "")")
    for status in [400, 401, 403] {
      let server = try tokenServer { _ in .status(status, [], #"{"details":"wrong password"}"#) }
      let chain = CredentialChain(explicit: .basic(user: "u", password: "wrong"))
      let refused = await error(try client(server, credentials: chain))
      #expect(refused?.kind == .unauthorised)
      #expect(refused?.hint?.hasPrefix("check --creds") == true, "\(refused?.hint ?? "")")
    }
  }

  @Test("a limit that an identity token meets is waited for before anything else is asked")
  func limitedIdentityToken() async throws {
    let counter = Counter()
    let sleeps = Log<Double>()
    let server = try tokenServer { request in
      guard request.method == "POST" else { return .status(500) }
      return counter.next() == 1
        ? .status(429, [("Retry-After", "40")]) : .ok(#"{"token":"good"}"#)
    }
    let chain = CredentialChain(explicit: .identityTokenOrBasic("i", user: "u", password: "p"))
    _ = try await client(server, credentials: chain, retries: 3, sleeps: sleeps)
      .document(.tag("1"))
    let asked = server.requests.filter { $0.target.hasPrefix("/token") }.map(\.method)
    #expect(asked == ["POST", "POST"])
    #expect(sleeps.all.contains(40))
  }

  @Test("where anybody is given the login's own token, or none, nothing is asked with it")
  func trialOfTheSame() async throws {
    for isGiven in [true, false] {
      let server = try RawServer { request in
        let shown = request["authorization"]
        if request.target.hasPrefix("/token") {
          return isGiven || shown != nil ? .ok(#"{"token":"same"}"#) : .status(403)
        }
        return shown == nil
          ? .status(401, Self.challenge("http://\(request["host"] ?? "")/token"))
          : .status(403, [], Self.denied)
      }
      let (chain, _) = try stored(for: server.host)
      let client = try client(server, credentials: chain)
      for _ in 0..<2 { #expect(await error(client)?.kind == .unauthorised) }
      #expect(
        server.requests.count { $0.target.hasPrefix("/token") && $0["authorization"] == nil } == 1)
      #expect(server.requests.count { $0.target.hasPrefix("/v2/o/n/") } == 3)
    }
  }

  @Test("a token that is refused as soon as it was given is shown once more, a moment later")
  func ripens() async throws {
    let shown = Counter()
    let server = try registry { request, _ in
      shown.next() == 1
        ? .status(401, Self.challenge("http://\(request["host"] ?? "")/token")) : .ok(Self.manifest)
    }
    let sleeps = Log<Double>()
    _ = try await client(server, sleeps: sleeps).document(.tag("1"))
    #expect(sleeps.all == [1.5])
    #expect(server.requests.count { $0.target.hasPrefix("/token") } == 1)
  }

  @Test(
    "of a token that stays refused it is said who gave it, unless it is good for something else",
    arguments: [("", true), (",error=\"insufficient_scope\"", false)])
  func staysRefused(error: String, isSaid: Bool) async throws {
    let server = try RawServer { request in
      let host = request["host"] ?? ""
      if request.target.hasPrefix("/token") { return .ok("{\"token\":\"t\"}") }
      let challenge = "Bearer realm=\"http://\(host)/token\",service=\"s\"\(error)"
      return .status(401, [("WWW-Authenticate", challenge)])
    }
    let sleeps = Log<Double>()
    let found = await self.error(try client(server, sleeps: sleeps))
    #expect(found?.kind == .unauthorised)
    #expect(found?.message.contains("its own token service \(server.host)") == isSaid)
    #expect(found?.hint?.contains("clocks") == isSaid)
    #expect(sleeps.all.contains(1.5) == isSaid)
  }

  @Test(
    "a login that is over is to be made again",
    arguments: [
      (
        403, "denied: Your authorization token has expired. Reauthenticate and try again.",
        "log in again"
      ),
      (401, "the password has Expired", "log in again"), (403, "denied", "allowed to pull"),
      (401, "wrong", "check --creds"),
    ])
  func stale(status: Int, words: String, hint: String) async throws {
    let server = try RawServer { request in
      let body = #"{"errors":[{"code":"DENIED","message":"\#(words)"}]}"#
      guard request["authorization"] != nil else {
        return .status(401, [("WWW-Authenticate", "Basic realm=x")])
      }
      return .status(status, [("WWW-Authenticate", "Basic realm=x")], body)
    }
    let chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    let found = await error(try client(server, credentials: chain))
    #expect(found?.kind == .unauthorised)
    #expect(found?.hint?.contains(hint) == true, "\(String(describing: found?.hint))")
  }
}
