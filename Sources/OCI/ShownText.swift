extension String {
  /// The text with control characters replaced, at most `limit` characters: safe for a terminal.
  ///
  /// Everything that a server says passes through here before a person sees it: escape codes in an
  /// error message must not move the cursor or change a window's title.
  ///
  /// - Parameter limit: the most characters to keep; a cut is shown as `…`.
  package func shownSafely(limit: Int) -> String {
    var result = ""
    var count = 0
    for scalar in unicodeScalars {
      if count == limit { return result + "…" }
      result.unicodeScalars.append(scalar.isShowable ? scalar : "\u{FFFD}")
      count += 1
    }
    return result
  }
}

extension String {
  /// Each of the text's lines as `shownSafely` makes it, and no more than 20 of them.
  ///
  /// Only what we end lines with ends one: the other characters that do so come from names and servers.
  package var linesShownSafely: String {
    unicodeScalars.split(separator: "\n").prefix(20).map { String($0).shownSafely(limit: 1_000) }
      .joined(separator: "\n")
  }
}

extension String {
  /// The text with every character that acts on a terminal as JSON would write it (`\\u001b`); line
  /// ends and tabs stay.
  ///
  /// What is printed passes through here at the end, whoever said it: in JSON it is the same
  /// string, and in a text one sees what stood there.
  ///
  /// - Parameter lineLimit: the most characters of a line, a cut is shown as `…`; nil: as many as there are.
  package func escapedForTerminals(lineLimit: Int? = nil) -> String {
    let isHarmless = utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F || $0 == 0x0A || $0 == 0x09 }
    if isHarmless, lineLimit == nil || utf8.count <= lineLimit ?? 0 { return self }
    var result = ""
    var column = 0
    for scalar in unicodeScalars {
      column = scalar == "\n" ? 0 : column + 1
      if let lineLimit, column > lineLimit {
        if column == lineLimit + 1 { result += "…" }
      } else if scalar.isShowable || scalar == "\n" || scalar == "\t" {
        result.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// False for what can act on a terminal or reorder text: controls, formats, private use.
  fileprivate var isShowable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator,
      .unassigned:
      false
    default: true
    }
  }
}
