import ArgumentParser
import Foundation
import Testing

@testable import cairn

@Suite("Completion")
struct CompletionTests {
  @Test(
    "a word is offered what begins as it does, each once, as its shell wants it",
    arguments: [
      ("ub", nil, ["ubuntu:22.04", "alpine:3", "ubuntu:22.04"], ["ubuntu:22.04"]),
      ("ub", .bash, ["ubuntu:22.04", "alpine:3"], ["ubuntu:22.04"]),
      ("ub", .zsh, ["ubuntu:22.04", "alpine:3"], ["ubuntu\\:22.04"]),
      ("ub", .fish, ["ubuntu:22.04", "alpine:3"], ["ubuntu:22.04"]),
      ("", .bash, ["a", "b"], ["a", "b"]), ("x", .bash, ["a", "b"], []),
      ("ubuntu\\:2", .bash, ["ubuntu:22.04"], ["ubuntu:22.04"]),
      ("'ubuntu:2", .bash, ["ubuntu:22.04"], ["ubuntu:22.04"]),
    ] as [(String, CompletionShell?, [String], [String])])
  func answer(typed: String, shell: CompletionShell?, candidates: [String], expected: [String]) {
    let word = CompletedWord(["cairn", "pull", typed], at: 2, shell: shell)
    #expect(word.answer(candidates) == expected)
  }

  @Test(
    "what a shell would run, expand or show is not offered",
    arguments: [
      "$(touch x)", "`touch x`", "a;b", "a&b", "a|b", "a>b", "a b", "a\nb", "a\u{1B}]0;x\u{7}",
      "$HOME",
      "{a,b}", "*", "?", "[a]", "~", "!1", "a\\b", "a'b", "a\"b", "#a", "ä", "a=b", "(a)",
      "a\u{202E}b", "--yes", "-",
    ])
  func hostile(name: String) {
    for shell in [CompletionShell.bash, .zsh, .fish, nil] {
      #expect(CompletedWord(["cairn", "pull", ""], at: 2, shell: shell).answer([name]) == [])
    }
  }

  @Test("at most a thousand words are offered")
  func limit() {
    let word = CompletedWord(["cairn", "pull", ""], at: 2, shell: .bash)
    #expect(word.answer((0..<5_000).map { "x\($0)" }).count == 1_000)
  }

  @Test(
    "an option's value is the last one that was given before the word",
    arguments: [
      (["cairn", "pull", "--store", "/a", "x"], 4, "/a"),
      (["cairn", "pull", "--store=/a", "x"], 3, "/a"),
      (["cairn", "pull", "--store", "/a", "--store=/b", "x"], 5, "/b"),
      (["cairn", "pull", "--store", "x"], 3, nil),
      (["cairn", "pull", "x", "--store", "/a"], 2, nil),
      (["cairn", "pull", "--stores", "/a", "x"], 4, nil),
      (["cairn", "pull", "--store", "'/a b'", "x"], 4, "/a b"),
    ] as [([String], Int, String?)])
  func value(words: [String], index: Int, expected: String?) {
    #expect(CompletedWord(words, at: index, shell: .bash).value(of: "--store") == expected)
  }

  @Test(
    "words and places that no shell would pass do no harm", arguments: [-1, 0, 3, 4, .max, .min])
  func odd(index: Int) {
    let word = CompletedWord(["cairn", "pull", "x"], at: index, shell: .bash)
    #expect(word.text == (index == 0 ? "cairn" : ""))
  }

  @Test("completion makes nothing where there is no store and no history")
  func makesNothing() async throws {
    let cairn = try Command()
    let outcome = try await cairn(
      "---completion", "pull", "--", "positional@0", "2", "0", "cairn", "pull", "")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: cairn.folder.path).isEmpty)
  }

  @Test(
    "stored names are those of the store that variables, files and options name, the nearest first, also for commands that have no such option",
    arguments: [("pull", "r.test/%:1"), ("inspect", "r.test/%:1"), ("tags", "r.test/%")])
  func places(command: String, offer: String) async throws {
    let cairn = try Command()
    for store in ["variable", "users", "option"] {
      let folder = cairn.folder(store)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let entry =
        #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\#(String(repeating: "a", count: 64))","#
        + #""size":2,"annotations":{"org.opencontainers.image.ref.name":"r.test/\#(store):1"}}"#
      try #"{"imageLayoutVersion":"1.0.0"}"#.write(
        toFile: folder + "/oci-layout", atomically: true, encoding: .utf8)
      try #"{"schemaVersion":2,"manifests":[\#(entry)]}"#.write(
        toFile: folder + "/index.json", atomically: true, encoding: .utf8)
    }
    let file = cairn.folder("config.toml")
    func offered(_ words: [String], _ environment: [String: String]) async throws -> String {
      let arguments =
        ["---completion", command, "--", "positional@0", "\(words.count - 1)", "0"] + words
      let outcome = try await Command.finish(cairn.process(arguments, environment: environment))
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let variable = ["CAIRN_STORE": cairn.folder("variable")]
    let users = ["CAIRN_STORE": "", "CAIRN_CONFIG": file]
    let typed = ["cairn", command, "r.test/"]
    let option = ["cairn", command, "--store", cairn.folder("option"), "r.test/"]
    func name(_ store: String) -> String { offer.replacing("%", with: store) }
    #expect(try await offered(typed, variable) == name("variable"))
    #expect(try await offered(option, variable) == name("option"))
    try "store = \"\(cairn.folder("users"))\"\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(try await offered(typed, users) == name("users"))
    #expect(
      try await offered(typed, variable.merging(["CAIRN_CONFIG": file]) { $1 })
        == name("variable"))
  }

  @Test("a file of settings that is wrong takes no words away, and says nothing between them")
  func wrongFile() async throws {
    let cairn = try Command()
    let file = cairn.folder("config.toml")
    try "store = 3\n".write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await cairn(
      "---completion", "pull", "--", "positional@0", "2", "0", "cairn", "pull", "",
      environment: ["CAIRN_CONFIG": file])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
  }

  @Test("every shell's script is printed", arguments: ["bash", "zsh", "fish"])
  func scripts(shell: String) async throws {
    let cairn = try Command()
    let outcome = try await cairn("completion", shell)
    #expect(outcome.status == 0 && outcome.output.contains("cairn"))
    #expect(!outcome.output.contains("\u{1B}"))
  }

  /// What stands for a value that shells can complete: its declaration needs `completion:`.
  static let completable: Set<String> = [
    "file", "dir", "folder", "pem", "host", "os/arch[/variant]", "policy", "transport:…",
  ]

  @Test("every option whose value is a file, a directory, a platform or a registry completes it")
  func everyOption() async throws {
    let outcome = try await Command()("--experimental-dump-help")
    let tree = try JSONSerialization.jsonObject(with: outcome.bytes) as? [String: Any]
    var commands = [try #require(tree?["command"] as? [String: Any])]
    var seen = 0
    while let command = commands.popLast() {
      commands += command["subcommands"] as? [[String: Any]] ?? []
      for argument in command["arguments"] as? [[String: Any]] ?? [] {
        guard let value = argument["valueName"] as? String, Self.completable.contains(value),
          argument["kind"] as? String != "flag"
        else { continue }
        seen += 1
        let preferred = argument["preferredName"] as? [String: Any]
        let option = preferred?["name"] as? String ?? value
        let name = command["commandName"] as? String ?? ""
        #expect(
          argument["completionKind"] != nil || argument["allValues"] != nil, "\(name) \(option)")
      }
    }
    #expect(seen > 40)
  }
}
