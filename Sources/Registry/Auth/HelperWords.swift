/// What a credential helper says went wrong, on either output, without what may be a secret.
///
/// Docker's helpers say it on standard output, where answers are, too: all that may be a part of one
/// is left out, and what is no sentence.
enum HelperWords {
  /// The most characters that are shown.
  private static let limit = 200

  /// The words; nil: there are none that may be shown.
  ///
  /// - Parameters:
  ///   - output: what it said on standard output.
  ///   - error: what it said on standard error.
  static func of(output: String, error: String) -> String? {
    let said = [(error, 1), (output, 3)].compactMap { text, words in
      sentence(in: outside(text), words: words) ?? message(in: text)
    }
    guard !said.isEmpty else { return nil }
    return Secrets().redact(said.joined(separator: "; ")).shownSafely(limit: limit)
  }

  /// The text without objects, whole or cut off at either end.
  private static func outside(_ text: String) -> String {
    let braces = text.indices.filter { "{}".contains(text[$0]) }
    guard let first = braces.first, let last = braces.last else { return text }
    let before = text[first] == "{" ? text[..<first] : ""
    let after = text[last] == "}" ? text[text.index(after: last)...] : ""
    // What stands in the same line belongs to it.
    return [
      before.split(whereSeparator: \.isNewline).dropLast(before.last?.isNewline ?? true ? 0 : 1),
      after.split(whereSeparator: \.isNewline).dropFirst(after.first?.isNewline ?? true ? 0 : 1),
    ].joined().joined(separator: "\n")
  }

  /// The first line of so many words that names no secret.
  private static func sentence(in text: String, words: Int) -> String? {
    text.split(whereSeparator: \.isNewline).map(String.init).first { line in
      line.split(separator: " ").count >= words && !mayHoldSecret(line)
    }
  }

  /// Whether a line is a member of an object, or a name with a value, that may be a secret.
  private static func mayHoldSecret(_ line: String) -> Bool {
    let plain = line.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    return ["secret", "password", "token", "username"].contains { name in
      [":", "="].contains { plain.contains(name + $0) }
    }
  }

  /// What an object says that is an error and no answer.
  private static func message(in text: String) -> String? {
    let bytes = Array(text.utf8)
    guard let start = bytes.firstIndex(of: UInt8(ascii: "{")),
      let end = bytes.lastIndex(of: UInt8(ascii: "}")), start < end
    else { return nil }
    return ErrorBody(Array(bytes[start...end]), contentType: nil).words
  }
}
