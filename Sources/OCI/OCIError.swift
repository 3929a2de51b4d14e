/// What can be wrong with a reference, a digest or an image document.
package enum OCIError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A reference does not follow the grammar; `offset` counts characters from the start.
  case invalidReference(String, offset: Int, reason: String)
  /// A digest string is not one.
  case invalidDigest(String, reason: String)
  /// A platform is not `os[(version)]/arch[/variant]`.
  case invalidPlatform(String)
  /// A manifest or index cannot be used.
  case invalidDocument(reason: String)
  /// A Docker schema 1 manifest, which carries no digests of compressed layers.
  case schema1

  /// One sentence; a reference gets a second and third line with a caret under the character.
  package var description: String {
    switch self {
    case .invalidReference(let text, let offset, let reason):
      let shown = Self.withoutPassword(text).shownSafely(limit: 300)
      return """
        invalid image reference: \(reason)
          \(shown)
          \(String(repeating: " ", count: min(offset, shown.count)))^
        """
    case .invalidDigest(let text, let reason):
      return "invalid digest \"\(text.shownSafely(limit: 80))\": \(reason)"
    case .invalidPlatform(let text):
      return
        "invalid platform \"\(text.shownSafely(limit: 80))\": expected OS[(VERSION)]/ARCH[/VARIANT], "
        + "for example linux/arm64 or linux/arm/v7"
    case .invalidDocument(let reason):
      return "invalid image manifest: \(reason)"
    case .schema1:
      return "this is a Docker schema 1 manifest, a format retired in 2017; "
        + "push the image again with a current tool to convert it"
    }
  }

  /// A text as it was written, with as many dots in place of a password: before an `@` behind which more
  /// than a digest stands, as in a URL.
  private static func withoutPassword(_ text: String) -> String {
    guard let at = text.lastIndex(of: "@"), text[at...].contains("/") else { return text }
    let login = text.firstRange(of: "//")?.upperBound ?? text.startIndex
    guard login < at, let colon = text[login..<at].firstIndex(of: ":") else { return text }
    let password = text.index(after: colon)..<at
    return text[..<password.lowerBound] + String(repeating: "·", count: text[password].count)
      + text[at...]
  }
}
