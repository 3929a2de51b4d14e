/// A kind of text that costs somebody more than it should, in as many bytes as one likes.
struct Nasty {
  let name: String
  /// What is repeated; nil: each part is another.
  private var unit: String?
  private let part: @Sendable (Int) -> String

  /// At least so many bytes, and few more.
  func text(_ bytes: Int) -> [UInt8] {
    if let unit {
      let whole = Array(unit.utf8)
      var text = whole
      while text.count < bytes { text += text }
      return Array(text.prefix((bytes / whole.count + 1) * whole.count))
    }
    var text: [UInt8] = []
    var number = 0
    while text.count < bytes {
      text += part(number).utf8
      number += 1
    }
    return text
  }

  private init(_ name: String, _ part: @escaping @Sendable (Int) -> String) {
    (self.name, self.part) = (name, part)
  }

  private init(_ text: String) {
    // What is shown of it is fit for a terminal.
    let shown = text.unicodeScalars.map {
      $0.value > 0x20 && $0.value < 0x7F ? "\($0)" : "U+\(String($0.value, radix: 16))"
    }
    self.init(shown.joined()) { _ in text }
    unit = text
  }

  private static let repeated = [
    "a", "A", "0", "9", " ", "\t", "\n", "\r", "\r\n", "\0", "\"", "'", "\\", "\\\"", "\\u0041",
    "/", "//", "../", ".", "a.", "-", "_",
    "a-", "a_", ":", "a:", "@", "#", "%", "%41", "%C3", "?", "&", "=", "a=", "a=b,", "a=\"b\",",
    ",", ";", "a;", "a ", "Basic ", "Bearer a=b, ",
    "[", "]", "[[", "[]", "[],", "{", "{}", "{},", "{\"a\":", "[a]\n", "[[a]]\n", "a=1\n",
    "a.b=1\n", "<", "<a>;rel=next,", "*", "*.a,",
    "127.0.0.1,", "::", "1h", "1e9", "1e999,", "{\"size\":1e999},", "é", "e\u{301}", "\u{301}",
    "\u{301}\u{323}", "\u{F73}",
    "\\u0301\\u0323", "\u{1F468}\u{200D}",
    "\u{1F1E9}", "\u{1161}", "\u{915}\u{94D}", "\u{202E}", "\u{9B}31m", "\u{FEFF}", "\u{130}",
    "-----BEGIN CERTIFICATE-----\n",
  ]

  static let all =
    repeated.map { Nasty($0) } + [
      Nasty("many members") { "\"k\($0)\":\($0)," }, Nasty("many names") { "k\($0)=\($0)&" },
      Nasty("many lines") { "k\($0) = \($0)\n" }, Nasty("many tables") { "[k\($0)]\n" },
      Nasty("many headers") { "k\($0): \($0)\r\n" }, Nasty("many words") { "k\($0), " },
      Nasty("escaped members") { "\"\\u006b\($0)\":1," },
    ]
}
