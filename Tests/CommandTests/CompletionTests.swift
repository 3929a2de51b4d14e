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

  @Test("every shell's script is printed", arguments: ["bash", "zsh", "fish"])
  func scripts(shell: String) async throws {
    let cairn = try Command()
    let outcome = try await cairn("completion", shell)
    #expect(outcome.status == 0 && outcome.output.contains("cairn"))
    #expect(!outcome.output.contains("\u{1B}"))
  }
}
