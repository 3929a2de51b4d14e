import OCI
import Testing
import Transfer

@testable import Registry

@Suite("Challenges as servers write them")
struct ChallengeTests {
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var field: String
    /// The first Bearer challenge's realm; nil: it has none.
    var realm: String?
    var schemes: [String]

    init(_ description: String, _ field: String, _ realm: String?, _ schemes: [String]) {
      self.description = description
      self.field = field
      self.realm = realm
      self.schemes = schemes
    }
  }

  static let place = "https://auth.example/token"

  static let cases: [Case] = [
    Case("unquoted", "Bearer realm=\(place),service=r", place, ["bearer"]),
    Case(
      "unquoted with a query", "Bearer realm=\(place)?a=b, service=r", place + "?a=b", ["bearer"]),
    Case("single quotes", "Bearer realm='\(place)',service='r'", place, ["bearer"]),
    Case("space around =", "Bearer realm = \"\(place)\" , service = \"r\"", place, ["bearer"]),
    Case(
      "letter case, tabs, commas", "\t, bEaReR\tREALM=\"\(place)\",, service=r", place, ["bearer"]),
    Case("semicolons", "Bearer realm=\"\(place)\"; service=\"r\"", place, ["bearer"]),
    Case("no commas", "Bearer realm=\"\(place)\" service=\"r\"", place, ["bearer"]),
    Case("a colon", "Bearer: realm=\"\(place)\"", place, ["bearer"]),
    Case(
      "token68 first", "Negotiate YII/abc==, Bearer realm=\"\(place)\"", place,
      ["negotiate", "bearer"]),
    Case(
      "token68 between", "Basic realm=x, NTLM TlRMTVNT+/AAA=, Bearer realm=\(place)", place,
      ["basic", "ntlm", "bearer"]),
    Case("token68 last", "Bearer realm=\(place), Negotiate abc", place, ["bearer", "negotiate"]),
    Case(
      "no quotation mark at the end of another", "Bearer realm=\"\(place)\", Basic realm=\"x",
      place,
      ["bearer", "basic"]),
    Case("no value", "Bearer realm=, service=r", nil, ["bearer"]),
    Case("words that are nothing", "@@ (x) Bearer realm=\(place)", place, ["x", "bearer"]),
    Case(
      "Digest's many parameters",
      #"Digest realm="a, b", qop="auth,auth-int", nonce="7==", Bearer realm="\#(place)""#, place,
      ["digest", "bearer"]),
  ]

  @Test("schemes and realms are read, whatever is around them", arguments: cases)
  func reads(_ one: Case) {
    let found = Challenge.parse(one.field)
    #expect(found.map(\.scheme) == one.schemes)
    #expect(found.first { $0.scheme == "bearer" }?.parameters["realm"] == one.realm)
  }

  @Test("a scope without quotation marks keeps its actions")
  func scope() {
    let found = Challenge.parse(
      "Bearer realm=\(Self.place),scope=repository:o/n:pull,push,service=s")
    #expect(
      found.map(\.parameters) == [
        ["realm": Self.place, "scope": "repository:o/n:pull,push", "service": "s"]
      ])
  }

  @Test(
    "a realm is a URL, a path at the server that was asked, or none",
    arguments: [
      ("https://a.example/t", "https://a.example/t"),
      (" https://a.example/t ", "https://a.example/t"),
      ("/token", "https://r.example:5000/token"),
      ("token/x", "https://r.example:5000/v2/o/token/x"),
      ("../auth", "https://r.example:5000/v2/auth"),
      ("?token", "https://r.example:5000/v2/o/n?token"),
      ("Registry", nil), ("a registry", nil), (nil, nil),
    ] as [(String?, String?)])
  func realm(text: String?, place: String?) throws {
    let url = try RemoteURL("https://r.example:5000/v2/o/n")
    let expected: TokenService.Realm = place.map { .place($0) } ?? .none
    #expect(TokenService.realm(text, at: url) == expected)
  }

  @Test(
    "a repository is what stands before the kind and the one thing behind it",
    arguments: [
      ("/v2/o/n/manifests/1", "o/n"), ("/v2/n/blobs/sha256:0?x=/v2/a/blobs/b", "n"),
      ("/v2/foo/manifests/blobs", "foo"), ("/v2/blobs/manifests/tags", "blobs"),
      ("/v2/foo/tags/list", "foo"), ("/v2/foo/blobs/bar/manifests/1", "foo/blobs/bar"),
      ("/v2/foo:bar/manifests/1", nil), ("/v2/foo@bar/manifests/1", nil),
      ("/v2/Foo/tags/list", nil),
      ("/v2/manifests/1", nil), ("/v2/foo/manifests", nil), ("/v1/o/n/manifests/1", nil),
    ] as [(String, String?)])
  func repository(target: String, repository: String?) throws {
    let url = try RemoteURL("https://r.example\(target)")
    #expect(RequestRoute.repository(in: url) == repository)
  }

  @Test(
    "tokens lose what is around them, and are refused with control characters inside",
    arguments: [
      (#" good\n"#, "good"), ("Bearer good", "good"), (#"\tbearer  good\r\n"#, "good"),
      (#"go\nod"#, nil), (#"go\u0000od"#, nil), ("a b c", nil), (" ", nil),
    ] as [(String, String?)])
  func token(text: String, value: String?) {
    for name in ["token", "access_token"] {
      #expect(Token(Array("{\"\(name)\":\"\(text)\"}".utf8), now: 0)?.value == value)
    }
  }

  @Test(
    "a realm without TLS is asked by TLS at the registry's own host, and refused elsewhere",
    arguments: [
      ("http://r.test/token", "https://r.test:8443/token"),
      ("http://r.test:80/token", "https://r.test:8443/token"),
      ("http://r.test:8443/token", "https://r.test:8443/token"),
      ("http://r.test:8080/token", nil), ("http://auth.r.test/token", nil),
    ])
  func realmWithoutTLS(realm: String, asked: String?) throws {
    let scope = Authorizer.Scope(
      origin: try RemoteURL("https://r.test:8443/").origin, registry: "r.test:8443",
      repository: "o/n")
    do throws(RegistryError) {
      let form = try TokenForm(TokenService(realm: realm, service: nil), scope: scope)
      #expect(form.realm.description == asked)
    } catch {
      #expect(asked == nil && error.kind == .refusedTarget)
      #expect(error.hint?.contains("who runs it can set that to https://") == true)
    }
  }
}
