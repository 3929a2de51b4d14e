import OCI
import Text
import Transfer

/// Whether an answer is a page for people in place of what was asked for: a login's, a portal's, a
/// guard's, a proxy's.
///
/// What begins like one is one, whatever it is called; what plainly begins otherwise is none. Of a
/// body that is not known, or that says nothing, the type tells. An answer that says how one is let
/// in is no page, whatever it shows beside that.
enum PageRule {
  /// Types of pages.
  private static let types: Set<String> = ["text/html", "application/xhtml+xml"]
  /// The most bytes that are looked at: what stands before a page's first tag is short.
  private static let mostRead = 1_024
  /// Tags that only pages have; where a page's first one is another, its type says what it is.
  private static let tags = [
    "<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script",
  ]

  /// That one came in place of what was asked for.
  ///
  /// - Parameter url: where it came from.
  static func words(_ url: RemoteURL) -> String {
    "a web page (HTML), not a registry's answer, came from \(RemoteURL.quoted(url.description))"
  }

  /// What may help against one.
  static let hint =
    "it may be the login of this network, or of a proxy: open a web page in a browser, log in, and run it again; "
    + "or the name is that of a web site and of no registry"

  /// The error of one.
  ///
  /// - Parameters:
  ///   - url: where it came from.
  ///   - what: what was asked for.
  static func error(_ url: RemoteURL, _ what: String) -> RegistryError {
    RegistryError(
      .integrity, "\(url.origin.authority), \(what): \(words(url))", hint: hint)
  }

  /// By the head alone: the body is not here, or may be anything.
  static func isPage(_ head: ResponseHead) -> Bool {
    guard head.fields["www-authenticate"] == nil, let type = head.fields["content-type"] else {
      return false
    }
    return types.contains(MediaType(rawValue: type).rawValue)
  }

  /// By the body as far as it is here, and by the head where that does not tell.
  static func isPage(_ response: TransferResponse) -> Bool {
    guard response.head.fields["www-authenticate"] == nil else { return false }
    switch looks(response.words) {
    case true?: return true
    case false?: return false
    case nil: return isPage(response.head)
    }
  }

  /// By the body alone.
  static func isPage(_ body: some Collection<UInt8>) -> Bool { looks(body) ?? false }

  /// A page's title, which is all that it says in a few words; nil: it is none, or has none.
  static func title(_ body: [UInt8]) -> String? {
    guard isPage(body) else { return nil }
    let text = String(outside: body.prefix(mostRead)).utf8
    let starts = ["<title>", "<TITLE>"].compactMap { text.firstRange(of: $0.utf8)?.upperBound }
    guard let start = starts.first, let end = text[start...].firstIndex(of: UInt8(ascii: "<"))
    else { return nil }
    let words = (String(text[start..<end]) ?? "").split(whereSeparator: \.isWhitespace)
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// - Returns: nil where the bytes do not tell.
  private static func looks(_ body: some Collection<UInt8>) -> Bool? {
    let start = body.prefix(mostRead).drop { blanks.contains($0) }
    guard let first = start.first else { return nil }
    // JSON, which some servers call a page.
    if [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(first) { return false }
    guard first == UInt8(ascii: "<") else { return nil }
    let text = String(decoding: start, as: UTF8.self).lowercased()
    if tags.contains(where: { text.contains($0) }) { return true }
    // An error of a storage service.
    return text.hasPrefix("<?xml") ? false : nil
  }

  /// White space, and the mark that some put before text.
  private static let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF]
}
