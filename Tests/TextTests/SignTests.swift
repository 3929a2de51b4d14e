import Testing

@testable import Text

@Suite("Signs in texts")
struct TextSignTests {
  /// Letters that make one character of a sign beside them: marks behind it, the class Prepend before it.
  static let neighbours = [
    ("", ""), ("", "\u{301}"), ("\u{D4E}", ""), ("\u{600}", "\u{FE0F}"), ("", "\u{200D}"),
  ]

  /// As code points, which no comparison makes the same of.
  private func points(_ texts: some Sequence<some StringProtocol>) -> [[UInt32]] {
    texts.map { $0.unicodeScalars.map(\.value) }
  }

  @Test("a slash is one, whatever stands beside it", arguments: neighbours)
  func slashes(before: String, behind: String) throws {
    let text = "a\(before)/\(behind)b//c"
    #expect(points(text.parts(at: "/")) == points(["a\(before)", "\(behind)b", "c"]))
    #expect(text.parts(at: "/", keepingEmpty: true).count == 4)
    let (first, last) = (try #require(text.cut(at: "/")), try #require(text.cut(atLast: "/")))
    #expect(points([first.before, first.after]) == points(["a\(before)", "\(behind)b//c"]))
    #expect(points([last.before, last.after]) == points(["a\(before)/\(behind)b/", "c"]))
    #expect("/\(behind)b".begins(with: "/") && "a\(before)/".ends(with: "/"))
    #expect(text.has("/") && !text.has("x") && text.cut(at: "x") == nil)
    #expect(text[text.startIndex...].parts(at: "/").count == 3 && "".parts(at: "/").isEmpty)
  }

  @Test("a text is another only where its bytes are")
  func exact() {
    let same = [("é", "e\u{301}"), ("K", "\u{212A}"), (";", "\u{37E}")]
    for (one, other) in same {
      #expect(one == other && one.exact != other.exact && Set([one.exact, other.exact]).count == 2)
      #expect(one.exact == one[...].exact)
    }
    #expect("a".exact < "b".exact && !("a".exact < "a".exact))
  }

  @Test("no sign of markup stays, whatever stands beside it", arguments: neighbours)
  func markup(before: String, behind: String) {
    let text = "<>&\"".map { "\(before)\($0)\(behind)" }.joined()
    let escaped = text.escapedForMarkup.unicodeScalars
    #expect(!escaped.contains("<") && !escaped.contains(">") && !escaped.contains("\""))
    #expect(escaped.count { $0 == "&" } == 4 && escaped.count { $0 == ";" } == 4)
  }
}
