/// URLs of others as they may be shown: user information is a password, a query a signature, and a fragment
/// a token.
extension RemoteURL {
  /// A URL, or what was meant to be one, without what may be secret.
  ///
  /// - Parameter text: for example a `Location`.
  package static func quoted(_ text: some StringProtocol) -> String {
    let bare = text.prefix { $0 != "?" && $0 != "#" }
    let end = bare.endIndex == text.endIndex ? "" : "\(text[bare.endIndex])…"
    guard let at = bare.lastIndex(of: "@") else { return "\(bare)\(end)" }
    let start = bare.firstRange(of: "//")?.upperBound ?? bare.startIndex
    // Behind a host an `@` is part of the path, as a rule; nobody misses what else goes.
    return "\(bare[..<min(start, at)])\(bare[bare.index(after: at)...])\(end)"
  }

  /// A text with its URLs as they may be shown, each up to a space or a quotation mark's other half.
  ///
  /// - Parameter text: for example a `WWW-Authenticate`.
  static func quotedWithin(_ text: String) -> String {
    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.enumerated().map { number, part in
      // What is between quotation marks is one word, whatever is in it.
      guard number.isMultiple(of: 2) else { return quoted(part) }
      return part.split(separator: " ", omittingEmptySubsequences: false).map { quoted($0) }
        .joined(separator: " ")
    }.joined(separator: "\"")
  }
}
