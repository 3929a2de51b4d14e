import Foundation
import OCI
@testable import Registry
import Support
import Testing
import Transfer

/// Which files are read, and which of them counts.
@Suite("Files of mirrors")
struct EndpointFinderTests {
  let folder: TemporaryFolder
  let finder: EndpointFinder

  init() throws {
    folder = try TemporaryFolder()
    finder = Self.finder(folder)
  }

  static func finder(_ folder: TemporaryFolder, _ environment: [String: String] = [:])
    -> EndpointFinder
  {
    var places = ConfigPlaces(environment: ["HOME": folder("home")].merging(environment) { $1 })
    places.hostsFolder = folder("certs.d")
    places.systemFolder = folder("containers")
    places.vendorFolder = folder("vendor")
    places.dockerFolder = folder("docker")
    return EndpointFinder(places: places)
  }

  func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

  func write(_ path: String, _ bytes: [UInt8]) throws {
    let parent = URL(filePath: folder(path)).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try writeFile(folder(path), bytes)
  }

  func hosts(_ finder: EndpointFinder, _ name: String) throws -> [String] {
    try finder.plan(for: Reference(name)).endpoints.map(\.origin.authority)
  }

  static func toml(_ host: String) -> String { "[host.\"https://\(host)\"]\n" }
  static func conf(_ host: String, prefix: String = "r.example:5000") -> String {
    "[[registry]]\nlocation = \"\(prefix)\"\n[[registry.mirror]]\nlocation = \"\(host)\"\n"
  }

  @Test("without any file the registry itself is asked")
  func nothing() throws {
    let plan = try finder.plan(for: Reference("r.example:5000/a"))
    #expect(plan.endpoints.map(\.origin.authority) == ["r.example:5000"])
    #expect(plan.warnings.isEmpty && plan.source == nil)
  }

  @Test(
    "of containerd's folders the first that is there counts; its namesake without a port is another registry"
  )
  func folders() throws {
    for (name, expected) in [
      ("r.example", ["r.example:5000"]), ("_default", ["m._default", "r.example:5000"]),
      ("r.example:5000", ["m.r.example:5000", "r.example:5000"]),
      ("r.example_5000_", ["m.r.example_5000_", "r.example:5000"]),
    ] {
      try write("certs.d/\(name)/hosts.toml", Self.toml("m.\(name)"))
      #expect(try hosts(finder, "r.example:5000/a") == expected)
    }
    #expect(try finder.plan(for: Reference("r.example:5000/a")).warnings.isEmpty)
    // An empty one is there, too.
    try FileManager.default.removeItem(atPath: folder("certs.d/r.example_5000_/hosts.toml"))
    #expect(try hosts(finder, "r.example:5000/a") == ["r.example:5000"])
  }

  @Test(
    "a hosts.toml counts before registries.conf; what an option names counts before the usual files"
  )
  func whichCounts() throws {
    try write("certs.d/r.example:5000/hosts.toml", Self.toml("toml"))
    try write("containers/registries.conf", Self.conf("conf.example"))
    try write("other.d/_default/hosts.toml", Self.toml("othertoml"))
    try write("other.conf", Self.conf("otherconf.example"))
    let own = "r.example:5000"
    #expect(try hosts(finder, "\(own)/a") == ["toml", own])
    var named = finder
    named.registriesFile = folder("other.conf")
    #expect(try hosts(named, "\(own)/a") == ["otherconf.example", own])
    named.hostsFolder = folder("other.d")
    #expect(try hosts(named, "\(own)/a") == ["othertoml", own])
    named.registriesFile = nil
    #expect(try hosts(named, "\(own)/a") == ["othertoml", own])
    try FileManager.default.removeItem(atPath: folder("certs.d"))
    #expect(try hosts(finder, "\(own)/a") == ["conf.example", own])
    named.hostsFolder = folder("empty")
    #expect(try hosts(named, "\(own)/a") == [own])
    #expect(
      try finder.plan(for: Reference("\(own)/a")).source == folder("containers/registries.conf"))
  }

  @Test(
    "podman's files: the user's in place of the machine's, drop-in files by name, others not at all"
  )
  func podmansFiles() throws {
    let own = "r.example:5000"
    try write("containers/registries.conf", Self.conf("machine.example"))
    try write("containers/registries.conf.d/20.conf", Self.conf("twenty.example"))
    try write("containers/registries.conf.d/10.conf", Self.conf("ten.example"))
    try write("containers/registries.conf.d/30.ignored", Self.conf("thirty.example"))
    try write("containers/registries.conf.d/40.conf/x.conf", Self.conf("forty.example"))
    #expect(try hosts(finder, "\(own)/a") == ["twenty.example", own])
    try write("named.conf", Self.conf("named.example"))
    let byVariable = Self.finder(folder, ["CONTAINERS_REGISTRIES_CONF": folder("named.conf")])
    #expect(try hosts(byVariable, "\(own)/a") == ["twenty.example", own])
    try write("home/.config/containers/registries.conf.d/a.conf", Self.conf("dropin.example"))
    #expect(try hosts(finder, "\(own)/a") == ["dropin.example", own])
    try write(
      "home/.config/containers/registries.conf", Self.conf("users.example", prefix: "u.example"))
    #expect(try hosts(finder, "\(own)/a") == ["dropin.example", own])
    #expect(try hosts(finder, "u.example/a") == ["users.example", "u.example"])
    try FileManager.default.removeItem(atPath: folder("home/.config/containers/registries.conf.d"))
    #expect(try hosts(finder, "\(own)/a") == [own])
    var byOption = finder
    byOption.registriesFile = folder("named.conf")
    #expect(try hosts(byOption, "\(own)/a") == ["named.example", own])
    try write("named.conf.d/a.conf", Self.conf("beside.example"))
    #expect(try hosts(byOption, "\(own)/a") == ["beside.example", own])
  }

  static let latin = Array("# caf".utf8) + [0xE9] + Array("\n".utf8)

  @Test(
    "a file that cannot be read or understood has a warning, and the registry itself is asked",
    arguments: [
      latin + Array(toml("m").utf8), Array("[host.\"https://m\"]\n# ".utf8) + [0xFF],
      Array("host = ".utf8), [0xFF, 0xFE, 0x5B, 0x00], [UInt8](repeating: 0x23, count: 5 << 20),
    ])
  func unreadableHosts(bytes: [UInt8]) throws {
    try write("certs.d/r.example/hosts.toml", bytes)
    try write("containers/registries.conf", Self.conf("conf.example", prefix: "r.example"))
    let plan = try finder.plan(for: Reference("r.example/a"))
    #expect(plan.endpoints.map(\.origin.authority) == ["r.example"])
    #expect(plan.warnings.count == 1)
    #expect(plan.warnings.allSatisfy { $0.contains("/certs.d/r.example/hosts.toml: ") })
  }

  @Test("a directory in place of the file, and a folder that is a loop, have a warning")
  func oddFiles() throws {
    let manager = FileManager.default
    try manager.createDirectory(
      atPath: folder("certs.d/r.example/hosts.toml"), withIntermediateDirectories: true)
    try manager.createSymbolicLink(
      atPath: folder("certs.d/q.example"), withDestinationPath: folder("certs.d/q.example"))
    for name in ["r.example", "q.example"] {
      let plan = try finder.plan(for: Reference("\(name)/a"))
      #expect(plan.endpoints.map(\.origin.authority) == [name])
      #expect(plan.warnings.count == 1)
    }
    #expect(finder.registriesFile == nil)
  }

  @Test("a registries.conf or drop-in file that cannot be used forbids what it might block")
  func unreadableConf() throws {
    try write("containers/registries.conf.d/b.conf", Self.conf("b.example"))
    for (file, bytes) in [
      ("registries.conf", Self.latin + Array(Self.conf("machine.example").utf8)),
      ("registries.conf.d/a.conf", Array("[[registry]\n".utf8)),
    ] {
      try write("containers/\(file)", bytes)
      let error = #expect(throws: EndpointPlan.Refused.self) {
        try finder.plan(for: Reference("r.example:5000/a"))
      }
      #expect(error?.message.contains("containers/\(file) cannot be used") == true)
      #expect(throws: ShortNames.Unresolved.self) {
        try finder.images(named: #require(ShortName("x"))) { _ in }
      }
      try write("containers/\(file)", "")
    }
    let plan = try finder.plan(for: Reference("r.example:5000/a"))
    #expect(plan.endpoints.map(\.origin.authority) == ["b.example", "r.example:5000"])
    let named = Self.finder(folder, ["CONTAINERS_REGISTRIES_CONF": folder("nowhere.conf")])
    #expect(
      try named.plan(for: Reference("x.example/a")).warnings.contains {
        $0.contains("nowhere.conf is not there")
      })
  }

  @Test("what a table has wrong is said with the file's path")
  func saysWhere() throws {
    try write("certs.d/r.example/hosts.toml", "[host.\"ftp://m\"]\n")
    let warnings = try finder.plan(for: Reference("r.example/a")).warnings
    #expect(warnings.count == 1)
    #expect(warnings.allSatisfy { $0.hasPrefix(folder("certs.d/r.example/hosts.toml")) })
  }

  // MARK: Certificates

  @Test(
    "certificates in Docker's layout count for the registry, from the first folder that is there",
    arguments: [
      "certs.d/r.example:5000", "certs.d/r.example_5000_", "certs.d/_default",
      "home/.config/containers/certs.d/r.example:5000", "containers/certs.d/r.example:5000",
      "docker/certs.d/r.example:5000",
    ])
  func dockersLayout(place: String) throws {
    for name in ["b.crt", "a.crt", "client.cert", "client.key", "README"] {
      try write("\(place)/\(name)", "x")
    }
    if place != "docker/certs.d/r.example:5000" {
      try write("docker/certs.d/r.example:5000/c.crt", "x")
    }
    let plan = try finder.plan(for: Reference("r.example:5000/a"))
    #expect(plan.endpoints.count == 1 && plan.warnings.isEmpty)
    let access = plan.endpoints[0].access
    #expect(access.caFiles == [folder("\(place)/a.crt"), folder("\(place)/b.crt")])
    let client = access.clientCertificate
    #expect(client?.certificate == folder("\(place)/client.cert"))
    #expect(client?.key == folder("\(place)/client.key"))
    // Below the home only what nobody else could have put there.
    #expect((client?.trust != nil) == place.hasPrefix("home/"))
    #expect(access.caTrust == client?.trust)
    #expect(
      try finder.plan(for: Reference("r.example/a")).endpoints[0].access.caFiles.isEmpty
        || place == "certs.d/_default")
  }

  @Test(
    "of the folders of certificates the user's come first, then the machine's, then what came with it",
    arguments: [0, 7])
  func certificateOrder(user: UInt32) throws {
    var places = Self.finder(folder, ["XDG_CONFIG_HOME": folder("xdg")]).places
    places.user = user
    let own = user == 0 ? ["certs.rootful.d"] : ["certs.rootless.d/7", "certs.rootless.d"]
    let roots =
      ["xdg/containers/certs.d", "home/.config/containers/certs.d"]
      + ["containers", "vendor"].flatMap { root in (own + ["certs.d"]).map { "\(root)/\($0)" } }
      + ["docker/certs.d"]
    #expect(
      places.certificateFolders(of: "r.example", port: 443)
        == roots.flatMap { [folder("\($0)/r.example"), folder("\($0)/r.example:443")] })
    for root in roots.reversed() {
      try write("\(root)/r.example/ca.crt", "x")
      let plan = try EndpointFinder(places: places).plan(for: Reference("r.example/a"))
      #expect(plan.endpoints[0].access.caFiles == [folder("\(root)/r.example/ca.crt")])
    }
  }

  @Test(
    "a certificate without its key may hold it; a key without its certificate, or a second one, has a warning"
  )
  func oddPairs() {
    let alone = CertificateFolder("/f", names: ["c.cert"])
    #expect(
      alone.access.clientCertificate == .init(certificate: "/f/c.cert") && alone.warnings.isEmpty)
    #expect(CertificateFolder("/f", names: ["c.key"]).warnings.count == 1)
    let two = CertificateFolder("/f", names: ["a.cert", "a.key", "b.cert", "b.key"])
    #expect(two.access.clientCertificate?.certificate == "/f/a.cert" && two.warnings.count == 1)
    let looks = CertificateFolder("/f", names: ["e\u{301}.key", "\u{E9}.cert", "\u{D4E}.crt"])
    #expect(looks.access.clientCertificate?.key == nil && looks.warnings.count == 1)
    #expect(looks.access.caFiles.count == 1)
  }

  @Test(
    "mirrors have the folder of their own name; what a hosts.toml names itself counts before it")
  func mirrorsCertificates() throws {
    try write("containers/registries.conf", Self.conf("m.example/p"))
    try write("docker/certs.d/m.example/ca.crt", "x")
    let plan = try finder.plan(for: Reference("r.example:5000/a"))
    #expect(
      plan.endpoints.map(\.access.caFiles) == [[folder("docker/certs.d/m.example/ca.crt")], []])
    try write("certs.d/r.example:5000/hosts.toml", Self.toml("m.example") + "ca = \"own.crt\"")
    try write("certs.d/r.example:5000/own.crt", "x")
    let own = try finder.plan(for: Reference("r.example:5000/a"))
    #expect(own.endpoints[0].access.caFiles == [folder("certs.d/r.example:5000/own.crt")])
  }

  @Test("a certificate that cannot be read has a warning, and the server is asked without it")
  func missingCertificates() throws {
    try write(
      "certs.d/r.example/hosts.toml",
      Self.toml("m.example") + "ca = \"none.crt\"\nclient = [[\"none.cert\", \"none.key\"]]")
    let plan = try finder.plan(for: Reference("r.example/a"))
    #expect(plan.endpoints[0].access == ServerAccess())
    #expect(plan.warnings.count == 2)
    #expect(plan.warnings.allSatisfy { $0.contains("none.c") && $0.contains("m.example") })
  }

  @Test("--cert is shown to the registry itself, and to no mirror")
  func option() throws {
    try write("certs.d/r.example/hosts.toml", Self.toml("m.example"))
    var finder = finder
    finder.clientCertificate = .init(certificate: "/c", key: "/k")
    let plan = try finder.plan(for: Reference("r.example/a"))
    #expect(
      plan.endpoints.map(\.access.clientCertificate)
        == [nil, .init(certificate: "/c", key: "/k")])
  }

  // MARK: Short names

  @Test("podman's own notes of short names count before aliases in files")
  func notes() throws {
    let finder = Self.finder(folder, ["XDG_CACHE_HOME": folder("cache")])
    try write("containers/registries.conf.d/000-shortnames.conf", "[aliases]\nx = \"a.example/x\"")
    let name = try #require(ShortName("x"))
    #expect(try finder.images(named: name) { _ in }.references.first?.registry == "a.example")
    #expect(finder.places.aliasesFile.hasSuffix("/containers/short-name-aliases.conf"))
    let warnings = Log<String>()
    try write("containers/registries.conf", "bogus = 1")
    _ = try finder.images(named: name) { warnings.add($0) }
    #expect(warnings.all.count == 1)
  }
}
