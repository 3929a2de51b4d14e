import Text

/// Reads TOML 1.0.
///
/// Our own, because the library at hand ends the process at some documents that are none (`[}`), is
/// large, and forgets the order of keys, in which mirrors are asked. Numbers and times are passed
/// over: nothing here has any.
package struct TOMLReader {
  /// The document is no TOML; where.
  package struct Invalid: Error, Equatable {
    package let line: Int
    /// The table or key that is there twice, where that is what is wrong.
    package var twice: [String]?
  }

  let text: [Unicode.Scalar]
  var place = 0
  private var tree = TOMLTree()

  /// Arrays and tables within each other.
  static let deepest = 32
  private static let bare = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".unicodeScalars)

  /// Reads a document.
  ///
  /// Takes time and memory in proportion to its length, whatever is in it.
  ///
  /// - Parameter text: the document.
  /// - Throws: `Invalid`.
  package static func read(_ text: String) throws(Invalid) -> TOMLTable {
    var reader = TOMLReader(text)
    try reader.document()
    return reader.tree.table()
  }

  private init(_ text: String) {
    // Lines end in one way only from here on.
    var scalars: [Unicode.Scalar] = []
    for scalar in text.withBoundedMarks.unicodeScalars {
      if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
      scalars.append(scalar)
    }
    self.text = scalars
    if scalars.first == "\u{FEFF}" { place = 1 }
  }

  var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

  /// The document is none here; where it ends too early, its last line is at fault, not one behind it.
  var invalid: Invalid {
    let read = text[..<place]
    let end = next == nil ? read.lastIndex { $0 != "\n" }.map { $0 + 1 } ?? 0 : place
    return Invalid(line: 1 + text[..<end].count { $0 == "\n" })
  }

  /// How far lines are counted, and how many there were: each is counted once.
  private var counted = (place: 0, line: 1)

  private mutating func currentLine() -> Int {
    counted.line += text[counted.place..<place].count { $0 == "\n" }
    counted.place = place
    return counted.line
  }

  private func refused(_ obstacle: TOMLTree.Obstacle, at path: [String]) -> Invalid {
    Invalid(line: invalid.line, twice: obstacle == .isThere ? path : nil)
  }

  mutating func take(_ wanted: String) -> Bool {
    guard text[place...].starts(with: wanted.unicodeScalars) else { return false }
    place += wanted.unicodeScalars.count
    return true
  }

  mutating func need(_ wanted: String) throws(Invalid) {
    guard take(wanted) else { throw invalid }
  }

  mutating func skipBlanks() {
    while next == " " || next == "\t" { place += 1 }
  }

  /// Blanks, a comment, and the end of the line or of the document.
  private mutating func endLine() throws(Invalid) {
    skipBlanks()
    if next == "#" { while next != nil, next != "\n" { place += 1 } }
    guard next == nil || take("\n") else { throw invalid }
  }

  // MARK: Lines

  private mutating func document() throws(Invalid) {
    var path: [String] = []
    var table = TOMLTree.root
    while next != nil {
      skipBlanks()
      switch next {
      case "[": (path, table) = try head()
      case "#", "\n", nil: break
      default:
        let line = currentLine()
        let key = try dottedKey()
        try need("=")
        let value = try value(depth: 0)
        guard path.count + key.count <= Self.deepest else { throw invalid }
        do {
          try tree.put(value, at: key, in: table, line: line)
        } catch {
          throw refused(error, at: path + key)
        }
      }
      try endLine()
    }
  }

  /// `[table]` or `[[array of tables]]`; where the lines after it belong.
  private mutating func head() throws(Invalid) -> (path: [String], table: Int) {
    place += 1
    let isOfArray = take("[")
    let path = try dottedKey()
    try need("]")
    if isOfArray { try need("]") }
    guard path.count <= Self.deepest else { throw invalid }
    do {
      return (path, try tree.head(path, isOfArray: isOfArray, line: currentLine()))
    } catch {
      throw refused(error, at: path)
    }
  }

  private mutating func dottedKey() throws(Invalid) -> [String] {
    var keys: [String] = []
    repeat {
      skipBlanks()
      switch next {
      case "\"": keys.append(try basicString())
      case "'": keys.append(try literalString())
      default:
        let start = place
        while let scalar = next, Self.bare.contains(scalar) { place += 1 }
        guard place > start else { throw invalid }
        keys.append(String(String.UnicodeScalarView(text[start..<place])))
      }
      skipBlanks()
    } while take(".")
    return keys
  }

  // MARK: Values

  private mutating func value(depth: Int) throws(Invalid) -> TOMLValue {
    guard depth < Self.deepest else { throw invalid }
    skipBlanks()
    switch next {
    case "\"":
      return .string(take("\"\"\"") ? try longString("\"", escapes: true) : try basicString())
    case "'":
      return .string(take("'''") ? try longString("'", escapes: false) : try literalString())
    case "[": return .array(try array(depth: depth))
    case "{": return .table(try inlineTable(depth: depth))
    default:
      let start = place
      while let scalar = next, Self.bare.contains(scalar) || "+:. ".unicodeScalars.contains(scalar)
      {
        // A date and a time may have a space between them.
        if scalar == " ", !(place - start == 10 && text[start..<place].contains("-")) { break }
        place += 1
      }
      let word = String(String.UnicodeScalarView(text[start..<place]))
      if word == "true" || word == "false" { return .boolean(word == "true") }
      let isNumber = word.first.map { $0.isNumber || $0 == "+" || $0 == "-" } ?? false
      guard isNumber || word == "inf" || word == "nan" else { throw invalid }
      return .other(word)
    }
  }

  private mutating func skipLines() throws(Invalid) {
    skipBlanks()
    while next == "#" || next == "\n" {
      try endLine()
      skipBlanks()
    }
  }

  private mutating func array(depth: Int) throws(Invalid) -> [TOMLValue] {
    place += 1
    var values: [TOMLValue] = []
    while true {
      try skipLines()
      if take("]") { return values }
      values.append(try value(depth: depth + 1))
      try skipLines()
      guard !take(",") else { continue }
      try need("]")
      return values
    }
  }

  private mutating func inlineTable(depth: Int) throws(Invalid) -> TOMLTable {
    place += 1
    var inner = TOMLTree()
    skipBlanks()
    if take("}") { return inner.table() }
    repeat {
      let line = currentLine()
      let key = try dottedKey()
      try need("=")
      let value = try value(depth: depth + 1)
      guard key.count <= Self.deepest else { throw invalid }
      do {
        try inner.put(value, at: key, in: TOMLTree.root, line: line)
      } catch {
        throw invalid
      }
      skipBlanks()
    } while take(",")
    try need("}")
    return inner.table()
  }
}
