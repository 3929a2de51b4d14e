/// Reads TOML 1.0.
///
/// Our own, because the library at hand ends the process at some documents that are none (`[}`), is large, and forgets the
/// order of keys, in which mirrors are asked. Numbers and times are passed over: nothing here has any.
package struct TOMLReader {
  /// The document is no TOML; where.
  package struct Invalid: Error, Equatable {
    package let line: Int
    /// The table or key that is there twice, where that is what is wrong.
    package var twice: [String]?
  }

  let text: [Unicode.Scalar]
  var place = 0
  private var root = TOMLTable()
  private var lines: [[String]: Int] = [:]
  /// Tables that have had their own head.
  private var heads: Set<[String]> = []

  /// Heads of tables, each of an array counted.
  private var headCount = 0

  /// More heads than any file of mirrors has: each costs a walk through those before it.
  private static let mostHeads = 2_000
  /// Arrays and tables within each other.
  private static let deepest = 32
  private static let bare = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".unicodeScalars)

  /// Reads a document.
  ///
  /// - Parameter text: the document.
  /// - Throws: `Invalid`.
  package static func read(_ text: String) throws(Invalid) -> TOMLTable {
    try document(text).table
  }

  /// Reads a document, and where its tables and values stand.
  ///
  /// - Parameter text: the document.
  /// - Returns: the document, and the line, from 1, of each table's head and each key by its path; of what stands in an array,
  ///   or between braces, the line on which that begins is all that is known.
  /// - Throws: `Invalid`.
  package static func document(_ text: String) throws(Invalid)
    -> (table: TOMLTable, lines: [[String]: Int])
  {
    var reader = TOMLReader(text)
    try reader.document()
    return (reader.root, reader.lines)
  }

  private init(_ text: String) {
    // Lines end in one way only from here on.
    self.text = Array(text.replacing("\r\n", with: "\n").unicodeScalars)
    if self.text.first == "\u{FEFF}" { place = 1 }
  }

  var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

  var invalid: Invalid { Invalid(line: 1 + text[..<place].count { $0 == "\n" }) }

  /// How far lines are counted, and how many there were: each is counted once.
  private var counted = (place: 0, line: 1)

  private mutating func currentLine() -> Int {
    counted.line += text[counted.place..<place].count { $0 == "\n" }
    counted.place = place
    return counted.line
  }

  private func twice(_ path: [String]) -> Invalid { Invalid(line: invalid.line, twice: path) }

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
    while next != nil {
      skipBlanks()
      switch next {
      case "[": path = try head()
      case "#", "\n", nil: break
      default:
        let line = currentLine()
        let key = try dottedKey()
        try need("=")
        try put(try value(depth: 0), at: path + key, isNew: true)
        lines[path + key] = line
      }
      try endLine()
    }
  }

  /// `[table]` or `[[array of tables]]`; where the lines after it belong.
  private mutating func head() throws(Invalid) -> [String] {
    place += 1
    headCount += 1
    guard headCount <= Self.mostHeads else { throw invalid }
    let isOfArray = take("[")
    let path = try dottedKey()
    try need("]")
    if isOfArray { try need("]") }
    lines[path] = currentLine()
    if isOfArray {
      var tables = try value(at: path)?.array ?? []
      guard heads.contains(path) || tables.isEmpty else { throw invalid }
      heads = heads.filter { $0 == path || !$0.starts(with: path) }
      heads.insert(path)
      tables.append(.table(TOMLTable()))
      try put(.array(tables), at: path, isNew: false)
    } else {
      guard heads.insert(path).inserted else { throw twice(path) }
      if let found = try value(at: path) {
        guard found.table != nil else { throw invalid }
      } else {
        try put(.table(TOMLTable()), at: path, isNew: true)
      }
    }
    return path
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

  // MARK: The tree

  private func value(at path: [String]) throws(Invalid) -> TOMLValue? {
    var found: TOMLValue = .table(root)
    for key in path {
      guard let table = found.table ?? found.array?.last?.table else { throw invalid }
      guard let inner = table[key] else { return nil }
      found = inner
    }
    return found
  }

  private mutating func put(_ value: TOMLValue, at path: [String], isNew: Bool) throws(Invalid) {
    guard path.count <= Self.deepest else { throw invalid }
    guard root.put(value, at: path[...], isNew: isNew) else {
      throw (try? self.value(at: path)) ?? nil != nil ? twice(path) : invalid
    }
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
    var table = TOMLTable()
    skipBlanks()
    if take("}") { return table }
    repeat {
      let key = try dottedKey()
      try need("=")
      let value = try value(depth: depth + 1)
      guard key.count <= Self.deepest, table.put(value, at: key[...], isNew: true) else {
        throw invalid
      }
      skipBlanks()
    } while take(",")
    try need("}")
    return table
  }
}
