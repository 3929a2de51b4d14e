import CurlTransfer
import Foundation
import OCI
import Support
import Testing
import Transfer

@testable import Registry

/// What is said of refusals that are not what they look like.
@Suite("Hints and warnings", .timeLimit(.minutes(10)))
struct HintTests {
  private func client(
    _ reference: Reference, _ engine: CurlEngine, plainHTTP: Bool,
    _ chain: CredentialChain = CredentialChain()
  ) throws -> RepositoryClient {
    var time = Timekeeper()
    time.sleep = { _ in }
    return RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: plainHTTP)],
      engine: engine, credentials: chain, time: time)
  }

  @Test(
    "a proxy's answer to CONNECT is told as it was, with a login only where it wants one",
    arguments: [
      ("403 AuthorizedOnly", [], "answered 403 (AuthorizedOnly) to CONNECT", "may know why"),
      ("405", [], "answered 405 to CONNECT", "may know why"),
      ("407 Who", [], "answered 407 (Who)", "http://USER:PASSWORD@HOST:PORT"),
      (
        "407 Who", ["NTLM", "Basic realm=\"a, b\""], "answered 407 (Who)",
        "http://USER:PASSWORD@HOST:PORT"
      ),
      ("407 Who", ["Negotiate", "NTLM"], "answered 407", "by Negotiate and NTLM alone"),
      ("407 Who", ["Negotiate, NTLM"], "answered 407", "by Negotiate and NTLM alone"),
    ])
  func proxies(status: String, schemes: [String], words: String, hint: String) async throws {
    let fields = schemes.map { "Proxy-Authenticate: \($0)\r\n" }.joined()
    let answer = "HTTP/1.1 \(status)\r\n\(fields)Content-Length: 0\r\n\r\n"
    let proxy = try RawServer { _ in .raw(Array(answer.utf8), .close) }
    var settings = TransferSettings()
    settings.proxies = ProxyRule(secure: "http://\(proxy.host)")
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let client = try client(Reference("registry.zoo.test/o/n:1"), engine, plainHTTP: false)
    let error = await #expect(throws: RegistryError.self) { try await client.document(.tag("1")) }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
    #expect(proxy.requests.count == 1)
  }

  @Test(
    "a limit is one in whatever words a 403 has for it",
    arguments: [
      ("Quota exceeded for quota metric 'Requests'", true),
      ("bandwidth limit reached, try again later", true), ("Too many concurrent connections", true),
      ("the quota of this project does not let you", false), ("no connections for you", false),
      ("Too many connections", true),
    ])
  func limits(words: String, isLimit: Bool) throws {
    let head = ResponseHead(status: 403, fields: HTTPFields())
    let body = Array(#"{"errors":[{"code":"DENIED","message":"\#(words)"}]}"#.utf8)
    let error = ResponseJudge.error(
      TransferResponse(head: head, body: body), what: "manifest o/n:1",
      origin: try RemoteURL("https://r.example/").origin, now: 0)
    #expect(error.kind == (isLimit ? .overloaded(retryAfter: nil) : .unauthorised))
  }

  @Test(
    "a password that ends in a line break is used, and warned of once, with its file",
    arguments: [("u:pw\n", true), ("u:pw\r\n", true), ("u:pw", false), ("u:p\nw", false)])
  func lineBreaks(login: String, isWarned: Bool) async throws {
    let folder = try TemporaryFolder()
    let path = folder("config.json")
    let auth = Data(login.utf8).base64EncodedString()
    try writeFile(path, Array(#"{"auths":{"r.example":{"auth":"\#(auth)"}}}"#.utf8))
    let said = Log<String>()
    let chain = CredentialChain(files: [CredentialFile(named: path)], warn: { said.add($0) })
    for _ in 0..<2 {
      let found = await chain.credential(registry: "r.example", repository: "o/n")
      #expect(found == .basic(user: "u", password: String(login.dropFirst(2))))
    }
    #expect(said.all.count == (isWarned ? 1 : 0))
    #expect(
      said.all.allSatisfy {
        $0.contains(path) && $0.contains("a line break") && $0.hasSuffix(": r.example")
      })
  }

  @Test(
    "a registry that sends us to another one, which wants a login, is said to",
    arguments: [#"Basic realm="x""#, #"Bearer realm="http://HOST/token",service="s""#])
  func elsewhere(challenge: String) async throws {
    let own = try RawServer { request in
      if request.target.hasPrefix("/token") { return .status(401) }
      let host = request["host"] ?? ""
      return .status(401, [("WWW-Authenticate", challenge.replacing("HOST", with: host))])
    }
    let server = try RawServer { request in
      .status(301, [("Location", "http://\(own.host)\(request.target)")])
    }
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let chain = CredentialChain(explicit: .basic(user: "u", password: "p"))
    let client = try client(Reference("\(server.host)/o/n:1"), engine, plainHTTP: true, chain)
    let error = await #expect(throws: RegistryError.self) { try await client.document(.tag("1")) }
    #expect(error?.kind == .unauthorised)
    let hint = error?.hint ?? ""
    #expect(hint.hasPrefix("\(server.host) redirects to \(own.host)"), "\(hint)")
    #expect(hint.contains("\(own.host)/o/n"), "\(hint)")
    #expect((own.requests + server.requests).allSatisfy { $0["authorization"] == nil })
  }
}
