import Text

/// What storage says went wrong: S3 and its kin answer in XML, `<Error><Code>…</Code><Message>…`.
///
/// Of all that stands there only these two are for people; others hold keys and what was signed.
struct StorageError {
  /// Code and message, as they stand there; empty where it is no such document.
  let parts: [String]

  /// The most bytes that are looked at.
  private static let mostRead = 16 << 10

  init(_ body: [UInt8]) {
    let text = String(outside: body.prefix(Self.mostRead)).utf8
    guard text.firstRange(of: "<Error".utf8) != nil else {
      parts = []
      return
    }
    let found = ["Code", "Message"].compactMap { Self.content(of: $0, in: text) }
    parts = found.isEmpty ? [] : [found.joined(separator: ": ")]
  }

  private static func content(of name: String, in text: String.UTF8View) -> String? {
    guard let start = text.firstRange(of: "<\(name)>".utf8)?.upperBound,
      let end = text[start...].firstIndex(of: UInt8(ascii: "<"))
    else { return nil }
    let content = String(text[start..<end]) ?? ""
    return content.isEmpty ? nil : plain(content)
  }

  /// A text with its entities undone; what they stand for is shown safely as all else.
  private static func plain(_ text: String) -> String {
    var text = text
    for (entity, sign) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
    ] {
      text = text.replacing(entity, with: sign)
    }
    return text
  }
}
