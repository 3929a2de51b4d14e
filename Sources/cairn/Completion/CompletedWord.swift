import ArgumentParser

/// The word that a shell asks to complete, and how it is answered.
///
/// Bash expands what it is offered, commands included, and what is offered may come from somebody
/// else's layout or export: only words without a special character are. Zsh takes what is behind a
/// colon for a description.
struct CompletedWord: Equatable {
  /// What was typed of it.
  let text: String
  /// The words of the command before it.
  let before: [String]
  /// Who asks; nil: unknown.
  let shell: CompletionShell?

  /// The most words that are offered.
  static let limit = 1_000

  /// Takes what the shell passed.
  ///
  /// - Parameters:
  ///   - words: of the command, the command's name first, as they were typed.
  ///   - index: which of them is to be completed.
  ///   - shell: who asks; nil: unknown.
  init(_ words: [String], at index: Int, shell: CompletionShell?) {
    text = words.indices.contains(index) ? Self.unquoted(words[index]) : ""
    before = words.prefix(max(0, index)).map(Self.unquoted)
    self.shell = shell
  }

  /// What was given to an option of the command so far; nil: nothing.
  ///
  /// - Parameter option: with its dashes.
  func value(of option: String) -> String? {
    guard let place = before.lastIndex(where: { $0 == option || $0.hasPrefix(option + "=") }) else {
      return nil
    }
    if before[place] != option { return String(before[place].dropFirst(option.count + 1)) }
    return place + 1 < before.count ? before[place + 1] : nil
  }

  /// Those candidates that begin as the word does, each once, as the shell wants them.
  ///
  /// - Parameter candidates: whole words.
  func answer(_ candidates: some Sequence<String>) -> [String] {
    var seen: Set<String> = []
    var answer: [String] = []
    for candidate in candidates where candidate.hasPrefix(text) && Self.isPlain(candidate) {
      guard answer.count < Self.limit else { break }
      guard seen.insert(candidate).inserted else { continue }
      answer.append(shell == .zsh ? candidate.replacing(":", with: "\\:") : candidate)
    }
    return answer
  }

  /// Whether no shell does anything with a word but take it, and it is no option.
  private static func isPlain(_ word: String) -> Bool {
    !word.hasPrefix("-")
      && word.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "-_./:@+,%".utf8.contains(byte)
        }
      }
  }

  /// A word without the quotation marks and backslashes that it was typed with.
  private static func unquoted(_ word: String) -> String {
    var plain = ""
    var isEscaped = false
    for character in word {
      if isEscaped || !"\\\"'".contains(character) {
        plain.append(character)
        isEscaped = false
      } else {
        isEscaped = character == "\\"
      }
    }
    return plain
  }
}
