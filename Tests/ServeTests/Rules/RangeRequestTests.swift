import Testing

@testable import Serve

struct RangeRequestTests {
  @Test(
    "what a Range asks of 1000 bytes",
    arguments: [
      (nil, .whole), ("bytes=0-", .part(0..<1000)), ("bytes=0-0", .part(0..<1)),
      ("bytes=10-19", .part(10..<20)), ("bytes=999-999", .part(999..<1000)),
      ("bytes=10-5000", .part(10..<1000)), ("bytes=990-", .part(990..<1000)),
      ("bytes=-1", .part(999..<1000)), ("bytes=-1000", .part(0..<1000)),
      ("bytes=-5000", .part(0..<1000)), ("bytes=1000-", .unsatisfiable),
      ("bytes=1000-1001", .unsatisfiable), ("bytes=-0", .unsatisfiable),
      ("bytes=99999999999999999999-", .unsatisfiable),
      ("bytes=5-99999999999999999999", .part(5..<1000)),
      ("bytes=-99999999999999999999", .part(0..<1000)),
      ("bytes=9223372036854775807-9223372036854775807", .unsatisfiable),
      ("bytes=0-1,5-6", .whole), ("bytes=0-1, -3", .whole), ("bytes=-", .whole),
      ("bytes=", .whole), ("bytes=9-3", .whole), ("bytes=a-b", .whole), ("bytes=1-2-3", .whole),
      ("bytes=--1", .whole), ("bytes=+1-2", .whole), ("bytes= 1 - 2 ", .part(1..<3)),
      ("Bytes=1-2", .part(1..<3)), ("items=0-1", .whole), ("0-1", .whole), ("", .whole),
      ("bytes=１-2", .whole),
    ] as [(String?, RangeRequest)])
  func asks(_ field: String?, _ expected: RangeRequest) {
    #expect(RangeRequest(field, size: 1000) == expected)
  }

  @Test(
    "of nothing there is no part",
    arguments: [
      (nil, .whole), ("bytes=0-", .unsatisfiable), ("bytes=-1", .unsatisfiable),
      ("bytes=0-0", .unsatisfiable),
    ] as [(String?, RangeRequest)])
  func asksOfNothing(_ field: String?, _ expected: RangeRequest) {
    #expect(RangeRequest(field, size: 0) == expected)
  }
}
