import Foundation
import OCI
import Testing

@Suite("JSON as it was found")
struct JSONTreeTests {
  func text(_ tree: JSONTree?) -> String? { tree.map { String(decoding: $0.data, as: UTF8.self) } }

  @Test(
    "keeps names, numbers and strings as they stand, and their order",
    arguments: [
      "null", "true", "-0", "1234.0", "1e400", "123456789012345678901234567890", #""a\/\u00e9""#,
      #""\ud800""#, "[]", "{}", #"{"b":1,"a":[{},[null,"x"]],"b":2}"#, #"{"é":"\\\""}"#,
    ])
  func keeps(json: String) {
    #expect(text(JSONTree(json.utf8)) == json)
    #expect(text(JSONTree(" \n\(json)\t\r ".utf8)) == json)
  }

  @Test(
    "refuses what is not JSON",
    arguments: [
      "", " ", "nul", "nullx", "tru e", "01", "1.", ".5", "1e", "+1", "--1", "0x1", "\"", "\"\\x\"",
      "\"\\u12g4\"", "\"\n\"", "[", "[1", "[1,]", "[,1]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
      "{a:1}", "{1:1}", "1 2", "[]]", "\u{FEFF}{}", "'a'",
    ])
  func refuses(json: String) {
    #expect(JSONTree(json.utf8) == nil)
  }

  @Test("ends at documents that are nested without end")
  func depth() async {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let few = String(repeating: open, count: 200) + "1" + String(repeating: close, count: 200)
      #expect(text(JSONTree(few.utf8)) == few)
      #expect(JSONTree(String(repeating: open, count: 100_000).utf8) == nil)
    }
  }

  @Test(
    "a text of nothing but small values becomes no tree", arguments: ["1,", "[],", #"{"":0},"#])
  func smallValues(repeated: String) {
    func list(_ count: Int) -> String {
      "[\(String(repeating: repeated, count: count))1]"
    }
    #expect(JSONTree(list(20_000).utf8)?.elements?.count == 20_001)
    #expect(JSONTree(list(200_000).utf8) == nil)
    #expect(throws: OCIError.invalidDocument(reason: "it has more than 65536 values")) {
      try ImageDocument.parse(Data(#"{"layers":\#(list(100_000))}"#.utf8), contentType: nil)
    }
  }

  @Test(
    "escapes are read as others read them",
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u00E9x""#, "ééx"),
      (#""\ud83d\uDE00""#, "😀"), (#""\ud83d""#, nil), (#""\ud83dx""#, nil), (#""\ude00""#, nil),
      (#""\ud83d\u0041""#, nil), (#""""#, ""), ("7", nil), ("null", nil), (#""a\u0000""#, "a\0"),
    ])
  func escapes(json: String, content: String?) throws {
    let tree = try #require(JSONTree(json.utf8))
    #expect(tree.string == content)
    guard let content else { return }
    #expect(try JSONDecoder().decode(String.self, from: Data(json.utf8)) == content)
  }

  @Test("a member that is set takes the place of all of its name, whatever its escapes")
  func sets() throws {
    var tree = try #require(JSONTree(#"{"a":1,"\u0061":2,"b":3}"#.utf8))
    #expect(tree["a"] == .scalar(Array("1".utf8)))
    tree["a"] = JSONTree(string: "x\"/")
    tree["c"] = .array([])
    tree["b"] = nil
    tree["no"] = nil
    #expect(text(tree) == #"{"a":"x\"/","c":[]}"#)
    #expect(tree["a"]?.string == "x\"/")
    var scalar = JSONTree(string: "s")
    scalar["a"] = .array([])
    #expect(scalar.string == "s" && scalar["a"] == nil)
  }

  @Test("reads what JSONDecoder reads, and survives damage")
  func survivesDamage() {
    let good = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",null],"b":{"c":true,"d":{}}}"#.utf8)
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      guard let tree = JSONTree(bytes) else { continue }
      #expect(JSONTree(tree.data) == tree)
      // What is no UTF-8 is kept here and refused there.
      guard String(validating: bytes, as: UTF8.self) != nil else { continue }
      let isRead = (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
      #expect(
        isRead || tree.data.contains(UInt8(ascii: "\\")) || tree.data.contains(UInt8(ascii: "e")))
    }
  }
}
