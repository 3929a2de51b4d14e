/// Signs in a text, whatever stands beside them.
///
/// A sign is one to Swift only where no mark follows it and no letter of the class Prepend is before it: "/"
/// and U+0301 are one character, which is no slash, and the kernel finds a slash there all the same. So what
/// decides where a name ends, or what a program reads, looks at scalars; `SignTests` keeps it to that.
extension StringProtocol where SubSequence == Substring {
  /// Whether the text begins with these very bytes.
  package func begins(with start: some StringProtocol) -> Bool { utf8.starts(with: start.utf8) }

  /// Whether the text ends with these very bytes.
  package func ends(with end: some StringProtocol) -> Bool {
    utf8.suffix(end.utf8.count).elementsEqual(end.utf8)
  }

  /// Whether a sign is in the text.
  package func has(_ sign: Unicode.Scalar) -> Bool { unicodeScalars.contains(sign) }

  /// What is between a sign and the next, but for what is empty.
  package func parts(at sign: Unicode.Scalar, keepingEmpty: Bool = false) -> [Substring] {
    self[...].unicodeScalars.split(separator: sign, omittingEmptySubsequences: !keepingEmpty)
      .map { Substring($0) }
  }

  /// What is before the first of a sign and what is behind it; nil: there is none.
  package func cut(at sign: Unicode.Scalar) -> (before: Substring, after: Substring)? {
    self[...].unicodeScalars.firstIndex(of: sign).map { pieces(around: $0) }
  }

  /// What is before the last of a sign and what is behind it; nil: there is none.
  package func cut(atLast sign: Unicode.Scalar) -> (before: Substring, after: Substring)? {
    self[...].unicodeScalars.lastIndex(of: sign).map { pieces(around: $0) }
  }

  private func pieces(around place: Index) -> (before: Substring, after: Substring) {
    let scalars = self[...].unicodeScalars
    return (
      Substring(scalars[..<place]), Substring(scalars[scalars.index(after: place)...])
    )
  }
}

extension StringProtocol {
  /// The text as it stands in HTML and XML, between tags and in attributes with double quotation marks.
  package var escapedForMarkup: String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
