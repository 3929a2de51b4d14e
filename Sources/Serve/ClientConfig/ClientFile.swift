/// A file that a client's owner writes, and the texts in it.
struct ClientFile: Hashable, Sendable {
  /// Where it belongs.
  let path: String
  /// What it holds, in the client's own format.
  let text: String

  init(_ path: String, _ lines: [String]) {
    self.path = path
    text = lines.joined(separator: "\n") + "\n"
  }

  /// A text in quotation marks, as JSON, TOML and YAML all read it.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
