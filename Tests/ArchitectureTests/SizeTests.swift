import Foundation
import Testing

/// Finds what has grown beyond what a reader holds in mind at once: files, types and lines.
@Suite("Sizes")
struct SizeTests {
  /// The most lines of a file of `Sources`.
  static let mostLines = 300
  /// The most stored properties of a type.
  static let mostProperties = 15
  /// The most columns of a line; the formatter breaks code at 100.
  static let mostColumns = 110

  /// Longer files, and why.
  static let longFiles: [String: String] = [
    "ShippedModels+Links.swift": "a table, which a test writes from models/"
  ]

  /// Types with more stored properties, and why.
  static let largeTypes: [String: String] = [
    "Line": "a line of the JSON form has a field for each thing that any event says",
    "Summary": "what a pull ends with, a field each",
    "PullOutcome": "what a pull ends with, a field each",
    "SimulatedOutcome": "what a pull ends with, a field each",
    "PullCommand": "an option each", "TuneCommand": "an option each",
    "ServeCommand": "an option each", "SimulateCommand": "an option each",
    "RegistryAccess": "an option each, as callers set them",
    "LinkModel": "a field of the file each", "Flow": "a connection as its kernel sees it",
    "EmulatedLink": "a link's state, packet by packet",
    "SimulatedClient": "a pull, without disk and sockets",
    "Scheduler": "a path's blobs, requests and measures, which each decision weighs together",
    "PathPool": "a path's runner: what is wanted, asked, in flight and learned",
    "SharedDownload": "one blob from wish to store",
    "RequestRoute": "one request through all its hops",
    "Authorizer": "what a registry said of who may do what",
    "CurlLoop": "the thread that owns libcurl",
  ]

  /// Types of a text and their stored properties, enumerations aside.
  static func properties(in text: String) -> [(type: String, count: Int)] {
    var found: [(String, Int)] = []
    var open: [(kind: Substring, name: Substring, depth: Int, count: Int)] = []
    var depth = 0
    let modifiers =
      #/^\s*(?:(?:@\w+(?:\([^)]*\))?|public|package|private(?:\(set\))?|fileprivate|final|nonisolated(?:\(\w+\))?|weak|unowned|lazy|internal|indirect)\s+)*/#
    let type = #/^(struct|class|actor|enum|extension|protocol)\s+(\w+)/#
    let property = #/^(?:let|var)\s+\w+/#
    for line in code(of: text) {
      let words = line.trimmingPrefix(modifiers)
      let change = line.count { $0 == "{" } - line.count { $0 == "}" }
      if let match = words.prefixMatch(of: type), change > 0 {
        open.append((match.1, match.2, depth, 0))
      } else if let last = open.indices.last, depth == open[last].depth + 1,
        words.prefixMatch(of: property) != nil
      {
        let (brace, equals) = (line.firstIndex(of: "{"), line.firstIndex(of: "="))
        let isComputed = brace.map { brace in equals.map { brace < $0 } ?? true } ?? false
        if !isComputed || line.contains("didSet") { open[last].count += 1 }
      }
      depth += change
      while let last = open.last, depth <= last.depth {
        open.removeLast()
        if last.kind != "enum" { found.append((String(last.name), last.count)) }
      }
    }
    return found
  }

  /// The lines of a text without comments and literals.
  static func code(of text: String) -> [String] {
    var isQuoted = false
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let quotes = line.ranges(of: "\"\"\"").count
      defer { if quotes % 2 == 1 { isQuoted.toggle() } }
      guard !isQuoted, !line.trimmingPrefix(while: \.isWhitespace).hasPrefix("//") else {
        return ""
      }
      return String(line.replacing(#/"(?:\\.|[^"\\])*"/#, with: "\"\""))
    }
  }

  /// Lines that are too long, but for literals, whose words people look for, and tables.
  static func longLines(in text: String) -> [String] {
    var isQuoted = false
    return text.split(separator: "\n").filter { line in
      let quotes = line.ranges(of: "\"\"\"").count
      defer { if quotes % 2 == 1 { isQuoted.toggle() } }
      let isComment = line.trimmingPrefix(while: \.isWhitespace).hasPrefix("//")
      guard line.count > mostColumns, !isQuoted, isComment || !line.contains("\"") else {
        return false
      }
      return !line.trimmingPrefix(while: { $0.isWhitespace || $0 == "/" }).hasPrefix("|")
    }.map(String.init)
  }

  @Test("no file of the product is long without its reason")
  func files() throws {
    for file in try ImportTests.files() where Self.longFiles[file.name] == nil {
      let count = file.text.count { $0 == "\n" }
      #expect(count <= Self.mostLines, "\(file.room)/\(file.name): \(count) lines")
    }
  }

  @Test("no type of the product has many stored properties without its reason")
  func types() throws {
    var seen = 0
    for file in try ImportTests.files() {
      for (type, count) in Self.properties(in: file.text) where Self.largeTypes[type] == nil {
        seen += 1
        #expect(count <= Self.mostProperties, "\(file.room)/\(file.name): \(type) has \(count)")
      }
    }
    #expect(seen > 300)
  }

  @Test("no line is wider than a reader's window")
  func lines() throws {
    for file in try ImportTests.files() {
      let found = Self.longLines(in: file.text)
      #expect(found.isEmpty, "\(file.room)/\(file.name): \(found)")
    }
  }

  @Test(
    "the search counts what is stored, and nothing else",
    arguments: [
      ("struct A {\n  let a: Int\n  var b = 1\n}", [("A", 2)]),
      ("struct A {\n  var a: Int { 1 }\n  private(set) var b = 1\n}", [("A", 1)]),
      ("final class A {\n  static let a = 1\n  func f() {\n    let b = 1\n  }\n}", [("A", 0)]),
      ("struct A {\n  struct B {\n    let a: Int\n  }\n  let b: B\n}", [("B", 1), ("A", 1)]),
      ("struct A {\n  var a = { 1 }()\n  @Flag var b = false\n  // let c\n}", [("A", 2)]),
      ("enum A {\n  case a\n}", []),
    ] as [(String, [(String, Int)])])
  func counts(text: String, types: [(String, Int)]) {
    let found = Self.properties(in: text)
    #expect(found.map(\.type) == types.map(\.0) && found.map(\.count) == types.map(\.1))
  }

  @Test(
    "the search for long lines leaves literals and tables alone",
    arguments: [
      ("// " + String(repeating: "a ", count: 60), 1),
      ("let a = \"" + String(repeating: "a", count: 120) + "\"", 0),
      ("/// | " + String(repeating: "a ", count: 60), 0), (String(repeating: "a", count: 110), 0),
      (String(repeating: "a", count: 111), 1),
      ("\"\"\"\n" + String(repeating: "a", count: 120) + "\n\"\"\"", 0),
    ])
  func findsLong(text: String, count: Int) { #expect(Self.longLines(in: text).count == count) }
}
