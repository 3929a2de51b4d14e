import ArgumentParser
import Foundation
import Support
import TOML
import Testing

@testable import cairn

@Suite("What can be set")
struct SettingTableTests {
  private let table: SettingTable

  init() throws { table = try SettingTable.ofProcess() }

  @Test("every option of every command can be set, or has a reason why it cannot")
  func isComplete() throws {
    var options = 0
    for command in table.commands {
      for option in command.options {
        options += 1
        let isSet = table.all.contains {
          $0.commands.contains(command.name) && $0.option.name == option.name
        }
        let reason = SettingExceptions.reason(option.name, of: command.name)
        #expect(isSet != (reason != nil), "--\(option.name) of \(command.name)")
      }
    }
    #expect(options > 150 && table.commands.count > 12)
  }

  @Test("every reason is that of an option that is there")
  func noStaleReasons() {
    let names = Set(table.commands.flatMap(\.options).map(\.name))
    for name in SettingExceptions.general.keys { #expect(names.contains(name), "\(name)") }
    for (command, reasons) in SettingExceptions.ofCommands {
      let own = table.commands.first { $0.name == command }?.options.map(\.name) ?? []
      for name in reasons.keys { #expect(own.contains(name), "\(command) \(name)") }
    }
    for name in Settings.choices.flatMap(\.self) { #expect(names.contains(name), "\(name)") }
    for name in SettingTable.renamed.keys { #expect(names.contains(name), "\(name)") }
  }

  @Test("no two settings have one key or one variable, and no key is a table's name")
  func namesAreOwn() {
    #expect(Set(table.all.map(\.key)).count == table.all.count)
    #expect(Set(table.all.map(\.variable)).count == table.all.count)
    let keys = table.all.map { $0.key.split(separator: ".") }
    for key in keys {
      for other in keys where other.count > key.count { #expect(!other.starts(with: key)) }
    }
    #expect(!table.all.contains { $0.variable == "CAIRN_CONFIG" })
  }

  @Test("a command's option means what the setting at the top means, or has a table of its own")
  func generalAndSpecial() throws {
    #expect(table["max-workers"]?.commands == ["pull"])
    #expect(table["format"]?.commands.isSuperset(of: ["tags", "inspect", "store-list"]) ?? false)
    #expect(table["format"]?.commands.contains("tune") == false)
    #expect(table["workers"]?.commands == ["pull"])
    #expect(table["command.tune.workers"]?.variable == "CAIRN_TUNE_WORKERS")
    #expect(table["history.file"]?.variable == "CAIRN_HISTORY")
    #expect(table["store"]?.variable == "CAIRN_STORE")
    #expect(table["seeds"] == nil)
  }

  @Test("what a registry has of its own is how it is reached, and how large its pool is")
  func ofRegistries() {
    let own = Set(table.general.filter(\.isOfRegistry).map(\.key))
    #expect(own.isSuperset(of: ["retries", "ca-file", "plain-http", "max-workers", "workers"]))
    #expect(own.isDisjoint(with: ["store", "log-level", "limit-rate", "short-names", "creds"]))
  }

  @Test("values are of the kind that the option takes, in numbers and words")
  func kinds() {
    let cases: [(String, TOMLValue, String?)] = [
      ("max-workers", .other("1_0"), "10"), ("max-workers", .string("10"), nil),
      ("max-workers", .other("1.5"), nil), ("max-workers", .boolean(true), nil),
      ("max-workers", .other("99999999999999999999"), nil), ("workers", .string("auto"), "auto"),
      ("workers", .other("+8"), "8"), ("plain-http", .boolean(true), "true"),
      ("plain-http", .string("yes"), nil), ("tls-verify", .boolean(false), "false"),
      ("connect-timeout", .other("2"), "2"), ("connect-timeout", .other("inf"), nil),
      ("connect-timeout", .other("1979-05-27"), nil), ("limit-rate", .string("10M"), "10M"),
      ("limit-rate", .other("5_000"), "5000"), ("progress", .string("plain"), "plain"),
      ("progress", .string("loud"), nil), ("store", .string("/s"), "/s"),
      ("store", .string(""), nil), ("store", .array([]), nil), ("platform", .other("3"), nil),
      ("command.tune.workers", .other("8"), "8"),
    ]
    for (key, value, argument) in cases {
      #expect(table[key]?.kind.argument(value) == argument, "\(key) \(value)")
    }
    let words = table.all.map(\.kind.words)
    #expect(words.allSatisfy { !$0.isEmpty })
  }

  @Test("how words differ is counted", arguments: [("max-worker", 1), ("mx-wrkers", 2), ("", 11)])
  func distance(word: String, expected: Int) {
    #expect(Spelling.distance(word, "max-workers") == expected)
  }

  @Test("files are the user's by XDG_CONFIG_HOME or home, then the machine's, or one that is named")
  func places() {
    func paths(_ environment: [String: String]) -> [String] {
      SettingPlaces(environment: environment, homeOfUser: "/db").all.map(\.path)
    }
    let system = "/etc/cairn/config.toml"
    #expect(paths(["HOME": "/h"]) == ["/h/.config/cairn/config.toml", system])
    #expect(paths([:]) == ["/db/.config/cairn/config.toml", system])
    #expect(paths(["HOME": "h", "XDG_CONFIG_HOME": "x"])[0] == "/db/.config/cairn/config.toml")
    #expect(paths(["HOME": "/h", "XDG_CONFIG_HOME": "/x"])[0] == "/x/cairn/config.toml")
    #expect(paths(["HOME": "/h", "CAIRN_CONFIG": "/c"]) == ["/c"])
  }
}
