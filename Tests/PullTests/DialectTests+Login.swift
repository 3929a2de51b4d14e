import Registry
import Support

/// Challenges and denials as registries and what stands before them write them.
extension DialectTests {
  /// A registry whose challenges are these lines, HOST being itself, with tokens at /token.
  private static func offering(
    _ description: String, _ lines: [String], status: Int = 401, failure: Bool = false,
    login: Bool = false, takes: String = "Bearer good"
  ) -> Dialect {
    Dialect(
      description, failure: failure ? .unauthorised : nil,
      credentials: login ? user : CredentialChain()
    ) { request, _, _ in
      if request.target.hasPrefix("/token") {
        return .ok(#"{"token":"good"}"#)
      }
      if request.target.hasPrefix("/gone") { return .status(404) }
      guard request["authorization"] != takes else { return nil }
      let host = request["host"] ?? ""
      return .status(
        status, lines.map { ("WWW-Authenticate", $0.replacing("HOST", with: "http://\(host)")) })
    }
  }

  static let challenges: [Dialect] = [
    offering("unquoted", ["Bearer realm=HOST/token,service=s"]),
    offering("single quotes", ["Bearer realm='HOST/token', service='s'"]),
    offering("a path", ["Bearer realm=\"/token\",service=\"s\""]),
    offering("token68 before", ["Negotiate YII/abc==, Bearer realm=\"HOST/token\""]),
    offering("several lines", ["Negotiate", "Basic realm=x", "bearer  Realm = \"HOST/token\""]),
    offering("first without realm", ["Bearer service=\"s\"", "Bearer realm=\"HOST/token\""]),
    offering("first with an empty realm", ["Bearer realm=\"\", Bearer realm=\"HOST/token\""]),
    offering("first with a name", ["Bearer realm=\"a registry\", Bearer realm=\"HOST/token\""]),
    offering("first is gone", ["Bearer realm=\"HOST/gone\", Bearer realm=\"HOST/token\""]),
    offering(
      "first is gone, then Basic", ["Bearer realm=\"HOST/gone\"", "Basic realm=\"x\""], login: true,
      takes: "Basic dTpw"),
    offering(
      "a token that is of no use, then Basic",
      ["Bearer realm=\"HOST/token\"", "Basic realm=\"x\""],
      login: true, takes: "Basic dTpw"),
    offering(
      "no realm, and a password will do", ["Bearer service=\"s\""], login: true,
      takes: "Basic dTpw"),
    offering("only one, and it is gone", ["Bearer realm=\"HOST/gone\""], failure: true),
    offering("400 with a challenge", ["Bearer realm=\"HOST/token\""], status: 400),
    offering("403 with a challenge", ["Bearer realm=\"HOST/token\""], status: 403),
    offering("400 without a challenge", [], status: 400, login: true, takes: "Basic dTpw"),
  ]

  /// Answers of a token that has died in the middle of a pull.
  private static let deaths: [(status: Int, fields: [(String, String)], words: String)] = [
    (403, [("WWW-Authenticate", "Bearer error=\"invalid_token\"")], ""),
    (400, [("WWW-Authenticate", "Bearer realm=\"HOST/token\",error=\"invalid_token\"")], ""),
    (403, [], #"{"errors":[{"code":"DENIED","message":"token expired"}]}"#),
    (400, [], "jwt expired"),
    (403, [("Content-Type", "text/plain")], "The access token is no longer valid"),
  ]

  private static let page = [("Content-Type", "text/html")]

  static let logins: [Dialect] =
    deaths.map { death in
      Dialect("\(death.status) of a dead token: \(death.words)", requests: 22) {
        request, _, count in
        if request.target.hasPrefix("/token") { return .ok(#"{"token":"good\#(count)"}"#) }
        let sent = request["authorization"] ?? ""
        guard sent.hasPrefix("Bearer good") else { return .status(401, challenge(request)) }
        let host = request["host"] ?? ""
        let fields = death.fields.map { ($0.0, $0.1.replacing("HOST", with: "http://\(host)")) }
        return sent == "Bearer good1" && count > 2
          ? .status(death.status, fields, death.words) : nil
      }
    }
    + [200, 201].flatMap { status in
      ["", MirrorTests.page, "null"].map { body in
        Dialect("the token service answers \(status) without a token once: \(body.prefix(9))") {
          request, _, count in
          if request.target.hasPrefix("/token") {
            return count < 2 ? .status(status, [], body) : .ok(#"{"token":"good"}"#)
          }
          return request["authorization"] == "Bearer good" ? nil : .status(401, challenge(request))
        }
      }
    } + [
      Dialect("the token service sends pages", failure: .network, requests: 4) { request, _, _ in
        request.target.hasPrefix("/token")
          ? .ok(MirrorTests.page, page) : .status(401, challenge(request))
      },
      Dialect("403 with a page for those who show nothing", credentials: user) { request, _, _ in
        request["authorization"] == "Basic dTpw" ? nil : .status(403, page, MirrorTests.page)
      },
      Dialect("a login's page for those who show nothing", credentials: user) { request, _, _ in
        request["authorization"] == "Basic dTpw" ? nil : .ok(MirrorTests.page, page)
      },
    ]
    + [301, 302, 303, 307].map { status in
      Dialect("\(status) to a login for those who show nothing", credentials: user) {
        request, _, _ in
        if request["authorization"] == "Basic dTpw" { return nil }
        return request.target == "/login"
          ? .ok(MirrorTests.page, page) : .status(status, [("Location", "/login")])
      }
    }
    + [202, 204, 206, 304, 430, 440, 444, 499, 501, 506, 508].flatMap { status in
      [0, 1].map { number in
        Dialect("\(status) once for \(number == 0 ? "the manifest" : "a blob")") { _, _, count in
          count == number ? .status(status) : nil
        }
      }
    } + [
      Dialect("444 always", failure: .network, requests: 2) { _, _, _ in .status(444) },
      Dialect("203 for everything") { request, image, _ in
        guard case .response(200, let fields, let body) = FakeRegistry.answer(request, image) else {
          return nil
        }
        return .response(203, fields, body)
      },
    ]
}
