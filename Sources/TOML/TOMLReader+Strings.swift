import Text

/// Strings in their four notations.
extension TOMLReader {
  mutating func literalString() throws(Invalid) -> String {
    place += 1
    let start = place
    while let scalar = next, scalar != "'" {
      guard scalar != "\n" else { throw invalid }
      place += 1
    }
    try need("'")
    return String(String.UnicodeScalarView(text[start..<(place - 1)]))
  }

  mutating func basicString() throws(Invalid) -> String {
    place += 1
    var content = String.UnicodeScalarView()
    while let scalar = next, scalar != "\"" {
      guard scalar != "\n" else { throw invalid }
      place += 1
      content.append(scalar == "\\" ? try escape() : scalar)
    }
    try need("\"")
    return String(content).withBoundedMarks
  }

  /// A string of several lines; its opening quotes are taken.
  mutating func longString(
    _ quote: Unicode.Scalar, escapes: Bool
  ) throws(Invalid) -> String {
    _ = take("\n")
    var content = String.UnicodeScalarView()
    var quotes = 0
    while let scalar = next {
      if scalar == quote {
        quotes += 1
      } else if quotes >= 3 {
        break
      } else {
        quotes = 0
      }
      guard quotes <= 5 else { throw invalid }
      place += 1
      if scalar == "\\", escapes {
        let start = place
        skipBlanks()
        if next == "\n" {
          while let blank = next, " \t\n".unicodeScalars.contains(blank) { place += 1 }
        } else {
          place = start
          content.append(try escape())
        }
      } else {
        content.append(scalar)
      }
    }
    guard quotes >= 3 else { throw invalid }
    content.removeLast(3)
    return String(content).withBoundedMarks
  }

  /// What stands after a backslash.
  private mutating func escape() throws(Invalid) -> Unicode.Scalar {
    guard let scalar = next else { throw invalid }
    place += 1
    switch scalar {
    case "b": return "\u{8}"
    case "t": return "\t"
    case "n": return "\n"
    case "f": return "\u{C}"
    case "r": return "\r"
    case "\"", "\\": return scalar
    case "u", "U":
      let digits = text[place...].prefix(scalar == "u" ? 4 : 8)
      place += digits.count
      guard digits.count == (scalar == "u" ? 4 : 8),
        digits.allSatisfy({ $0.properties.isASCIIHexDigit }),
        let number = UInt32(String(String.UnicodeScalarView(digits)), radix: 16),
        let found = Unicode.Scalar(number)
      else { throw invalid }
      return found
    default: throw invalid
    }
  }
}
