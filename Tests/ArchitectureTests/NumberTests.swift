import Foundation
import Testing

/// Finds arithmetic that ends the process where a number from outside is not what was expected.
///
/// A fraction becomes a whole number by `clamping:` or `exactly:`, and what documents say of sizes
/// is added by the clamped operations.
@Suite("The door for numbers")
struct NumberTests {
  /// What only a fraction has, in the argument of a conversion.
  static let fraction = #"""
    rounded|Double|[Ss]econds|[Rr]atio|\brate\b|[Pp]atience|[Tt]imeout|\d[eE]\d|\d\.\d| / | \* |squareRoot|timeIntervalSince
    """#
  /// A conversion without a label traps where the number does not fit.
  static let conversion =
    #"(?<![A-Za-z0-9_.])U?Int(8|16|32|64)?\((?!\w+:|\s*")"#
  /// What traps by itself.
  static let words = [
    "numericCast(", "unsafelyUnwrapped", "uniqueKeysWithValues:",
    "UInt8(ascii: Character(",
  ]
  /// Sums and products of sizes that a document or a file names, in the rooms that read those.
  static let sums =
    #"\.(size|contentLength) [+*-] |[)\w\]] [+*-] [\w.$]*\.(size|contentLength)\b|reduce\(0, \+\)"#
  static let readers: Set<String> = ["OCI", "Registry", "Store", "Transfer", "Disk", "History"]
  /// Files and rooms whose numbers are bounded otherwise, and how.
  static let exempt: [String: String] = [
    "ClampedArithmetic.swift": "the door",
    "Mathematics.swift": "the door of the rooms below OCI",
    "Moment.swift": "cuts to thirty years first",
    "Table.swift": "its columns are its own",
    "Plot": "draws what is at most 1e15, in some ten steps",
    "Emulation": "models have ranges, and packets 64 KiB",
    "link-emulator": "a tool of the lab",
  ]

  /// What a file's text has that may trap.
  static func offences(in text: String, reads: Bool) throws -> [String] {
    let code = text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.trimmingPrefix(while: \.isWhitespace).hasPrefix("//") }.joined(separator: "\n")
    var found = words.filter { code.contains($0) }
    let (conversion, fraction) = (
      try NSRegularExpression(pattern: Self.conversion),
      try NSRegularExpression(
        pattern: Self.fraction.trimmingCharacters(in: .whitespacesAndNewlines))
    )
    for match in conversion.matches(in: code, range: NSRange(code.startIndex..., in: code)) {
      guard let range = Range(match.range, in: code) else { continue }
      let argument = argument(in: code[range.upperBound...])
      let whole = NSRange(argument.startIndex..., in: argument)
      if fraction.firstMatch(in: argument, range: whole) != nil {
        found.append(code[range] + argument + ")")
      }
    }
    guard reads else { return found }
    let sums = try NSRegularExpression(pattern: Self.sums)
    for match in sums.matches(in: code, range: NSRange(code.startIndex..., in: code)) {
      if let range = Range(match.range, in: code) { found.append(String(code[range])) }
    }
    return found
  }

  /// What stands before the parenthesis that closes.
  private static func argument(in rest: Substring) -> String {
    var depth = 1
    return String(
      rest.prefix {
        if $0 == "(" { depth += 1 }
        if $0 == ")" { depth -= 1 }
        return depth > 0
      })
  }

  @Test("no number from outside meets arithmetic that traps")
  func everythingUsesTheDoor() throws {
    let files = try ImportTests.files()
    for file in files where Self.exempt[file.room] == nil && Self.exempt[file.name] == nil {
      let found = try Self.offences(in: file.text, reads: Self.readers.contains(file.room))
      #expect(found.isEmpty, "\(file.room)/\(file.name): \(found)")
    }
    #expect(files.count > 100)
  }

  @Test(
    "the search finds what is planted, and nothing else",
    arguments: [
      ("let x = Int(value.rounded())", 1), ("Int64(Double(a) * b)", 1), ("UInt32(seconds)", 1),
      ("Int(limit / 20)", 1), ("Int32(max(1, min(wait, 1e9) * 1000))", 1), ("Int(ratio)", 1),
      ("Int(retryTimeout)", 1), ("Int(Date().timeIntervalSince1970)", 1),
      ("foo(Int((a + 0.5)))", 1),
      ("numericCast(x)", 1), ("Dictionary(uniqueKeysWithValues: x)", 1), ("a.size + b", 1),
      ("total + blob.size", 1), ("sizes.reduce(0, +)", 1), ("x * layer.descriptor.size", 1),
      ("head.contentLength - 1", 1),
      ("Int(clamping: value.rounded())", 0), ("Int(exactly: seconds) ?? 0", 0), ("Int(text)", 0),
      ("Int64(data.count)", 0), ("UInt8(ascii: \"a\")", 0), ("[UInt8](repeating: 0, count: 3)", 0),
      ("// Int(value.rounded())", 0), ("  /// a.size + b", 0), ("\"a\" + text(blob.size)", 0),
      ("a.size.addingClamped(b)", 0), ("if a.size > b.size { }", 0), ("pointInt(seconds)", 0),
      ("func seconds() -> Int { Int(whole) }", 0), ("x.sizes + y", 0),
    ])
  func finds(text: String, count: Int) throws {
    let found = try Self.offences(in: text, reads: true)
    #expect(found.count == count, "\(found)")
  }
}
