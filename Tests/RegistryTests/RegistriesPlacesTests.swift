import Foundation
import OCI
@testable import Registry
import Support
import Testing

/// The places of `registries.conf` of podman 4 and 5, and of podman 6.
@Suite("Places of registries.conf")
struct RegistriesPlacesTests {
  let files: EndpointFinderTests

  init() throws { files = try EndpointFinderTests() }

  static let users = "home/.config/containers"
  static let blocked = "[[registry]]\nlocation = \"b.example\"\nblocked = true\n"

  private func finder(_ user: uid_t = 0, _ environment: [String: String] = [:]) -> EndpointFinder {
    var places = EndpointFinderTests.finder(files.folder, environment).places
    places.user = user
    return EndpointFinder(places: places)
  }

  private func isRefused(_ finder: EndpointFinder, _ name: String = "b.example/a") throws -> Bool {
    do {
      _ = try finder.plan(for: Reference(name))
      return false
    } catch is EndpointPlan.Refused {
      return true
    }
  }

  /// Each file has a mirror of its own name for one registry.
  @Test(
    "of two files the second says who is asked",
    arguments: [
      (["vendor/registries.conf", "vendor/registries.conf.d/1.conf"], nil),
      (["vendor/registries.conf", "containers/registries.conf"], nil),
      (["vendor/registries.conf.d/1.conf", "containers/registries.conf.d/1.conf"], nil),
      (["containers/registries.conf.d/1.conf", "vendor/registries.rootful.conf.d/2.conf"], 0),
      (["containers/registries.conf", "containers/registries.rootful.conf.d/1.conf"], 0),
      (["containers/registries.conf.d/1.conf", "containers/registries.rootful.conf.d/1.conf"], 0),
      (["containers/registries.conf", "containers/registries.rootless.conf.d/1.conf"], 1_000),
      (
        [
          "containers/registries.rootless.conf.d/1.conf",
          "containers/registries.rootless.conf.d/1000/1.conf",
        ], 1_000
      ),
      (["containers/registries.rootless.conf.d/1.conf", "containers/registries.conf"], 0),
      (["containers/registries.rootful.conf.d/1.conf", "containers/registries.conf"], 1_000),
      (["containers/registries.rootless.conf.d/7/1.conf", "containers/registries.conf"], 1_000),
      (["containers/registries.conf.d/2.conf", "\(users)/registries.conf.d/1.conf"], nil),
      (["vendor/registries.conf.d/1.conf", "\(users)/registries.conf"], nil),
      (["containers/registries.rootful.conf.d/1.conf", "\(users)/registries.conf"], 0),
      (["containers/registries.conf.d/1.conf", "xdg/containers/registries.conf"], nil),
      (["\(users)/registries.conf", "xdg/containers/registries.conf"], nil),
      (["containers/registries.conf", "xdg/containers/registries.conf.d/1.conf"], nil),
      (["\(users)/registries.conf.d/1.conf", "override.conf"], nil),
    ] as [([String], uid_t?)])
  func order(paths: [String], user: uid_t?) throws {
    for (number, path) in paths.enumerated() {
      try files.write(path, EndpointFinderTests.conf("\(number).example", prefix: "r.example"))
    }
    var environment = ["XDG_CONFIG_HOME": files.folder("xdg")]
    if paths.contains("override.conf") {
      environment["CONTAINERS_REGISTRIES_CONF_OVERRIDE"] = files.folder("override.conf")
    }
    for user in user.map({ [$0] }) ?? [0, 1_000] {
      let plan = try finder(user, environment).plan(for: Reference("r.example/a"))
      #expect(plan.endpoints.map(\.origin.authority) == ["1.example", "r.example"])
      #expect(plan.warnings.isEmpty)
    }
  }

  @Test(
    "what either generation would refuse is not asked, whatever files of the user say",
    arguments: [
      "vendor/registries.conf.d/1.conf", "vendor/registries.rootful.conf.d/1.conf",
      "containers/registries.conf.d/1.conf", "containers/registries.rootful.conf.d/1.conf",
      "\(users)/registries.conf", "\(users)/registries.conf.d/1.conf",
      "xdg/containers/registries.conf", "xdg/containers/registries.conf.d/1.conf",
    ])
  func blocks(path: String) throws {
    try files.write(path, Self.blocked + EndpointFinderTests.conf("m.example", prefix: "r.example"))
    for own in [Self.users, "xdg/containers"] {
      for name in ["registries.conf", "registries.conf.d/2.conf"] where "\(own)/\(name)" != path {
        try files.write("\(own)/\(name)", "[[registry]]\nlocation = \"b.example\"")
      }
    }
    let finder = finder(0, ["XDG_CONFIG_HOME": files.folder("xdg")])
    #expect(try isRefused(finder))
    #expect(try !isRefused(finder, "r.example/a"))
    // The machine's files are not read for anything else where the user has one.
    let isMachines = path.hasPrefix("vendor") || path.hasPrefix("containers")
    if isMachines { #expect(try files.hosts(finder, "r.example/a") == ["r.example"]) }
  }

  @Test("beside the user's file the machine's say what is blocked, with what they except from that")
  func exceptions() throws {
    let except = "[[registry]]\nlocation = \"b.example/ok\"\n"
    try files.write("containers/registries.conf.d/1.conf", Self.blocked + except)
    try files.write("\(Self.users)/registries.conf", "bogus = 1")
    #expect(try isRefused(finder()))
    #expect(try !isRefused(finder(), "b.example/ok/a"))
    // What one reading lets through, another may forbid.
    try files.write("\(Self.users)/registries.conf", Self.blocked)
    #expect(try isRefused(finder(), "b.example/ok/a"))
    // A file that nobody understands may block anything.
    try files.write("\(Self.users)/registries.conf", "")
    try files.write("vendor/registries.conf.d/1.conf", "[[registry")
    #expect(try !isRefused(finder(), "r.example/a"))
    try files.write("vendor/registries.conf.d/2.conf", "[[registry")
    #expect(try isRefused(finder(), "r.example/a"))
  }

  @Test(
    "a main file that another stands in place of, and what a variable leaves out, is not read",
    arguments: [
      ("vendor/registries.conf", "containers/registries.conf", nil),
      ("containers/registries.conf", "\(users)/registries.conf", nil),
      ("vendor/registries.conf.d/1.conf", "containers/registries.conf.d/1.conf", nil),
      ("vendor/registries.conf.d/1.conf", "named.conf", "CONTAINERS_REGISTRIES_CONF"),
      ("containers/registries.rootful.conf.d/1.conf", "named.conf", "CONTAINERS_REGISTRIES_CONF"),
    ] as [(String, String, String?)])
  func replaced(blocking: String, other: String, variable: String?) throws {
    try files.write(blocking, Self.blocked)
    var environment: [String: String] = [:]
    if let variable { environment[variable] = files.folder(other) }
    #expect(try isRefused(finder()))
    try files.write(other, "")
    #expect(try !isRefused(finder(0, environment)))
  }

  @Test("podman 4 and 5 know no $XDG_CONFIG_HOME: for them the machine's files count")
  func otherHome() throws {
    try files.write("xdg/containers/registries.conf", "")
    let finder = finder(0, ["XDG_CONFIG_HOME": files.folder("xdg")])
    try files.write("containers/registries.conf", Self.blocked)
    #expect(try isRefused(finder))
    try files.write("containers/registries.conf", "")
    #expect(try !isRefused(finder))
    // Nor has podman 6 what is in the home then.
    try files.write("\(Self.users)/registries.conf", Self.blocked)
    #expect(try isRefused(finder))
  }

  @Test("a drop-in file is what its bytes call it: no other look of its name hides it")
  func namesakes() throws {
    try files.write("vendor/registries.conf.d/\u{E9}.conf", Self.blocked)
    try files.write("containers/registries.conf.d/e\u{301}.conf", "")
    #expect(try isRefused(finder()))
    // A letter before the dot that Swift takes for one with it.
    try files.write(
      "containers/registries.conf.d/a\u{D4E}.conf", Self.blocked.replacing("b.", with: "c."))
    #expect(try isRefused(finder(), "c.example/a"))
  }

  @Test("a search list with append is added to those before, and so are all after it")
  func append() throws {
    for (name, list) in [
      ("vendor/registries.conf.d/1.conf", "\"a.io\""),
      ("containers/registries.conf.d/2.conf", "\"b.io\", {append=true}"),
      ("\(Self.users)/registries.conf.d/1.conf", "\"a.io\", \"c.io\""),
    ] {
      try files.write(name, "unqualified-search-registries = [\(list)]")
    }
    func search() throws -> [String] {
      let name = try #require(ShortName("x"))
      return try finder().images(named: name) { Issue.record("\($0)") }.references.map(\.registry)
    }
    #expect(try search() == ["a.io", "b.io", "c.io"])
    try files.write(
      "\(Self.users)/registries.conf.d/2.conf",
      "unqualified-search-registries = [{append=false}, \"d.io\"]")
    #expect(try search() == ["d.io"])
  }
}
