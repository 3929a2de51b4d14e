import TOML

/// What the value of a setting is, in a file; found from what help has in place of the option's value.
enum ValueKind: Equatable {
  case boolean, whole, number, size, text, path
  /// A whole number, or a word of its own.
  case wholeOrText(String)
  case choice([String])

  init(_ option: DeclaredOption) {
    if option.isFlag {
      self = .boolean
    } else if !option.values.isEmpty {
      self = .choice(option.values)
    } else {
      switch option.valueName {
      case "true|false": self = .boolean
      case "n": self = .whole
      case "s", "ms": self = .number
      case "bytes", "rate": self = .size
      case "n|auto": self = .wholeOrText("\"auto\"")
      case "list", "s,s,…": self = .wholeOrText("a list such as \"1,4\"")
      case "file", "dir", "folder", "path", "pem": self = .path
      case "docker|podman": self = .choice(["docker", "podman"])
      default: self = .text
      }
    }
  }

  /// What is expected, for words.
  var words: String {
    switch self {
    case .boolean: "true or false"
    case .whole: "a whole number"
    case .number: "a number"
    case .size: "a number of bytes, or a text such as \"10M\""
    case .text: "a text in quotes"
    case .path: "a path in quotes"
    case .wholeOrText(let other): "a whole number, or \(other)"
    case .choice(let values): "one of " + values.map { "\"\($0)\"" }.joined(separator: ", ")
    }
  }

  /// The value as an argument has it; nil where it is of another kind.
  func argument(_ value: TOMLValue) -> String? {
    switch (self, value) {
    case (.boolean, .boolean(let value)): "\(value)"
    case (.whole, .other(let word)), (.size, .other(let word)), (.wholeOrText, .other(let word)):
      Self.whole(word)
    case (.number, .other(let word)): Self.number(word)
    case (.size, .string(let text)), (.text, .string(let text)), (.wholeOrText, .string(let text)),
      (.path, .string(let text)):
      text.isEmpty ? nil : text
    case (.choice(let values), .string(let text)): values.contains(text) ? text : nil
    default: nil
    }
  }

  /// The value of a variable as an argument has it; nil where it is of another kind.
  func argument(variable text: String) -> String? {
    switch self {
    case .boolean:
      switch text.lowercased() {
      case "true", "1", "yes", "on": "true"
      case "false", "0", "no", "off": "false"
      default: nil
      }
    case .whole: Self.whole(text)
    case .number: Self.number(text)
    case .choice(let values): values.contains(text) ? text : nil
    case .size, .text, .path, .wholeOrText: text
    }
  }

  private static func whole(_ word: String) -> String? {
    Int(bare(word)).map { "\($0)" }
  }

  private static func number(_ word: String) -> String? {
    let bare = bare(word)
    return Double(bare).flatMap { $0.isFinite ? bare : nil }
  }

  /// A number of TOML without what only eyes need.
  private static func bare(_ word: String) -> String {
    word.filter { $0 != "_" }
  }
}
