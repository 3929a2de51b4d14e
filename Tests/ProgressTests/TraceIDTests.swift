import Progress
import Testing

@Suite("Trace ids")
struct TraceIDTests {
  private static let id = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let parent = "00f067aa0ba902b7"

  @Test(
    "a run takes part in the trace that it is given, if that is one",
    arguments: [
      ("00-\(id)-\(parent)-01", true), ("cc-\(id)-\(parent)-00-what-comes", true),
      ("00-\(id)-\(parent)-01-more", false), ("ff-\(id)-\(parent)-01", false),
      ("00-\(id.uppercased())-\(parent)-01", false), ("00-\(id)-\(parent)", false),
      ("00-\(String(repeating: "0", count: 32))-\(parent)-01", false),
      ("00-\(id)-\(String(repeating: "0", count: 16))-01", false), ("", false),
      ("00-\(id)é-\(parent)-01", false), ("0-\(id)-\(parent)-01", false),
      ("00-\(id.dropLast())-\(parent)-01", false),
    ])
  func takesPart(text: String, isOne: Bool) {
    #expect(TraceID(traceparent: text)?.description == (isOne ? Self.id : nil))
    #expect((TraceID(environment: ["TRACEPARENT": text]).description == Self.id) == isOne)
  }

  private struct Sequence: RandomNumberGenerator {
    var words: [UInt64]
    mutating func next() -> UInt64 { words.removeFirst() }
  }

  @Test("one that is made up has 32 digits, and is not zero")
  func random() {
    var words = Sequence(words: [0, 0, 0xA, 0x1F])
    #expect(TraceID(using: &words).description == "000000000000000a000000000000001f")
  }

  @Test("each line has the run's number")
  func lines() throws {
    let id = try #require(TraceID(traceparent: "00-\(Self.id)-\(Self.parent)-01"))
    #expect(
      JSONRenderer(traceID: id).line(.warning("x"))
        == "{\"event\":\"warning\",\"message\":\"x\",\"traceId\":\"\(Self.id)\",\"v\":1}")
  }
}
