import OCI
@testable import Registry
import Testing
import Transfer

/// podman's rules, from containers-registries.conf(5) and containers-registries.conf.d(5).
@Suite("registries.conf")
struct RegistriesConfigTests {
  func config(_ texts: String...) throws -> RegistriesConfig {
    var config = RegistriesConfig()
    for (number, text) in texts.enumerated() {
      config.add(try RegistriesFile(text, path: "/\(number).conf"), path: "/\(number).conf")
    }
    return config
  }

  /// Scheme, place and repository of those who are asked.
  func asked(_ config: RegistriesConfig, _ name: String) throws -> [String]? {
    let reference = try Reference(name)
    return try config.plan(for: reference, plainHTTP: false)?.endpoints.map {
      "\($0.origin)/\($0.repository(of: reference))"
    }
  }

  static let foo = """
    [[registry]]
    prefix = "example.com/foo"
    location = "internal.example/bar"
    [[registry.mirror]]
    location = "mirror-0.example/mirror-for-foo"
    [[registry.mirror]]
    location = "mirror-1.example:5000/mirrors/foo/"
    insecure = true
    """

  @Test("the manual's example: mirrors in order, then the location, each with its own repository")
  func manual() throws {
    let config = try config(Self.foo)
    #expect(
      try asked(config, "example.com/foo/image:latest") == [
        "https://mirror-0.example/mirror-for-foo/image",
        "https://mirror-1.example:5000/mirrors/foo/image", "https://internal.example/bar/image",
      ])
    let reference = try Reference("example.com/foo/image:latest")
    let plan = try #require(try config.plan(for: reference, plainHTTP: false))
    #expect(plan.endpoints.map(\.access.skipsVerification) == [false, true, false])
    #expect(plan.endpoints.map(\.allowsPlainFallback) == [false, true, false])
    #expect(
      plan.endpoints.map { $0.registry(of: reference) }
        == ["mirror-0.example", "mirror-1.example:5000", "internal.example"])
    #expect(plan.endpoints.allSatisfy { $0.namespace == nil && $0.source == "/0.conf" })
    #expect(plan.source == "/0.conf" && plan.blocks == nil)
  }

  @Test("a prefix with a tag names the location that lacks it, and its file")
  func tagInPrefix() throws {
    let table = """
      [[registry]]
      prefix = "example.com/x/y:latest"
      location = "mirror.test/x/y
      """
    let image = "example.com/x/y:latest"
    let wrong = try config(table + "\"")
    let refused = #expect(throws: EndpointPlan.Refused.self) { try asked(wrong, image) }
    #expect(
      refused?.message
        == "/0.conf: the location \"mirror.test/x/y\" of the prefix \"example.com/x/y:latest\" has to end in "
        + "\":latest\", too")
    #expect(try asked(wrong, "example.com/x/y:2") == nil)
    #expect(try asked(try config(table + ":latest\""), image) == ["https://mirror.test/x/y"])
  }

  @Test(
    "a user and a password in a place are refused, and not shown",
    arguments: [
      "location = \"u:S3cr3t@m.test/m\"", "location = \"u:S3/cr3t@m.test\"",
      "prefix = \"u:S3cr3t@m.test\"",
      "location = \"u:S3cr3t@m.test/m@sha256:1\"",
      "location = \"m.test\"\n[[registry.mirror]]\nlocation = \"u:S3cr3t@m.test/m\"",
    ])
  func passwords(table: String) throws {
    let file = try RegistriesFile("[[registry]]\n\(table)\n", path: "/a.conf")
    #expect(file.warnings.contains { $0.contains("credentials belong in an auth file") })
    #expect(!"\(file.warnings)".contains("cr3t"))
    let blocking = #expect(throws: RegistriesFile.Invalid.self) {
      try RegistriesFile("[[registry]]\nblocked = true\nlocation = \"u:S3cr3t@m.test\"")
    }
    #expect(blocking?.description.contains("cr3t") == false)
  }

  @Test(
    "a prefix is about what it names and all below it, and about nothing else",
    arguments: [
      ("example.com", "example.com/a", true), ("example.com", "example.com:5000/a", false),
      ("example.com:5000", "example.com:5000/a/b", true),
      ("example.com", "example.com.evil/a", false),
      ("example.com/foo", "example.com/foo", true),
      ("example.com/foo", "example.com/foo/bar", true),
      ("example.com/foo", "example.com/foobar", false),
      ("example.com/foo/", "example.com/foo:1", true),
      ("example.com/foo:1", "example.com/foo:1", true),
      ("example.com/foo:1", "example.com/foo:10", false),
      ("docker.io/library", "alpine", true), ("docker.io/alpine", "alpine", false),
      ("localhost", "localhost:5000/a", false), ("localhost", "localhost/a", true),
      ("*.example.com", "a.example.com/x", true), ("*.example.com", "a.b.example.com:5000/x", true),
      ("*.example.com", "example.com/x", false), ("*.example.com", "aexample.com/x", false),
      ("*.example.com", "a.example.com.evil.com/x", false),
      ("*.example.com", "b.example.com.example.com/x", true),
      ("*.example.com", "other.com/a.example.com", false),
    ])
  func prefixes(prefix: String, name: String, matches: Bool) throws {
    let config = try config("[[registry]]\nprefix = \"\(prefix)\"")
    #expect(try (config.table(for: Reference(name)) != nil) == matches)
  }

  @Test("of several prefixes the longest counts, of equal ones in one file the first")
  func longestPrefix() throws {
    let config = try config(
      """
      [[registry]]
      prefix = "example.com"
      location = "one.example"
      [[registry]]
      prefix = "example.com/a/b"
      location = "two.example/x"
      [[registry]]
      prefix = "example.com/a"
      location = "three.example"
      [[registry]]
      prefix = "example.com"
      location = "four.example"
      """)
    #expect(try asked(config, "example.com/z") == ["https://one.example/z"])
    #expect(try asked(config, "example.com/a/b/c") == ["https://two.example/x/c"])
    #expect(try asked(config, "example.com/a/c") == ["https://three.example/c"])
    #expect(try asked(config, "other.com/z") == nil)
  }

  @Test("later files replace tables of the same prefix whole, lists whole, and aliases one by one")
  func merging() throws {
    let config = try config(
      Self.foo + "\n[[registry]]\nlocation = \"kept.example\"\ninsecure = true\n",
      "unqualified-search-registries = [\"a.example\", \"b.example\"]\n[aliases]\n"
        + "one = \"x.example/one\"\ntwo = \"x.example/two\"\nthree = \"x.example/three\"",
      "[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"new.example\"",
      "unqualified-search-registries = [\"c.example\"]\n[aliases]\ntwo = \"y.example/two\"\nthree = \"\"",
      "[aliases]\n")
    #expect(try asked(config, "example.com/foo/a") == ["https://new.example/a"])
    #expect(try asked(config, "kept.example/a") == ["https://kept.example/a"])
    func names(_ text: String) throws -> [String] {
      try config.images(named: try #require(ShortName(text))).references.map(\.description)
    }
    #expect(try names("one") == ["x.example/one:latest"])
    #expect(try names("two:3") == ["y.example/two:3"])
    #expect(try names("three") == ["c.example/three:latest"])
  }

  @Test("what one file blocks stays blocked, whatever a later one says of the same prefix")
  func keepsBlocked() throws {
    let blocked = "[[registry]]\nlocation = \"e.com\"\nblocked = true\n"
    let other = "[[registry]]\nlocation = \"e.com\"\nblocked = false\n"
    let mirror = "[[registry.mirror]]\nlocation = \"m.com\"\n"
    for texts in [(blocked, other), (other, blocked)] {
      let config = try config(texts.0, texts.1)
      #expect(throws: EndpointPlan.Refused.self) { try asked(config, "e.com/a") }
    }
    let mirrored = try config(blocked, other + mirror, other + mirror)
    #expect(try asked(mirrored, "e.com/a") == ["https://m.com/a"])
    let plan = try mirrored.plan(for: Reference("e.com/a"), plainHTTP: false)
    #expect(plan?.blocks == "/0.conf blocks e.com")
    // Who says more has the last word.
    let exact = try config(blocked, "[[registry]]\nlocation = \"e.com/a\"")
    #expect(try asked(exact, "e.com/a") == ["https://e.com/a"])
  }

  @Test("each server is reached by the proxy of its own table, which shows no password")
  func proxies() throws {
    let config = try config(
      """
      [[registry]]
      location = "e.com"
      Proxy = "http://u:S3cr3t@p.example:3128"
      [[registry.mirror]]
      location = "m.com"
      proxy = "socks5://q.example"
      insecure = true
      [[registry.mirror]]
      location = "n.com"
      proxy = ""
      """)
    let plan = try #require(try config.plan(for: Reference("e.com/a"), plainHTTP: false))
    #expect(
      plan.endpoints.map { $0.access.proxy?.description }
        == ["socks5h://q.example:1080", nil, "http://p.example:3128"])
    #expect(plan.endpoints.map(\.access.skipsVerification) == [true, false, false])
    #expect(plan.warnings.isEmpty)
  }

  @Test(
    "nobody is asked around a proxy that makes no sense",
    arguments: ["1", "\"ftp://S3cr3t@p\"", "\"http://S3cr3t@p.example/x\"", "\"http://\"", "true"])
  func oddProxies(value: String) throws {
    let mirror = "[[registry]]\nlocation = \"e.com\"\n[[registry.mirror]]\nlocation = \"m.com\"\n"
    let file = try RegistriesFile(mirror + "proxy = \(value)", path: "/0.conf")
    #expect(file.warnings.count == 1 && !"\(file.warnings)".contains("cr3t"))
    #expect(file.warnings.first?.hasPrefix("e.com: mirror number 1 is left out: proxy is") == true)
    #expect(try asked(config(mirror + "proxy = \(value)"), "e.com/a") == ["https://e.com/a"])
    let own = try config("[[registry]]\nlocation = \"e.com\"\nproxy = \(value)")
    let error = #expect(throws: EndpointPlan.Refused.self) { try asked(own, "e.com/a") }
    #expect(error?.message.contains("proxy is no address") == true)
    #expect(error?.message.contains("cr3t") == false)
  }

  @Test("a key of a mirror that nobody knows has one warning, which names the mirror")
  func mirrorKeys() throws {
    let mirror = "[[registry.mirror]]\nlocation = \"m.com/x\"\nbogus = 1\n"
    let text = "[[registry]]\nlocation = \"e.com\"\nbogus = 1\n" + mirror + mirror
    #expect(
      try RegistriesFile(text).warnings == [
        "e.com: bogus is not supported and passed over",
        "e.com: mirror m.com/x: bogus is not supported and passed over",
      ])
  }

  static let digest = "sha256:" + String(repeating: "a", count: 64)

  @Test(
    "mirrors for digests or for tags are asked for those pulls only",
    arguments: [
      ("", "pull-from-mirror = \"digest-only\"", false, true),
      ("", "pull-from-mirror = \"tag-only\"", true, false),
      ("", "pull-from-mirror = \"all\"", true, true), ("", "pull-from-mirror = \"\"", true, true),
      ("", "", true, true), ("mirror-by-digest-only = true", "", false, true),
    ])
  func use(table: String, mirror: String, forTags: Bool, forDigests: Bool) throws {
    let config = try config(
      "[[registry]]\nlocation = \"e.com\"\n\(table)\n[[registry.mirror]]\nlocation = \"m.com\"\n\(mirror)"
    )
    #expect(try asked(config, "e.com/a:1")?.contains("https://m.com/a") == forTags)
    #expect(try asked(config, "e.com/a@\(Self.digest)")?.contains("https://m.com/a") == forDigests)
    #expect(
      try asked(config, "e.com/a:1@\(Self.digest)")?.contains("https://m.com/a") == forDigests)
    #expect(try asked(config, "e.com/a:1")?.last == "https://e.com/a")
  }

  /// containers/image#2497.
  @Test("what is blocked is not asked; its mirrors are, unless they are blocked themselves")
  func blocked() throws {
    let blocked = "[[registry]]\nlocation = \"e.com/bad\"\nblocked = true\n"
    let config = try config(blocked)
    #expect(throws: EndpointPlan.Refused.self) { try asked(config, "e.com/bad/a") }
    #expect(try asked(config, "e.com/good") == nil)
    let mirrored = try self.config(blocked + "[[registry.mirror]]\nlocation = \"m.com/ok\"")
    #expect(try asked(mirrored, "e.com/bad/a") == ["https://m.com/ok/a"])
    let plan = try mirrored.plan(for: Reference("e.com/bad/a"), plainHTTP: false)
    #expect(plan?.blocks == "/0.conf blocks e.com/bad")
    // By way of another name, or of a mirror.
    let other = try self.config(
      blocked + "[[registry]]\nprefix = \"x.com\"\nlocation = \"e.com/bad\"\n"
        + "[[registry]]\nlocation = \"y.com\"\n[[registry.mirror]]\nlocation = \"e.com/bad\"")
    #expect(throws: EndpointPlan.Refused.self) { try asked(other, "x.com/a") }
    #expect(try asked(other, "y.com/a") == ["https://y.com/a"])
    #expect(try other.plan(for: Reference("y.com/a"), plainHTTP: false)?.warnings.count == 1)
    // Wildcards, and a prefix that is an image.
    let wild = try self.config(
      "[[registry]]\nprefix = \"*.e.com\"\nblocked = true\n[[registry]]\nprefix = \"z.com/a:1\"\nblocked = true"
    )
    #expect(throws: EndpointPlan.Refused.self) { try asked(wild, "a.b.e.com:5000/x") }
    #expect(throws: EndpointPlan.Refused.self) { try asked(wild, "z.com/a:1") }
    #expect(try asked(wild, "z.com/a:2") == nil)
  }

  @Test(
    "names are moved as they are written",
    arguments: [
      ("docker.io", "m.com/hub", "alpine", "https://m.com/hub/library/alpine"),
      ("docker.io/library/alpine", "m.com/x", "alpine:3", "https://m.com/x"),
      ("*.e.com", "m.com/x", "a.e.com/b", "https://m.com/x/b"),
      ("*.e.com", "", "a.e.com/b", "https://a.e.com/b"),
      ("*.e.com", "m.com", "a.e.com:5000/b", "https://m.com:5000/b"),
      ("e.com/a:1", "m.com/b:1", "e.com/a:1", "https://m.com/b"),
      ("q.io", "docker.io", "q.io/alpine", "https://registry-1.docker.io/library/alpine"),
      ("e.com", "e.com", "e.com/a", "https://e.com/a"),
    ])
  func moves(prefix: String, location: String, name: String, expected: String) throws {
    let config = try config("[[registry]]\nprefix = \"\(prefix)\"\nlocation = \"\(location)\"")
    #expect(try asked(config, name) == [expected])
  }

  @Test(
    "a place where there can be no such name is left out, with a warning; the registry's own is an error"
  )
  func impossible() throws {
    let mirrors = try config(
      "[[registry]]\nlocation = \"e.com\"\n[[registry.mirror]]\nlocation = \"nohost\"\n"
        + "[[registry.mirror]]\nlocation = \"m.com/UPPER\"")
    #expect(try asked(mirrors, "e.com/a") == ["https://e.com/a"])
    #expect(try mirrors.plan(for: Reference("e.com/a"), plainHTTP: false)?.warnings.count == 2)
    let own = try config("[[registry]]\nprefix = \"e.com\"\nlocation = \"m.com/UPPER\"")
    #expect(throws: EndpointPlan.Refused.self) { try asked(own, "e.com/a") }
  }

  @Test("--plain-http is for the registry itself")
  func plainHTTP() throws {
    let config = try config(
      "[[registry]]\nlocation = \"e.com\"\n[[registry.mirror]]\nlocation = \"m.com\"")
    let plan = try #require(try config.plan(for: Reference("e.com/a"), plainHTTP: true))
    #expect(plan.endpoints.map(\.origin.scheme) == ["https", "http"])
  }

  @Test(
    "what a table has wrong costs that table or mirror, with a warning; the others count",
    arguments: [
      "[[registry]]", "[[registry]]\nprefix = \"https://x\"",
      "[[registry]]\nlocation = \"http://x\"",
      "[[registry]]\nprefix = \"*.x/y\"", "[[registry]]\nprefix = \"a.*.x\"",
      "[[registry]]\nprefix = 1", "[[registry]]\nprefix = \"x\"\nbogus = 1",
      "[[registry]]\nprefix = \"x\"\n[[registry.mirror]]",
      "[[registry]]\nprefix = \"x\"\n[[registry.mirror]]\nlocation = \"y\"\npull-from-mirror = \"some\"",
      "[[registry]]\nprefix = \"x\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"y\"\npull-from-mirror = \"all\"",
      "[[registry]]\nprefix = \"x\"\npull-from-mirror = \"all\"",
    ])
  func leniency(text: String) throws {
    let file = try RegistriesFile(text + "\n[[registry]]\nprefix = \"good.com\"\nblocked = true")
    #expect(file.warnings.count == 1, "\(file.warnings)")
    #expect(file.registries.contains { $0.prefix.text == "good.com" && $0.isBlocked })
  }

  @Test(
    "a table that may be meant to block and cannot be understood forbids what it is about",
    arguments: [
      "blocked = \"true\"", "blocked = true\ninsecure = \"yes\"", "insecure = 1", "mirror = 1",
      "mirror-by-digest-only = 0",
      "[[registry]]\nprefix = \"x.com\"\nblocked = true",
    ])
  func closed(text: String) throws {
    let config = try config(
      "[[registry]]\nprefix = \"x.com\"\n\(text)\n[[registry]]\nlocation = \"y.com\"\n"
        + "[[registry.mirror]]\nlocation = \"x.com/m\"")
    let error = #expect(throws: EndpointPlan.Refused.self) { try asked(config, "x.com/a") }
    #expect(error?.message.contains("the table about x.com of /0.conf") == true)
    #expect(try asked(config, "y.com/a") == ["https://y.com/a"])
    #expect(try asked(config, "z.com/a") == nil)
  }

  @Test(
    "a file of which nobody knows what it blocks is none",
    arguments: [
      "[[registry]]\nlocation = \"x.com\"\nblocked = true\n[[registry",
      "[[registry]]\nlocation = \"x.com\"\nblocked = true\nblocked = true",
      "[[registry]]\nprefix = \"http://x.com\"\nblocked = true",
      "[[registry]]\nprefix = \"*x.com\"\nBlocked = true", "registry = [1]",
      "[[registry]]\nprefix = \"x\"\nblocked = false\nBLOCKED = true",
      "[registry]\nprefix = \"x\"", "[registries.block]\nregistries = [\"x.com\"]",
      "[Registries.Block]\nRegistries = [\"x.com\"]",
      "[[registry]]\nprefix = \"x\"\n[[Registry]]\nprefix = \"y\"",
    ])
  func unknown(text: String) {
    #expect(throws: RegistriesFile.Invalid.self) { try RegistriesFile(text) }
  }

  @Test("keys may have letters of another case, as for readers in Go")
  func otherCase() throws {
    let config = try config(
      """
      [[Registry]]
      Prefix = "a.com"
      Location = "b.com"
      [[Registry.Mirror]]
      Location = "m.com"
      Insecure = true
      [[Registry]]
      Location = "c.com"
      Blocked = true
      """)
    #expect(try asked(config, "a.com/x") == ["https://m.com/x", "https://b.com/x"])
    #expect(throws: EndpointPlan.Refused.self) { try asked(config, "c.com/x") }
  }

  @Test(
    "a blocked host is blocked at every port, and with the port that goes without saying",
    arguments: [
      ("e.com", "e.com:5000/a", true), ("e.com", "e.com:443/a", true),
      ("e.com:443", "e.com/a", true), ("e.com:5000", "e.com/a", false),
      ("e.com:5000", "e.com:5001/a", false), ("e.com/b", "e.com:5000/b/c", true),
      ("e.com/b", "e.com:5000/a", false), ("e.com/a:1", "e.com:443/a:1", true),
      ("e.com/a:1", "e.com:443/a:2", false), ("[::1]", "[::1]:5000/a", true),
      ("e.com", "e.com.evil:5000/a", false), ("e.com", "E.COM/a", true),
      ("E.com/b", "e.com:5000/b/c", true), ("e.com/b", "E.com/a", false),
    ])
  func blockedPorts(prefix: String, name: String, isBlocked: Bool) throws {
    let blocked = "[[registry]]\nprefix = \"\(prefix)\"\nblocked = true\n"
    let config = try config(blocked)
    if isBlocked {
      #expect(throws: EndpointPlan.Refused.self) { try asked(config, name) }
    } else {
      #expect(try asked(config, name) == nil)
    }
    // A wildcard says less, and who names as much and the port has the last word.
    let wild = try self.config(blocked + "[[registry]]\nprefix = \"*.com\"\nlocation = \"w.com\"")
    if isBlocked {
      #expect(throws: EndpointPlan.Refused.self) { try asked(wild, name) }
    }
    let host = name.prefix { $0 != "/" }
    let repository = name.dropFirst(host.count + 1)
    let allowed = try self.config(
      blocked + "[[registry]]\nprefix = \"\(host)/\(repository)\"")
    #expect(try asked(allowed, name)?.count == 1)
  }

  @Test(
    "what else is not as its author wanted it has a warning",
    arguments: [
      ("[registries.search]\nregistries = [\"x\"]", "version 1"),
      ("unqualified-search-registries = \"x\"", "array"),
      ("unqualified-search-registries = [\"x.io\", {append=1}]", "array"),
      ("unqualified-search-registries = [\"x.io\", {append=true, other=true}]", "array"),
      ("unqualified-search-registries = [\"nohost\"]", "nohost"),
      ("unqualified-search-registries = [\"x.com/y\"]", "x.com/y"),
      ("short-name-mode = \"loose\"", "enforcing"), ("credential-helpers = [\"pass\"]", "helpers"),
      ("[aliases]\n\"x.com/a\" = \"y.com/a\"", "x.com/a"),
      ("[aliases]\n\"a:1\" = \"y.com/a\"", "a:1"),
      ("[aliases]\na = \"b\"", "\"a\""), ("[aliases]\na = \"y.com/a:1\"", "\"a\""),
      ("[aliases]\na = 1", "\"a\""), ("bogus = 1", "bogus"),
    ])
  func warnings(text: String, word: String) throws {
    let file = try RegistriesFile(text)
    #expect(file.warnings.count == 1)
    #expect(file.warnings.allSatisfy { $0.contains(word) })
  }

  @Test(
    "the usual files say nothing odd",
    arguments: [
      "", "credential-helpers = [\"containers-auth.json\"]", "short-name-mode = \"\"",
      "additional-layer-store-auth-helper = \"x\"", "unqualified-search-registries = []",
    ])
  func usual(text: String) throws { #expect(try RegistriesFile(text).warnings.isEmpty) }

  // MARK: Short names

  @Test(
    "short names have no registry",
    arguments: [
      ("alpine", "alpine", ""), ("alpine:3", "alpine", ":3"),
      ("library/alpine", "library/alpine", ""),
      ("a@sha256:b", "a", "@sha256:b"), ("u/a:1@sha256:b", "u/a", ":1@sha256:b"),
      ("localhost/a", nil, ""), ("x.io/a", nil, ""), ("x:5000/a", nil, ""), ("[::1]/a", nil, ""),
      ("Host/a", nil, ""), ("localhost", "localhost", ""),
    ] as [(String, String?, String)])
  func shortNames(text: String, repository: String?, suffix: String) {
    let name = ShortName(text)
    #expect(name?.repository == repository)
    #expect(name.map { $0.suffix == suffix } ?? true)
  }

  @Test("search registries are tried in order; enforcing refuses to guess, and nothing is no guess")
  func search() throws {
    let two = "unqualified-search-registries = [\"a.example\", \"docker.io\"]\n"
    let name = try #require(ShortName("x:1"))
    for mode in ["", "short-name-mode = \"permissive\"", "short-name-mode = \"disabled\""] {
      #expect(
        try config(two + mode).images(named: name).references.map(\.description)
          == ["a.example/x:1", "docker.io/library/x:1"])
    }
    let enforcing = "short-name-mode = \"enforcing\""
    #expect(throws: ShortNames.Unresolved.self) { try config(two + enforcing).images(named: name) }
    #expect(
      try config("unqualified-search-registries = [\"a.example\"]\n" + enforcing).images(
        named: name
      )
      .references.map(\.description) == ["a.example/x:1"])
    #expect(throws: ShortNames.Unresolved.self) { try config("").images(named: name) }
  }
}
