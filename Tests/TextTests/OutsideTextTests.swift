import FoundationEssentials
import Testing

@testable import Text

@Suite("Text of others")
struct OutsideTextTests {
  /// Marks of two classes, in turn: what a normal form has to sort.
  static let marks = ["\u{301}\u{323}", "\u{323}\u{301}", "\u{F73}", "\u{1D165}\u{1D17B}"]

  private func run(_ text: String) -> Int {
    var (longest, now) = (0, 0)
    for scalar in text.unicodeScalars {
      now = scalar.properties.isASCIIHexDigit || scalar.value < 0x300 ? 0 : now + 1
      longest = max(longest, now)
    }
    return longest
  }

  @Test("of a run of marks thirty are kept, and letters behind it stay", arguments: marks)
  func boundsRuns(marks: String) {
    let text = "a" + String(repeating: marks, count: 1_000) + "b" + marks + "c"
    let kept = String(outside: Array(text.utf8))
    #expect(run(kept) == 30)
    #expect(kept.hasPrefix("a") || kept.unicodeScalars.first == "a")
    #expect(Array(kept.unicodeScalars.suffix(marks.unicodeScalars.count + 2)).first == "b")
    #expect(String(validatingOutside: Array(text.utf8)) == kept)
    #expect(kept.withBoundedMarks == kept)
  }

  @Test("of letters of flags sixty-four are kept in a row")
  func boundsFlags() {
    let text = String(repeating: "\u{1F1E9}\u{1F1EA}", count: 500) + "a\u{1F1E9}\u{1F1EA}"
    #expect(Array(String(outside: Array(text.utf8)).unicodeScalars).count == 64 + 3)
  }

  @Test(
    "what people write stays as it is",
    arguments: [
      "", "plain", "caf\u{E9} cafe\u{301}", "Z\u{301}\u{323}\u{304}", "\u{915}\u{94D}\u{937}",
      "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", "\u{1F1E9}\u{1F1EA}",
      "\u{1112}\u{1161}\u{11AB}",
      "a" + String(repeating: "\u{301}", count: 30) + "b" + String(repeating: "\u{301}", count: 30),
    ])
  func keepsText(text: String) {
    #expect(Array(String(outside: Array(text.utf8)).unicodeScalars) == Array(text.unicodeScalars))
  }

  @Test("what is no UTF-8 is replaced, or refused where it must be some")
  func noUTF8() {
    let bytes: [UInt8] = [0x61, 0xCC, 0x62, 0xFF]
    #expect(String(outside: bytes) == "a\u{FFFD}b\u{FFFD}")
    #expect(String(validatingOutside: bytes) == nil)
  }

  /// JSON with a run of marks: as they are, as escapes, and both.
  static let notations: [@Sendable (String) -> String] = [
    { $0 },
    { $0.utf16.map { "\\u" + hex($0) }.joined() },
    { $0.utf16.map { "\\u" + hex($0).uppercased() }.joined() },
    { text in
      text.unicodeScalars.enumerated().map { number, scalar in
        number % 2 == 0 ? String(scalar) : String(scalar).utf16.map { "\\u" + hex($0) }.joined()
      }.joined()
    },
  ]

  static func hex(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }

  @Test(
    "names and values of JSON have no longer runs, however the marks are written", arguments: marks,
    0..<4)
  func boundsJSON(marks: String, notation: Int) throws {
    let long = Self.notations[notation](String(repeating: marks, count: 500))
    let data = Data("{\"a\(long)z\":\"b\(long)\\n\\u0061\"}".utf8)
    let found = try OutsideJSON.decode([String: String].self, from: data)
    let (name, value) = try #require(found.first)
    #expect(run(name) == 30 && run(value) == 30)
    #expect(name.unicodeScalars.last == "z")
    #expect(value.unicodeScalars.suffix(2).map { $0 } == ["\n", "a"])
  }

  @Test(
    "other JSON is decoded as it is",
    arguments: [
      #"{"a":"b"}"#, #"{"a":"\\u0301\\u0301"}"#, #"{"a":"\ud834\udd65é\u00e9"}"#,
      #"{"a":"\"\\\/\b\f\n\r\t"}"#, "{\"\u{301}\":\"e\u{301}\"}",
    ])
  func keepsJSON(text: String) throws {
    let data = Data(text.utf8)
    #expect(try OutsideJSON.bounded(data) == data)
    #expect(
      try OutsideJSON.decode([String: String].self, from: data)
        == JSONDecoder().decode([String: String].self, from: data))
  }

  @Test(
    "what is no JSON stays none",
    arguments: [
      [0x22, 0xCC, 0x22], Array("\"\\u03".utf8), Array("\"\\".utf8), Array("\"\\ud834".utf8),
      Array("\"\\ud834\\u".utf8), Array("{\"a\":\"\u{301}".utf8), [],
      // UTF-16, in both orders.
      [0x22, 0, 0x61, 0, 0x22, 0], [0xFE, 0xFF, 0, 0x22, 0, 0x22],
    ] as [[UInt8]])
  func refuses(bytes: [UInt8]) {
    #expect(throws: DecodingError.self) {
      try OutsideJSON.decode(String.self, from: Data(bytes))
    }
  }

  @Test(
    "a text with more values than it may have is not read: empty ones, numbers, objects, names",
    arguments: ["1,", "[],", "{},", #"{"":0},"#, #""","#, "[[[1]]],", " \n1,"])
  func values(repeated: String) throws {
    let count = (1 << 20) / repeated.utf8.count
    let text = Array("[\(String(repeating: repeated, count: count))1]".utf8)
    #expect(JSONValues.limitExceeded(by: text) == 65_536)
    #expect(JSONValues.limitExceeded(by: Data(text)) == 65_536)
    #expect(JSONValues.limitExceeded(by: AnyCollection(text)) == 65_536)
    #expect(throws: DecodingError.self) { try OutsideJSON.decode(Empty.self, from: Data(text)) }
  }

  @Test("what stands in strings is no value, and as many values as there may be are read")
  func mostValues() throws {
    let marks = String(repeating: #"[{,\",\\"#, count: 100_000)
    #expect(JSONValues.limitExceeded(by: Data(#"{"a":"\#(marks)"}"#.utf8)) == nil)
    // The list is one, too.
    let most = Array(repeating: "1", count: JSONValues.always - 1).joined(separator: ",")
    #expect(try OutsideJSON.decode([Int].self, from: Data("[\(most)]".utf8)).count == 65_535)
    #expect(JSONValues.limitExceeded(by: Data("[\(most),1]".utf8)) == 65_536)
    // Space makes nothing longer: the text that is written without it is read as well, or not.
    let spaces = String(repeating: " ", count: 4 << 20)
    #expect(JSONValues.limitExceeded(by: Data("[\(spaces)\(most),1]".utf8)) == 65_536)
    // A manifest as large as one may be, with more layers than anybody makes.
    let digest = String(repeating: "a", count: 64)
    let layer = #"{"mediaType":"application/x","digest":"sha256:\#(digest)","size":123456},"#
    let layers = String(repeating: layer, count: 20_000)
    #expect(JSONValues.limitExceeded(by: Data(#"{"layers":[\#(layers)1]}"#.utf8)) == nil)
  }

  private struct Empty: Decodable {}
}
