import Foundation
import Support
import Testing

@testable import cairn

@Suite("What counts more")
struct SettingOrderTests {
  private let folder: TemporaryFolder
  private let table: SettingTable

  init() throws {
    folder = try TemporaryFolder()
    table = try SettingTable.ofProcess()
  }

  private func file(_ text: String, isSystems: Bool = false) throws -> [SettingEntry] {
    let path = folder(isSystems ? "system.toml" : "user.toml")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let place = SettingPlaces.Place(path: path, isSystems: isSystems)
    return try SettingFile(table, place, home: "/home/u") { _ in }.entries
  }

  private func settings(user: String = "", system: String = "", _ variables: [String: String] = [:])
    throws -> Settings
  {
    let places = SettingPlaces(
      environment: ["CAIRN_CONFIG": folder("none.toml")], homeOfUser: "/home/u")
    try Data().write(to: URL(filePath: folder("none.toml")))
    let own = try Settings(table, environment: variables, places: places) { _ in }
    return Settings(
      table, own.entries + (try file(system, isSystems: true)) + (try file(user)))
  }

  private func values(
    _ settings: Settings, _ command: String = "pull", _ registry: String? = nil,
    given: [String] = []
  ) throws -> [String: String] {
    let command = try #require(table.commands.first { $0.name == command })
    let entries = settings.entries(of: command, registry: registry, given: given)
    return Dictionary(uniqueKeysWithValues: entries.map { ($0.setting.option.name, $0.value) })
  }

  @Test("flag, variable, user's file, machine's file")
  func order() throws {
    let all = ["CAIRN_RETRIES": "1"]
    let (user, system) = ("retries = 2", "retries = 3")
    #expect(try values(settings(system: system))["retries"] == "3")
    #expect(try values(settings(user: user, system: system))["retries"] == "2")
    let most = try settings(user: user, system: system, all)
    #expect(try values(most)["retries"] == "1")
    for given in [["x", "--retries", "9"], ["--retries=9", "x"]] {
      #expect(try values(most, given: given)["retries"] == nil)
    }
    #expect(try values(most, given: ["--", "--retries"])["retries"] == "1")
  }

  @Test(
    "in one file a registry's value counts more than a command's, and that more than one at the top"
  )
  func breadth() throws {
    let text = """
      retries = 1
      [command.pull]
      retries = 2
      [registry."ghcr.io"]
      retries = 3
      max-workers = 7
      """
    let settings = try settings(user: text)
    #expect(try values(settings, "tags")["retries"] == "1")
    #expect(try values(settings)["retries"] == "2")
    #expect(try values(settings, "pull", "ghcr.io") == ["retries": "3", "max-workers": "7"])
    #expect(try values(settings, "tags", "ghcr.io") == ["retries": "3"])
    #expect(try values(settings, "pull", "quay.io")["retries"] == "2")
    // Who counts more counts more for each registry, too.
    let both = try self.settings(user: "retries = 5", system: text)
    #expect(try values(both, "pull", "ghcr.io")["retries"] == "5")
    let variable = try self.settings(
      user: text, ["CAIRN_RETRIES": "6", "CAIRN_TAGS_RETRIES": "8"])
    #expect(try values(variable, "pull", "ghcr.io")["retries"] == "6")
    #expect(try values(variable, "tags")["retries"] == "8")
  }

  @Test(
    "a registry has one name, however it is written", arguments: ["docker.io", "index.docker.io"])
  func registryNames(name: String) throws {
    let settings = try settings(user: "[registry.\"\(name)\"]\nretries = 1")
    #expect(try values(settings, "pull", "docker.io")["retries"] == "1")
  }

  @Test(
    "whoever gives one half of a choice decides about both",
    arguments: [
      ("policy = \"fixed-3\"", "", ["--workers", "4"], [:]),
      ("cert = \"/c\"\nkey = \"/k\"", "", ["--cert", "/d"], [:]),
      ("ca-only = \"/a\"", "ca-file = \"/b\"", [], ["ca-only": "/a"]),
      ("policy = \"fixed-3\"", "workers = 8", [], ["policy": "fixed-3"]),
      ("all-platforms = false", "platform = \"linux/arm64\"", [], ["all-platforms": "false"]),
      ("progress = \"bar\"", "", ["-q"], [:]),
      ("workers = 16", "", ["--max-workers", "3"], [:]),
      ("max-workers = 8", "", ["--workers=4"], [:]),
      ("max-workers = 8", "", ["--workers", "auto"], ["max-workers": "8"]),
      ("max-workers = 8", "", ["--workers", "4", "--workers=auto"], ["max-workers": "8"]),
      ("workers = 4", "max-workers = 8", [], ["workers": "4"]),
      ("workers = \"auto\"", "max-workers = 8", [], ["workers": "auto", "max-workers": "8"]),
      (
        "max-workers = 3", "workers = 16\npolicy = \"aimd\"", [],
        ["max-workers": "3", "policy": "aimd"]
      ),
      (
        "policy = \"aimd\"\nmax-workers = 9\n[command.pull]\nworkers = 4", "", [],
        ["workers": "4"]
      ),
    ] as [(String, String, [String], [String: String])])
  func choices(user: String, system: String, given: [String], expected: [String: String]) throws {
    #expect(try values(settings(user: user, system: system), given: given) == expected)
  }

  @Test("paths begin at the file's folder, or at home; those of variables where they are used")
  func paths() throws {
    let settings = try settings(
      user: "store = \"s\"\nauthfile = \"~/a\"\nca-file = \"/c\"", ["CAIRN_HISTORY": "h"])
    #expect(
      try values(settings) == [
        "store": folder("s"), "authfile": "/home/u/a", "ca-file": "/c", "history": "h",
      ])
  }

  @Test("a switch that is off adds nothing, and is off however it is written in a variable")
  func switches() throws {
    let on = try settings(user: "plain-http = true")
    #expect(on.entries.compactMap(\.argument) == ["--plain-http"])
    for word in ["false", "0", "No", "off"] {
      let off = try settings(user: "plain-http = true", ["CAIRN_PLAIN_HTTP": word])
      let pull = try #require(table.commands.first { $0.name == "pull" })
      #expect(off.entries(of: pull, registry: nil).compactMap(\.argument).isEmpty)
    }
    #expect(throws: CommandFailure.self) { try settings(["CAIRN_PLAIN_HTTP": "maybe"]) }
  }

  private func settings(_ variables: [String: String]) throws -> Settings {
    try settings(user: "", system: "", variables)
  }
}
