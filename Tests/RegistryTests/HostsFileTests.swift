import Foundation
import OCI
@testable import Registry
import Support
import Testing
import Transfer

/// containerd's rules, from its docs/hosts.md and core/remotes/docker/config/hosts.go.
@Suite("hosts.toml")
struct HostsFileTests {
  static let text = """
    server = "https://registry-1.docker.io"

    [host."https://z.example"]
      capabilities = ["pull", "resolve"]

    [host."http://a.example:5000/cache"]
      capabilities = ["PULL"]

    [host."https://m.example/v2/hub"]
      override_path = true

    [host."https://all.example"]
      capabilities = []
    """

  func endpoints(_ text: String, _ reference: String = "ubuntu", plainHTTP: Bool = false) throws
    -> [Endpoint]
  {
    let reference = try Reference(reference)
    return try HostsFile(text, folder: "/etc/x").endpoints(
      for: reference, own: Endpoint(of: reference, plainHTTP: plainHTTP),
      source: "/etc/x/hosts.toml"
    )
  }

  func urls(_ endpoints: [Endpoint], _ reference: String = "ubuntu") throws -> [String] {
    let reference = try Reference(reference)
    return try endpoints.map {
      try $0.url("/\($0.repository(of: reference))", over: $0.origin).description
    }
  }

  @Test("the registry's name without TLS is not shown what is kept for it with TLS")
  func plainTwin() throws {
    let reference = try Reference("r.example/o/n")
    let own = try Endpoint(of: reference, plainHTTP: false)
    let found = try HostsFile("[host.\"http://r.example\"]").endpoints(for: reference, own: own)
    #expect(found.map { $0.registry(of: reference) } == ["http://r.example", "r.example"])
    let plain = try Endpoint(of: reference, plainHTTP: true)
    let wanted = try HostsFile("[host.\"http://r.example\"]").endpoints(
      for: reference, own: plain)
    #expect(wanted.allSatisfy { $0.registry(of: reference) == "r.example" })
  }

  @Test(
    "mirrors are asked in the file's order, then the registry, which is not told whose image is meant"
  )
  func order() throws {
    let found = try endpoints(Self.text)
    #expect(
      try urls(found) == [
        "https://z.example/v2/library/ubuntu?ns=docker.io",
        "http://a.example:5000/cache/v2/library/ubuntu?ns=docker.io",
        "https://m.example/v2/hub/library/ubuntu?ns=docker.io",
        "https://all.example/v2/library/ubuntu?ns=docker.io",
        "https://registry-1.docker.io/v2/library/ubuntu",
      ])
    #expect(found.map(\.resolvesTags) == [true, false, true, true, true])
    #expect(found.map(\.servesContent) == [true, true, true, true, true])
    #expect(found.allSatisfy { $0.source == "/etc/x/hosts.toml" })
  }

  /// containerd#11647, #9206, #13212, #12636.
  @Test(
    "who is asked, whatever way it is written",
    arguments: [
      ("server = \"http://repo.homes\"", "repo.homes/a", ["http://repo.homes/v2/a"]),
      (
        "server = \"https://harbor.example/hub\"", "ubuntu",
        ["https://harbor.example/hub/v2/library/ubuntu?ns=docker.io"]
      ),
      ("server = \"repo.example:5000\"", "repo.example:5000/a", ["https://repo.example:5000/v2/a"]),
      ("server = \"https://repo.example/\"", "repo.example/a", ["https://repo.example/v2/a"]),
      (
        "server = \"https://repo.example/x/../v2/\"", "repo.example/a",
        ["https://repo.example/v2/a"]
      ),
      ("server = \"\"", "repo.example/a", ["https://repo.example/v2/a"]),
      ("", "repo.example/a", ["https://repo.example/v2/a"]),
      // The documentation's own example: Docker Hub's name is not its API's address.
      (
        "server = \"https://docker.io\"\n[host.\"https://registry-1.docker.io\"]\ncapabilities = [\"pull\", \"resolve\"]",
        "ubuntu", ["https://registry-1.docker.io/v2/library/ubuntu"]
      ),
      // One server twice, with other paths, or reached in another way.
      (
        "server = \"https://r.example/b\"\n[host.\"https://r.example/a\"]\n[host.\"https://r.example/b\"]",
        "ubuntu",
        [
          "https://r.example/a/v2/library/ubuntu?ns=docker.io",
          "https://r.example/b/v2/library/ubuntu?ns=docker.io",
        ]
      ),
      (
        "server = \"https://r.example\"\n[host.\"https://r.example\"]\nskip_verify = true",
        "r.example/a", ["https://r.example/v2/a", "https://r.example/v2/a"]
      ),
      (
        "server = \"https://r.example\"\n[host.\"https://r.example\"]\n[host.\"https://m.example\"]",
        "r.example/a",
        ["https://r.example/v2/a", "https://m.example/v2/a?ns=r.example", "https://r.example/v2/a"]
      ),
      // override_path is complete, with or without v2.
      (
        "server = \"https://r.example/api/docker\"\noverride_path = true", "r.example/a",
        ["https://r.example/api/docker/a"]
      ),
      (
        "server = \"https://r.example\"\noverride_path = true", "r.example/a",
        ["https://r.example/a"]
      ),
      // A registry with a port is another one than its namesake.
      (
        "[host.\"https://r.example\"]", "r.example:5000/a",
        ["https://r.example/v2/a?ns=r.example:5000", "https://r.example:5000/v2/a"]
      ),
      (
        "[host.\"HTTPS://R.example\".header]\nx = \"y\"", "q.example/a",
        ["https://r.example/v2/a?ns=q.example", "https://q.example/v2/a"]
      ),
    ] as [(String, String, [String])])
  func whoIsAsked(text: String, reference: String, expected: [String]) throws {
    #expect(try urls(endpoints(text, reference), reference) == expected)
    #expect(try HostsFile(text).warnings.isEmpty)
  }

  @Test("a server's own proxy stands over all others, and shows no password")
  func ownProxy() throws {
    let found = try endpoints(
      "[host.\"https://m\"]\nproxy = \"socks5://u:secret@p.example\"", "r.example/a")
    #expect(found.map { $0.access.proxy?.description } == ["socks5h://p.example:1080", nil])
  }

  @Test("keys at the root are the server's, named or not; without a server it can do everything")
  func rootKeys() throws {
    let keys = """
      ca = ["a.crt", "/b.crt"]
      client = [["c.cert", "c.key"]]
      dial_timeout = "1m3s"
      override_path = true
      capabilities = ["resolve"]
      header = { x-one = "1" }
      """
    for (server, prefix, serves) in [
      ("", "/v2", true), ("server = \"https://r.example/p\"\n", "/p", false),
    ] {
      let found = try endpoints(server + keys, "r.example/a")
      #expect(found.count == 1)
      let endpoint = try #require(found.first)
      #expect(endpoint.pathPrefix == prefix)
      #expect(endpoint.resolvesTags)
      #expect(endpoint.servesContent == serves)
      #expect(endpoint.access.caFiles == ["/etc/x/a.crt", "/b.crt"])
      #expect(
        endpoint.access.clientCertificate
          == .init(certificate: "/etc/x/c.cert", key: "/etc/x/c.key"))
      #expect(endpoint.access.connectTimeout == 63)
      #expect(endpoint.fields == HTTPFields([("x-one", "1")]))
    }
  }

  @Test("a registry's own fields stay where a file speaks of it, and no mirror gets them")
  func ownFields() throws {
    let reference = try Reference("r.example/a")
    var own = try Endpoint(of: reference, plainHTTP: false)
    own.fields = HTTPFields([("x-own", "0")])
    for (text, expected) in [
      ("[header]\nx-one = \"1\"\n[host.\"https://m\"]", [[], ["x-own", "x-one"]]),
      ("server = \"https://r.example\"\n[host.\"https://m\"]", [[], ["x-own"]]),
      ("server = \"https://q.example\"\n[host.\"https://r.example\"]", [["x-own"], []]),
    ] as [(String, [[String]])] {
      let found = try HostsFile(text).endpoints(for: reference, own: own)
      #expect(found.map { endpoint in endpoint.fields.all.map(\.name) } == expected, "\(text)")
    }
  }

  @Test(
    "client is a file, files, or pairs of files; of several the first is shown",
    arguments: [
      ("\"a.pem\"", "/etc/x/a.pem", nil, 0), ("[\"/a.pem\"]", "/a.pem", nil, 0),
      ("[[\"a.pem\", \"\"]]", "/etc/x/a.pem", nil, 0),
      ("[[\"a.cert\", \"b.key\"], [\"c\", \"d\"]]", "/etc/x/a.cert", "/etc/x/b.key", 1),
      ("[\"a\", [\"b\", \"c\"]]", "/etc/x/a", nil, 1),
    ] as [(String, String, String?, Int)])
  func client(value: String, certificate: String, key: String?, warnings: Int) throws {
    let file = try HostsFile("[host.\"https://m\"]\nclient = \(value)", folder: "/etc/x")
    #expect(
      file.hosts.map(\.settings.access.clientCertificate)
        == [.init(certificate: certificate, key: key)])
    #expect(file.warnings.count == warnings)
  }

  @Test("fields of headers keep their values, also several; no warning repeats one")
  func headers() throws {
    let file = try HostsFile(
      "[host.\"https://m\".header]\nAuthorization = [\"Basic s3cret\"]\nx-a = [\"1\", \"2\"]\n")
    #expect(
      file.hosts.first?.settings.fields
        == HTTPFields([("Authorization", "Basic s3cret"), ("x-a", "1"), ("x-a", "2")]))
    for bad in ["\"x y\" = \"s3cret\"", "x = \"s3cret\\r\\nHost: e\"", "x = [\"s3cret\", 1]"] {
      let broken = try HostsFile("[host.\"https://m\".header]\n\(bad)")
      #expect(broken.hosts.map(\.settings.fields) == [HTTPFields()])
      #expect(broken.warnings.count == 1)
      #expect(!broken.warnings.joined().contains("s3cret"))
    }
  }

  @Test(
    "who says something about TLS is tried by TLS first, as containerd does, unless it is at port 80",
    arguments: [
      ("http://m:5000", "skip_verify = true", "https://m:5000", true),
      ("http://m:5000", "skip_verify = false", "https://m:5000", true),
      ("http://m:5000", "ca = \"x\"", "https://m:5000", true),
      ("http://m:5000", "dial_timeout = \"1s\"", "http://m:5000", false),
      ("http://m:80", "skip_verify = true", "http://m", false),
      ("http://m", "skip_verify = true", "http://m", false),
      ("https://m:5000", "skip_verify = true", "https://m:5000", false),
    ])
  func plainWithTLS(url: String, key: String, origin: String, fallsBack: Bool) throws {
    for text in ["[host.\"\(url)\"]\n\(key)", "server = \"\(url)\"\n\(key)"] {
      let endpoint = try #require(try endpoints(text).first)
      #expect(endpoint.origin.description == origin)
      #expect(endpoint.allowsPlainFallback == fallsBack)
      #expect(endpoint.access.skipsVerification == (key == "skip_verify = true"))
    }
  }

  @Test("--plain-http is the last word about the registry itself, not about its mirrors")
  func plainHTTP() throws {
    let text = "server = \"https://r.example\"\n[host.\"https://m.example\"]"
    #expect(
      try endpoints(text, "r.example/a", plainHTTP: true).map(\.origin.description)
        == ["https://m.example", "http://r.example"])
  }

  @Test(
    "a registry on this machine without a file may speak plain HTTP; one whose file says https must not"
  )
  func localhost() throws {
    #expect(try endpoints("", "localhost:5000/a").map(\.allowsPlainFallback) == [true])
    #expect(
      try endpoints("server = \"https://localhost:5000\"", "localhost:5000/a")
        .map(\.allowsPlainFallback) == [false])
  }

  @Test(
    "what a host has wrong, and must not be asked without, costs that host, with a warning",
    arguments: [
      "[host.\"ftp://x\"]", "[host.\"https://u:p@x\"]", "host.x = 1",
      "[host.x]\ncapabilities = [\"full\"]", "[host.x]\ncapabilities = 1", "[host.x]\nproxy = 1",
      "[host.x]\nproxy = \"ftp://u:p@x\"", "[host.x]\nproxy = \"http://u:p@x/path\"",
    ])
  func leftOut(text: String) throws {
    let file = try HostsFile(text + "\n[host.\"https://good.example\"]")
    #expect(file.hosts.map(\.url.origin.host) == ["good.example"])
    #expect(file.warnings.count == 1)
    #expect(file.warnings.allSatisfy { $0.contains("is left out") && !$0.contains(":p@") })
  }

  @Test(
    "a mirror that is to be asked for other names is not asked for this one (k3s#4961, rke2#6889)")
  func rewritten() throws {
    let file = try HostsFile(
      """
      [host."https://m"]
      capabilities = ["pull"]
      [host."https://m".rewrite]
      "^a/(.*)" = "b/$1"
      [host."https://n"]
      """)
    #expect(file.hosts.map(\.url.origin.host) == ["n"])
    #expect(file.warnings.count == 1 && file.warnings[0].contains("rewrite"))
  }

  @Test("containerd's later capabilities are known, and say nothing of what is pulled")
  func laterCapabilities() throws {
    let text = "capabilities = [\"pull\", \"resolve\", \"referrers\"]"
    let file = try HostsFile("[host.\"https://m\"]\n" + text)
    #expect(file.hosts.map { meaning(of: "capabilities", $0.settings) } == ["true true"])
    #expect(file.warnings.isEmpty)
  }

  @Test(
    "a value that makes no sense costs no host: it is taken for what it must mean or passed over, with a warning that has its key",
    arguments: [
      ("capabilities = \"pull\"", "true false"),
      ("capabilities = [\"resolve\", \"other\"]", "false true"),
      ("ca = 1", "[]"), ("ca = [1]", "[]"), ("client = [[\"a\"]]", "nil"),
      ("skip_verify = \"true\"", "true"), ("skip_verify = \"False\"", "false"),
      ("skip_verify = 1", "false"), ("skip_verify = \"yes\"", "false"),
      ("override_path = 1", "false"), ("override_path = \"TRUE\"", "true"),
      ("header = \"a\"", "true"), ("dial_timeout = 5", "5.0"), ("dial_timeout = 2.5", "2.5"),
      ("dial_timeout = \"3\"", "3.0"), ("dial_timeout = \"-3s\"", "nil"),
      ("dial_timeout = nan", "nil"), ("dial_timeout = true", "nil"),
    ])
  func understood(text: String, meaning: String) throws {
    let key = try #require(text.split(separator: " ").first)
    let file = try HostsFile("[host.\"https://m\"]\n" + text)
    #expect(file.hosts.map { self.meaning(of: key, $0.settings) } == [meaning])
    #expect(file.warnings.count == 1)
    let words = key == "capabilities" ? "capabilit" : String(key)
    #expect(file.warnings.allSatisfy { $0.hasPrefix("mirror https://m: ") && $0.contains(words) })
    // At the root it is about the registry itself.
    #expect(try self.meaning(of: key, HostsFile(text).root) == meaning)
  }

  private func meaning(of key: Substring, _ settings: HostSettings) -> String {
    func text<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "nil" }
    return switch key {
    case "capabilities": "\(text(settings.serves)) \(text(settings.resolves))"
    case "ca": "\(settings.access.caFiles)"
    case "client": text(settings.access.clientCertificate)
    case "skip_verify": "\(settings.access.skipsVerification)"
    case "override_path": "\(settings.overridesPath)"
    case "header": "\(settings.fields == HTTPFields())"
    default: text(settings.access.connectTimeout)
    }
  }

  @Test(
    "what is there twice is named, without secrets",
    arguments: [
      (
        "[host.\"https://m\"]\n[host.\"https://n\"]\n[host.\"https://m\"]",
        "line 3 has host.https://m a second time"
      ),
      (
        "[host.\"https://u:p@m\"]\n[host.\"https://u:p@m\"]",
        "line 2 has host.https://m a second time"
      ),
      ("server = \"a\"\nserver = \"b\"", "line 2 has server a second time"),
      ("[host.a]\nca = \"x\"\nca = \"y\"", "line 3 has host.a.ca a second time"),
    ])
  func twice(text: String, words: String) {
    let error = #expect(throws: HostsFile.Invalid.self) { try HostsFile(text) }
    #expect(error?.description == words)
  }

  @Test("keys that nobody knows are passed over, with a warning; the host is asked all the same")
  func unknownKeys() throws {
    let file = try HostsFile(
      "mirror = 1\n[host.\"https://a\"]\nplugin = 1\nbogus = true")
    #expect(file.hosts.count == 1)
    #expect(
      file.warnings == [
        "mirror is not supported and passed over",
        "mirror https://a: plugin is not supported and passed over",
        "mirror https://a: bogus is not supported and passed over",
      ])
  }

  /// containerd/containerd#8053.
  @Test(
    "a server that can be none is the registry itself, and mirrors are asked before it",
    arguments: ["1", "\"*\"", "\"https://u:S3cret@x\"", "\"ftp://x\"", "[\"https://x\"]"])
  func noServer(server: String) throws {
    let text = "server = \(server)\n[host.\"https://m.example\"]"
    #expect(
      try endpoints(text, "r.example/a").map(\.origin.authority) == ["m.example", "r.example"])
    let warnings = try HostsFile(text).warnings
    #expect(warnings.count == 1 && warnings[0].hasPrefix("server is passed over"))
    #expect(!warnings[0].contains("S3cret"))
  }

  @Test(
    "what is no TOML, or has a root that cannot be read, is refused",
    arguments: [
      "server = ", "host = 1", "proxy = 1",
      "capabilities = [\"x\"]",
      // The library that was here before ended the process at these two.
      "[`ost]", "capabilities = [}full\"]",
    ])
  func refuses(text: String) {
    #expect(throws: HostsFile.Invalid.self) { try HostsFile(text) }
  }

  /// containerd#9648.
  @Test(
    "tokens and credentials are for the repository that the mirror has, where its path names one",
    arguments: [
      ("https://m.example:5000/v2/proj", true, "proj/library/ubuntu"),
      ("https://m.example:5000/v2/proj/v2/x/", true, "proj/v2/x/library/ubuntu"),
      ("https://m.example:5000/artifactory/v2/proj", true, "proj/library/ubuntu"),
      ("https://m.example:5000/proj", false, "library/ubuntu"),
      ("https://m.example:5000/v2/proj", false, "library/ubuntu"),
      ("https://m.example:5000/proj", true, "library/ubuntu"),
      ("https://m.example:5000/proj/v2", true, "library/ubuntu"),
    ])
  func scope(url: String, overrides: Bool, repository: String) throws {
    let found = try endpoints("[host.\"\(url)\"]\noverride_path = \(overrides)")
    #expect(found.first?.repository(of: try Reference("ubuntu")) == repository)
    #expect(found.first?.registry(of: try Reference("ubuntu")) == "m.example:5000")
    #expect(found.last?.registry(of: try Reference("ubuntu")) == "docker.io")
    #expect(found.last?.repository(of: try Reference("ubuntu")) == "library/ubuntu")
  }

  @Test(
    "times are those of Go",
    arguments: [
      ("3s", 3), ("30s", 30), ("1m30s", 90), ("1.5h", 5_400), ("300ms", 0.3), (".5s", 0.5),
      ("2.s", 2), ("+1s", 1), ("0", 0), ("1h1m1s", 3_661), ("5µs", 5e-6), ("-3s", -3),
      ("3", nil), ("", nil), ("s", nil), ("3 s", nil), ("3x", nil), ("1..5s", nil), ("-", nil),
      ("1e9h", nil), ("99999999999999h", nil), ("٣s", nil),
    ] as [(String, Double?)])
  func durations(text: String, seconds: Double?) {
    let found = GoDuration.seconds(text)
    #expect((found == nil) == (seconds == nil))
    #expect(abs((found ?? 0) - (seconds ?? 0)) < 1e-9)
  }

  @Test(
    "folders have containerd's names",
    arguments: [
      ("docker.io", ["docker.io", "_default"]),
      ("localhost:45885", ["localhost_45885_", "localhost:45885", "_default"]),
      ("[::1]:5000", ["[::1]_5000_", "[::1]:5000", "_default"]),
      ("E.com:1", ["E.com_1_", "E.com:1", "e.com_1_", "e.com:1", "_default"]),
    ])
  func folders(registry: String, names: [String]) {
    #expect(HostsFolder.names(of: registry) == names)
  }
}
