import Foundation
@testable import Registry
import Support
import Testing
import Transfer

@Suite("Parsers of what servers say")
struct ParserTests {
  @Test("reads challenges")
  func challenges() {
    let one = Challenge.parse(
      #"Bearer realm="https://a/token",service="r",scope="repository:x/y:pull,push""#)
    #expect(one.count == 1)
    #expect(one[0].scheme == "bearer")
    #expect(
      one[0].parameters == [
        "realm": "https://a/token", "service": "r", "scope": "repository:x/y:pull,push",
      ])
    let two = Challenge.parse(#"Basic realm="a \"q\" b", BEARER Realm=x , service="y""#)
    #expect(two.map(\.scheme) == ["basic", "bearer"])
    #expect(two[0].parameters["realm"] == "a \"q\" b")
    #expect(two[1].parameters == ["realm": "x", "service": "y"])
    #expect(
      Challenge.parse("Negotiate, Basic realm=\"x\"").map(\.scheme) == ["negotiate", "basic"])
    #expect(Challenge.parse("").isEmpty)
    #expect(Challenge.parse(#"Bearer realm="unfinished"#).map(\.parameters) == [[:]])
  }

  @Test("no challenge crashes the parser, and all end")
  func challengeNoise() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("Bearer realm=\",\\ \u{0}é=service".utf8)
    var parsed = 0
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? 0
      }
      parsed += Challenge.parse(String(decoding: bytes, as: UTF8.self)).count
    }
    #expect(parsed > 0)
  }

  @Test(
    "reads Content-Range",
    arguments: [
      ("bytes 0-99/200", 0..<100, Int64(200)), ("bytes 5-5/6", 5..<6, 6),
      ("BYTES 0-0/*", 0..<1, -1),
    ] as [(String, Range<Int64>, Int64)])
  func contentRange(text: String, range: Range<Int64>, size: Int64) {
    #expect(ContentRange(text)?.range == range)
    #expect(ContentRange(text)?.size ?? -1 == size)
  }

  @Test(
    "refuses a Content-Range that is none",
    arguments: [
      "", "bytes", "bytes 0-99", "bytes */200", "bytes 9-5/20", "bytes 0-99/99", "bytes -1-5/9",
      "bytes 0-9223372036854775807/*",
      "items 0-1/2", "bytes 0-99999999999999999999/*", "bytes a-b/c", "bytes 0--1/5",
      "bytes 0-1/2/3", "bytes 0-1 /2",
    ])
  func badContentRange(text: String) {
    #expect(ContentRange(text) == nil)
  }

  @Test(
    "reads Retry-After as seconds or date",
    arguments: [
      ("120", 120.0), (" 7 ", 7), ("0", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
      ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
    ])
  func retryAfter(text: String, seconds: Double) {
    #expect(RetryAfter.seconds(text, now: 784_111_740) == seconds)
  }

  @Test(
    "a Retry-After date is of the server's clock, where it says what that shows",
    arguments: [
      ([("Date", "Sun, 06 Nov 1994 08:49:07 GMT")], 30.0), ([("Date", "nonsense")], 37),
      ([], 37),
    ] as [([(String, String)], Double)])
  func retryAfterOfAnotherClock(date: [(String, String)], seconds: Double) throws {
    let fields = HTTPFields([("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")] + date)
    let error = ResponseJudge.error(
      TransferResponse(head: ResponseHead(status: 429, fields: fields), body: []), what: "x",
      origin: try RemoteURL("https://r.example/").origin, now: 784_111_740)
    #expect(error.kind == .overloaded(retryAfter: seconds))
  }

  @Test(
    "who is not available is called that, and only who speaks of limits is limiting",
    arguments: [
      (
        503, "", "", "manifest a:1", "r.example answered 503 (not available) for manifest a:1",
        "again"
      ),
      (
        529, "", "", "manifest a:1", "r.example answered 529 (overloaded) for manifest a:1", "again"
      ),
      (
        503, "3", "", "manifest a:1",
        "r.example is limiting requests (503) for manifest a:1 and asks to wait 3 s", "again"
      ),
      (
        503, "", "too many requests", "blob x of a",
        "r.example is limiting requests (503) for blob x of a: too many requests", "again"
      ),
      (
        429, "", "", "manifest a:1", "r.example is limiting requests (429) for manifest a:1",
        "logged"
      ),
      (
        429, "", "", "blob x of a", "r.example is limiting requests (429) for blob x of a",
        "--workers"
      ),
    ])
  func limits(
    status: Int, wait: String, body: String, what: String, words: String, hint: String
  ) throws {
    let fields = HTTPFields(
      [("Content-Type", "text/plain")] + (wait.isEmpty ? [] : [("Retry-After", wait)]))
    let error = ResponseJudge.error(
      TransferResponse(head: ResponseHead(status: status, fields: fields), body: Array(body.utf8)),
      what: what, origin: try RemoteURL("https://r.example/").origin, now: 0)
    #expect(error.message == words)
    #expect(error.hint?.contains(hint) == true)
    #expect(error.hint?.contains("--workers") == (hint == "--workers"))
    #expect(error.kind == .overloaded(retryAfter: Double(wait)))
  }

  @Test(
    "a success that is none is waited for where it may become one, and looked at again otherwise",
    arguments: [(201, false), (202, true), (204, true), (205, false), (206, true), (304, true)])
  func oddSuccesses(status: Int, passes: Bool) throws {
    let error = ResponseJudge.error(
      TransferResponse(head: ResponseHead(status: status), body: []), what: "x",
      origin: try RemoteURL("https://r.example/").origin, now: 0)
    #expect(error.isTransient == passes && error.mayPass != passes)
  }

  @Test(
    "a redirect without a place is looked at again, not waited for", arguments: [300, 302, 307])
  func redirectToNowhere(status: Int) throws {
    #expect(RedirectRule.isRedirect(status))
    for fields in [[], [("Location", "")], [("Location", " ")]] {
      let head = ResponseHead(status: status, fields: HTTPFields(fields))
      let error = #expect(throws: RegistryError.self) {
        try RedirectRule.target(head, of: RemoteURL("https://r.example/v2/"))
      }
      #expect(error?.isTransient == false && error?.mayPass == true)
      #expect(error?.message.hasSuffix("redirects (\(status)) without saying where to") == true)
    }
  }

  @Test(
    "refuses a Retry-After that is none",
    arguments: [
      "", "-5", "soon", "1.5", "Sun, 06 Nov 1994", "99999999999999",
      "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT",
    ])
  func badRetryAfter(text: String) {
    #expect(RetryAfter.seconds(text, now: 0) == nil)
  }

  @Test(
    "reads dates across leap years",
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
      ("Fri, 31 Dec 1999 23:59:59 GMT", 946_684_799),
    ])
  func dates(text: String, seconds: Double) {
    #expect(HTTPDate.secondsSince1970(text, now: 0) == seconds)
  }

  @Test(
    "reads all three forms of dates (RFC 9110, 5.6.7)",
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777.0),
      ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
      ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Sun, 06 Nov 1994 08:49:37 UTC", 784_111_777),
      ("Sun, 06 Nov 1994 08:49:37 +0000", 784_111_777),
      ("Sat Nov 28 20:40:00 2026", 1_795_898_400),
      ("Saturday, 28-Nov-26 20:40:00 GMT", 1_795_898_400),
      ("Sunday, 28-Nov-99 20:40:00 GMT", 943_821_600),
      ("Tuesday, 28-Nov-73 20:40:00 GMT", 3_279_127_200), ("Sun Nov 6 08:49:37 94", nil),
      ("Sunday, 06-Nov-94 08:49:37", nil), ("Sun Nov 06 1994 08:49:37", nil),
      ("Sun, 06 Nov 1994 08:49:37 CET", nil),
    ] as [(String, Double?)])
  func dateForms(text: String, seconds: Double?) {
    let now = 1_795_898_394.0
    #expect(HTTPDate.secondsSince1970(text, now: now) == seconds)
    if let seconds { #expect(RetryAfter.seconds(text, now: now) == max(0, seconds - now)) }
  }

  @Test("a year of two digits is understood where this machine's clock is at its beginning")
  func yearOfTwoDigits() {
    #expect(HTTPDate.secondsSince1970("Saturday, 28-Nov-26 20:40:00 GMT", now: 0) == 1_795_898_400)
  }

  @Test(
    "what a cache says of its upstream's refusal is the upstream's (distribution-library-image#146)",
    arguments: [
      ("DENIED", 403), ("UNAUTHORIZED", 401), ("MANIFEST_UNKNOWN", 404), ("NAME_UNKNOWN", 404),
      ("TOOMANYREQUESTS", 429), ("UNKNOWN", 500), ("OTHER", 500),
    ])
  func wrappedErrors(code: String, meaning: Int) {
    let inner = #"[{"code":"\#(code)","message":"its own words","detail":null}]"#
    let nested =
      #"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"errors":\#(inner)}}]}"#
    let twice = #"{"errors":[{"code":"unknown","detail":\#(nested)}]}"#
    let plain = #"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":\#(inner)}]}"#
    for text in [nested, twice, plain] {
      let response = TransferResponse(
        head: ResponseHead(
          status: 500, fields: HTTPFields([("Content-Type", "application/json")])),
        body: Array(text.utf8))
      #expect(response.meaning == meaning)
      #expect(ErrorBody(response).codes == [code] && ErrorBody(response).words == "its own words")
    }
    // What says something itself is not what its detail says.
    let own =
      #"{"errors":[{"code":"DENIED","message":"no","detail":{"errors":[{"code":"NAME_UNKNOWN"}]}}]}"#
    #expect(ErrorBody(Array(own.utf8), contentType: nil).codes == ["DENIED"])
  }

  @Test(
    "words that came packed, or only in part, are words (go-containerregistry#1493)",
    arguments: ["gzip", nil], [0, 12])
  func packedWords(encoding: String?, missing: Int) throws {
    let text = #"{"errors":[{"code":"DENIED","message":"5 vulnerabilities"}]}"#
    let padding = String(repeating: " ", count: 100)
    let packed = Array(GZip.stored(Array((text + padding).utf8)).dropLast(missing))
    var fields = [("Content-Type", "application/json")]
    if let encoding { fields.append(("Content-Encoding", encoding)) }
    let response = TransferResponse(
      head: ResponseHead(status: 500, fields: HTTPFields(fields)), body: packed)
    #expect(ErrorBody(response).words == "5 vulnerabilities" && response.meaning == 403)
  }

  @Test("repeats the registry's words, capped, redacted and harmless")
  func errorBodies() {
    func words(_ text: String, _ type: String? = nil) -> String? {
      ErrorBody(Array(text.utf8), contentType: type).words
    }
    #expect(words(#"{"errors":[{"code":"DENIED","message":"no"},{"code":"X"}]}"#) == "no; X")
    #expect(words(#"{"message":"plain"}"#) == "plain")
    #expect(words("<html>nginx</html>", "text/html") == nil)
    #expect(words("just text", "text/plain") == "just text")
    #expect(words("newer is\twanted.\n\n\tGet it.\n", "text/plain") == "newer is wanted. Get it.")
    #expect(words(#"{"errors":[{"message":"a\u001b[2Jb\nc"}]}"#) == "a\u{FFFD}[2Jb c")
    #expect(
      words(#"{"errors":[{"message":"see https://x/y?sig=secret ok"}]}"#) == "see https://x/y?… ok")
    let secret = String(repeating: "s3cret", count: 30)
    #expect(words(#"{"errors":[{"message":"token \#(secret) bad"}]}"#) == "token … bad")
    // Storage says more than these two, and some of it is nobody's business.
    let storage =
      "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>not &lt;yours&gt;"
    #expect(
      words(storage + "\u{1b}[2J</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>")
        == "AccessDenied: not <yours>\u{FFFD}[2J")
    #expect(words("<Error><Code>InvalidRequest</Code>", "application/xml") == "InvalidRequest")
    #expect(words("<Error><Code></Code><Message>x") == nil && words("<Code>x</Code>") == nil)
    let long = String(repeating: "word ", count: 500)
    #expect((words("<Error><Message>\(long)</Message></Error>")?.count ?? 0) <= 201)
    #expect((words(#"{"errors":[{"message":"\#(long)"}]}"#)?.count ?? 0) <= 201)
  }

  @Test(
    "a detail is told where nothing else of an error says anything, and no secret of it",
    arguments: [
      (
        #""code":"UNKNOWN","message":"unknown error","detail":"AccessDenied""#,
        "unknown error: AccessDenied"
      ),
      (
        #""code":"UNKNOWN","message":null,"detail":{"Err":{"Op":"mkdir","Err":28}}"#,
        "UNKNOWN: Err 28, Op mkdir"
      ),
      (#""code":"DENIED","message":"","detail":["no space","left"]"#, "DENIED: no space, left"),
      (#""code":"DENIED","message":"no","detail":"why""#, "no"),
      (
        #""code":"UNKNOWN","message":"unknown error","detail":{"a":null,"b":"","c":true}"#,
        "unknown error"
      ),
      (
        #""code":"UNKNOWN","detail":{"accessToken":"t","AWSAccessKeyId":"k","why":"x"}"#,
        "UNKNOWN: why x"
      ),
      (
        #""code":"UNKNOWN","detail":"at https://x/y?sig=abcdefgh now""#,
        "UNKNOWN: at https://x/y?… now"
      ),
      (#""detail":"\u001b[2Jfull""#, "\u{FFFD}[2Jfull"), (#""message":7,"detail":{}"#, nil),
    ] as [(String, String?)])
  func details(entry: String, words: String?) {
    let body = ErrorBody(Array("{\"errors\":[{\(entry)}]}".utf8), contentType: nil)
    #expect(body.words == words)
    let long = String(repeating: "word ", count: 500)
    let many = ErrorBody(
      Array(#"{"errors":[{"detail":{"a":"\#(long)","b":["\#(long)"]}}]}"#.utf8), contentType: nil)
    #expect((many.words?.count ?? 0) <= 201)
  }

  @Test("tokens live as long as they say, 60 s where they do not")
  func tokens() {
    func token(_ json: String) -> Token? { Token(Array(json.utf8), now: 1000) }
    #expect(token(#"{"token":"a"}"#)?.refreshAt == 1048)
    #expect(token(#"{"access_token":"a","expires_in":300}"#)?.refreshAt == 1270)
    #expect(token(#"{"token":"","access_token":"b","expires_in":10}"#)?.value == "b")
    #expect(token(#"{"token":"a","expires_in":0}"#)?.refreshAt == 1048)
    for bad in ["", "{}", #"{"token":""}"#, #"{"token":"a\r\nX: y"}"#, #"{"token":5}"#] {
      #expect(token(bad) == nil)
    }
  }

  @Test(
    "judges the answer to a range",
    arguments: [
      (
        206, [("Content-Range", "bytes 10-19/100")], BlobVerdict.content(offset: 10, isWhole: false)
      ),
      (
        206, [("Content-Range", "bytes 5-19/100")],
        .refused(.rangeRefused, "another range came than was asked for")
      ),
      (206, [("Content-Range", "bytes 10-14/*")], .content(offset: 10, isWhole: false)),
      (
        206, [("Content-Range", "bytes 11-19/100")],
        .refused(.rangeRefused, "another range came than was asked for")
      ),
      (
        206, [("Content-Range", "bytes 0-9/100")],
        .refused(.rangeRefused, "another range came than was asked for")
      ),
      (206, [], .refused(.rangeRefused, "a part came without a readable Content-Range")),
      (
        206, [("Content-Range", "bytes 10-19/101")],
        .refused(.integrity, "the server has 101 bytes, the manifest says 100")
      ),
      (200, [("Content-Length", "100")], .content(offset: 0, isWhole: true)),
      (200, [], .content(offset: 0, isWhole: true)),
      (
        200, [("Content-Length", "99")],
        .refused(.integrity, "the server has 99 bytes, the manifest says 100")
      ),
      (
        200, [("Content-Length", "50"), ("Content-Encoding", "gzip")],
        .encoded(.gzip, offset: 0, length: 100, isWhole: true)
      ),
      (307, [], .aside), (416, [], .aside), (500, [], .aside), (404, [], .aside),
      (
        200, [("Content-Encoding", "br"), ("Content-Length", "80")],
        .refused(.protocolError(transient: true), "the blob was re-encoded (br) on its way")
      ),
      (
        206,
        [
          ("Content-Range", "bytes 10-19/100"), ("Content-Encoding", "gzip"),
          ("Content-Length", "7"),
        ],
        .encoded(.gzip, offset: 10, length: 10, isWhole: false)
      ),
      (
        200, [("Content-Encoding", "\u{1B}]0;x\u{7}"), ("Content-Length", "80")],
        .refused(
          .protocolError(transient: true),
          "the blob was re-encoded (\u{FFFD}]0;x\u{FFFD}) on its way")
      ),
      // Without a length it may be right: the digest decides.
      (200, [("Content-Encoding", "x-gzip")], .content(offset: 0, isWhole: true)),
      // Exactly the range, but called 200 (modelscope_hub#50).
      (
        200, [("Content-Range", "bytes 10-19/100"), ("Content-Length", "10")],
        .content(offset: 10, isWhole: false)
      ),
      (
        200, [("Content-Range", "bytes 0-99/100"), ("Content-Length", "100")],
        .content(offset: 0, isWhole: true)
      ),
      // Stored as it is, and only said to be encoded.
      (
        206,
        [
          ("Content-Range", "bytes 10-19/100"), ("Content-Encoding", "gzip"),
          ("Content-Length", "10"),
        ],
        .content(offset: 10, isWhole: false)
      ),
      (
        206, [("Content-Range", "bytes 10-19/100"), ("Content-Length", "12")],
        .refused(.rangeRefused, "12 bytes came for a range of 10")
      ),
      // Other successes with all of it.
      (226, [("Content-Length", "100")], .content(offset: 0, isWhole: true)),
    ] as [(Int, [(String, String)], BlobVerdict)])
  func judges(status: Int, fields: [(String, String)], expected: BlobVerdict) {
    let head = ResponseHead(status: status, fields: HTTPFields(fields))
    #expect(BlobVerdict.judge(head, wanted: 10..<20, size: 100) == expected)
  }

  @Test("who asks for everything takes a 206 with all of it, and no other without its range")
  func wholeInParts() {
    for (fields, isTaken) in [
      ([("Content-Length", "100")], true), ([("Content-Length", "99")], false), ([], false),
      ([("Content-Range", "bytes 0-99/100")], true), ([("Content-Range", "bytes 0-98/100")], false),
    ] as [([(String, String)], Bool)] {
      let head = ResponseHead(status: 206, fields: HTTPFields(fields))
      let judged = BlobVerdict.judge(head, wanted: nil, size: 100)
      #expect((judged == .content(offset: 0, isWhole: true)) == isTaken, "\(fields)")
    }
  }
}

@Suite("AuthFile")
struct AuthFileTests {
  @Test("Docker's file of old, without anything around its entries, is read")
  func oldForm() throws {
    let old = #"{"https://ghcr.io": {"auth": "dTpwOnc=", "email": "e@x"}}"#
    #expect(try answers(old, "ghcr.io") == [Self.user])
    #expect(try answers(#"{"ghcr.io": {"auth": 7}, "HttpHeaders": {}}"#, "ghcr.io").isEmpty)
  }

  func answers(_ json: String, _ registry: String, _ repository: String = "o/n") throws -> [AuthFile
    .Answer]
  {
    try AuthFile(Data(json.utf8)).answers(registry: registry, repository: repository)
  }

  static let user = AuthFile.Answer.credential(.basic(user: "u", password: "p:w"))

  @Test(
    "finds credentials under every spelling of a key",
    arguments: [
      ("ghcr.io", "ghcr.io"), ("https://ghcr.io", "ghcr.io"), ("https://ghcr.io/v2/", "ghcr.io"),
      ("https://index.docker.io/v1/", "docker.io"), ("docker.io", "docker.io"),
      ("index.docker.io/v1/", "docker.io"), ("localhost:5000/v2/", "localhost:5000"),
      ("registry-1.docker.io", "docker.io"),
      ("localhost:5000", "localhost:5000"), ("http://localhost:5000/", "localhost:5000"),
      ("ghcr.io/o", "ghcr.io"), ("ghcr.io/o/n", "ghcr.io"),
      // Names of hosts have no case.
      ("localhost:5000", "LOCALHOST:5000"), ("https://GHCR.io/v2/", "ghcr.io"),
      ("GHCR.IO/o", "Ghcr.io"),
    ])
  func findsKeys(key: String, registry: String) throws {
    let auth = Data("u:p:w".utf8).base64EncodedString()
    #expect(try answers(#"{"auths":{"\#(key)":{"auth":"\#(auth)"}}}"#, registry) == [Self.user])
  }

  @Test("a namespace may be called as versions are, and has its own login")
  func versionsAsNames() throws {
    let entries = ["g.io/a/v1", "g.io/a/v2", "g.io/a", "g.io/v2"].map {
      #""\#($0)":{"username":"u","password":"\#($0)"}"#
    }
    for order in [entries, entries.reversed()] {
      let file = try AuthFile(Data("{\"auths\":{\(order.joined(separator: ","))}}".utf8))
      for (repository, passwords) in [
        ("a/v1", ["g.io/a/v1", "g.io/a"]), ("a/v2", ["g.io/a/v2", "g.io/a"]),
        ("a/other", ["g.io/a"]), ("v2/x", ["g.io/v2"]), ("other", []),
      ] {
        let found = file.answers(registry: "g.io", repository: repository)
        #expect(
          found == passwords.map { .credential(.basic(user: "u", password: $0)) }, "\(repository)")
      }
    }
  }

  @Test("a longer key wins over a shorter, and others do not match")
  func prefersLonger() throws {
    let json =
      #"{"auths":{"g.io":{"username":"a","password":"1"},"g.io/o":{"username":"b","password":"2"},"g.io/other":{"username":"c","password":"3"}}}"#
    #expect(try answers(json, "g.io").first == .credential(.basic(user: "b", password: "2")))
    #expect(try answers(json, "g.io", "x/y") == [.credential(.basic(user: "a", password: "1"))])
    #expect(try answers(json, "h.io").isEmpty)
  }

  @Test(
    "an entry is found whatever its port, case, padding and odd neighbours",
    arguments: [
      (#"{"auths":{"g.io:443":{"auth":"dTpwOnc="}}}"#, "g.io"),
      (#"{"auths":{"g.io":{"auth":"dTpwOnc="}}}"#, "g.io:443"),
      (#"{"Auths":{"g.io":{"Auth":"dTpwOnc"}}}"#, "g.io"),
      (#"{"auths":{"x":null,"y":7,"g.io":{"auth":"dTpw\nOnc="}},"credHelpers":[]}"#, "g.io"),
      ("\u{FEFF}" + #"{"auths":{"g.io":{"username":"u","password":"p:w"}}}"#, "g.io"),
    ])
  func tolerant(json: String, registry: String) throws {
    #expect(try answers(json, registry) == [Self.user])
  }

  @Test(
    "a user and a password are bytes, and go out as they came; NUL around them is padding",
    arguments: [
      ([0x75, 0x3A, 0x70, 0xE9], [0x75, 0x3A, 0x70, 0xE9]),
      ([0, 0x75, 0x3A, 0x70, 0, 0x71, 0, 0], [0x75, 0x3A, 0x70, 0, 0x71]),
      ([0x75, 0x3A, 0xFF, 0], [0x75, 0x3A, 0xFF]), ([0x3A, 0xFF], nil), ([0xFF], nil),
    ] as [([UInt8], [UInt8]?)])
  func passwordsOfBytes(file: [UInt8], sent: [UInt8]?) throws {
    let auth = Data(file).base64EncodedString()
    let found = try answers(#"{"auths":{"g.io":{"auth":"\#(auth)"}}}"#, "g.io")
    let fields = found.map { answer -> String? in
      if case .credential(let one) = answer { one.basicHeader } else { nil }
    }
    #expect(fields == (sent.map { ["Basic " + Data($0).base64EncodedString()] } ?? []))
    #expect(!"\(found)".contains(auth))
  }

  @Test("an empty file says nothing, and what is no object is an error")
  func emptyFile() throws {
    #expect(try answers(" \n", "g.io").isEmpty)
    for text in ["[]", "null", "{", "x"] {
      #expect(throws: AuthFile.Invalid.self) { try answers(text, "g.io") }
    }
  }

  @Test("identity tokens, registry tokens and helpers")
  func otherKinds() throws {
    #expect(
      try answers(#"{"auths":{"g.io":{"auth":"dTpw","identitytoken":"t"}}}"#, "g.io") == [
        .credential(.identityTokenOrBasic("t", user: "u", password: "p"))
      ])
    #expect(
      try answers(#"{"auths":{"g.io":{"identitytoken":"t"}}}"#, "g.io") == [
        .credential(.identityToken("t"))
      ])
    #expect(
      try answers(#"{"auths":{"g.io":{"registrytoken":"t"}}}"#, "g.io") == [
        .credential(.registryToken("t"))
      ])
    let helpers = #"{"credHelpers":{"g.io":"h"},"credsStore":"s","auths":{"g.io":{}}}"#
    #expect(
      try answers(helpers, "g.io") == [
        .helper(name: "h", servers: ["g.io", "https://g.io"]),
        .helper(name: "s", servers: ["g.io", "https://g.io"]),
      ])
    #expect(
      try answers(helpers, "docker.io") == [
        .helper(
          name: "s",
          servers: [
            "https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io",
          ])
      ])
  }

  @Test("what is not in the expected form offers nothing")
  func toleratesNonsense() throws {
    #expect(try answers(#"{"auths":{"g.io":{"auth":"***"},"x":{"auth":""}}}"#, "g.io").isEmpty)
    #expect(throws: (any Error).self) { try answers("[]", "g.io") }
  }

  @Test("the usual files, in order")
  func standardFiles() {
    let environment = ["HOME": "/h", "XDG_RUNTIME_DIR": "/r"]
    #expect(
      CredentialFile.standard(authFile: nil, environment: environment).map(\.path) == [
        "/r/containers/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json",
      ])
    #expect(
      CredentialFile.standard(authFile: nil, environment: ["REGISTRY_AUTH_FILE": "/f"]) == [
        CredentialFile(named: "/f")
      ])
    #expect(
      CredentialFile.standard(authFile: "/x", environment: ["REGISTRY_AUTH_FILE": "/f"]) == [
        CredentialFile(named: "/x")
      ])
    #expect(
      CredentialFile.standard(
        authFile: nil, environment: ["HOME": "/h", "DOCKER_CONFIG": "/d"]
      ).last == CredentialFile(usual: "/d/config.json", in: nil))
  }

  @Test("a credential never shows its secret")
  func hidesSecrets() {
    let credential = Credential.basic(user: "u", password: "hunter2")
    #expect("\(credential) \(String(reflecting: credential))".contains("hunter2") == false)
  }

  @Test(
    "a password begins behind the first colon, whatever letters stand beside that",
    arguments: [("u", "\u{301}hunter2"), ("u\u{D4E}", "hunter2"), ("u", "\u{FE0F}hunter2:\u{301}")])
  func passwords(user: String, password: String) throws {
    let text = "\(user):\(password)"
    let credential = try #require(Credential(userAndPassword: text))
    #expect(credential == .basic(user: user, password: password))
    let header = try #require(credential.basicHeader)
    #expect(header == "Basic " + Data(text.utf8).base64EncodedString())
    let file = #"{"auths":{"r.example":{"auth":"\#(header.dropFirst(6))"}}}"#
    let answers = try AuthFile(Data(file.utf8)).answers(registry: "r.example", repository: "o/n")
    #expect(answers == [.credential(credential)])
    let shown = Secrets(authorization: header).redact("no: \(password) is wrong")
    #expect(shown == "no: … is wrong")
  }
}
