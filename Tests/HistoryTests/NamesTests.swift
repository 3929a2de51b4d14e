import Foundation
import Support
import Testing

@testable import History

/// Names for whoever has pressed a key: looked up, and nothing else.
@Suite("Names of a history")
struct HistoryNamesTests {
  @Test("registries come by their last pull, each once, and machines in order")
  func names() throws {
    let folder = try TemporaryFolder()
    let file = folder("history.sqlite")
    let history = try History(file: file)
    var other = HistoryTests.machine
    other.name = "a"
    for (registry, at) in [
      ("old.example", 1_000.0), ("new.example", 3_000), ("old.example", 2_000),
    ] {
      for machine in [HistoryTests.machine, other] {
        var path = HistoryTests.path
        path.registry = registry
        try history.record(HistoryTests.entry(at: at, machine: machine, path: path))
      }
    }
    #expect(
      History.names(in: file)
        == .init(registries: ["new.example", "old.example"], machines: ["a", "m"]))
  }

  @Test(
    "what is no history names nothing, and stays as it is",
    arguments: [nil, "", "no database", "SQLite format 3\0 and damage"])
  func others(content: String?) throws {
    let folder = try TemporaryFolder()
    if let content { try writeFile(folder("history.sqlite"), content.utf8) }
    #expect(History.names(in: folder("history.sqlite")) == .init())
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path)
        == (content == nil ? [] : ["history.sqlite"]))
    if let content { #expect(try readFile(folder("history.sqlite")) == Array(content.utf8)) }
  }

  @Test("a history that somebody writes to is not waited for")
  func locked() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    try history.record(HistoryTests.entry())
    try history.write { _ in _ = History.names(in: folder("history.sqlite")) }
    #expect(History.names(in: folder("history.sqlite")).registries == ["r.example"])
  }
}
