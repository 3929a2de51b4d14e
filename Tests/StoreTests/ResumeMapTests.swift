import OCI
@testable import Store
import Support
import Testing

@Suite("ResumeMap")
struct ResumeMapTests {
  static let digest = try? Digest("sha256:" + String(repeating: "ab", count: 32))

  func sample() throws -> ResumeMap {
    var map = ResumeMap(digest: try #require(Self.digest), size: 1000, bootID: "b1")
    map.written = RangeSet([0..<100, 200..<300])
    map.synced = RangeSet(0..<50)
    return map
  }

  func parse(_ text: String, size: Int64 = 1000) throws -> ResumeMap? {
    ResumeMap(parsing: text, digest: try #require(Self.digest), size: size)
  }

  @Test("says again what it was told")
  func roundTrips() throws {
    let map = try sample()
    #expect(try parse(map.text) == map)
    #expect(
      try parse(map.text + ResumeMap.line("+", 100..<120))?.written
        == RangeSet([0..<120, 200..<300]))
  }

  @Test("a journal cut at any byte is a prefix of the truth, never more")
  func survivesCuts() throws {
    let map = try sample()
    let bytes = Array((map.text + ResumeMap.line("+", 500..<600)).utf8)
    for length in 0...bytes.count {
      guard let cut = try parse(String(decoding: bytes[..<length], as: UTF8.self)) else { continue }
      #expect(cut.written.subtracting(RangeSet([0..<100, 200..<300, 500..<600])).isEmpty)
      #expect(cut.synced.subtracting(RangeSet(0..<50)).isEmpty)
    }
  }

  @Test("a changed byte is never believed")
  func survivesDamage() throws {
    let map = try sample()
    let bytes = Array(map.text.utf8)
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x01
      guard let read = try parse(String(decoding: damaged, as: UTF8.self)) else { continue }
      #expect(
        read.written.subtracting(map.written).isEmpty && read.synced.subtracting(map.synced).isEmpty
      )
    }
  }

  @Test("the journal of another blob, size or format is none")
  func refusesOthers() throws {
    let text = try sample().text
    #expect(try parse(text, size: 999) == nil)
    let other = try Digest("sha256:" + String(repeating: "cd", count: 32))
    #expect(ResumeMap(parsing: text, digest: other, size: 1000) == nil)
    #expect(try parse("") == nil)
    #expect(try parse("cairn-resume 2 x") == nil)
  }

  @Test("after a reboot only synced bytes count")
  func distrustsAfterReboot() throws {
    let map = try sample()
    #expect(map.usable(bootID: "b1") == RangeSet([0..<100, 200..<300]))
    #expect(map.usable(bootID: "b2") == RangeSet(0..<50))
    #expect(map.usable(bootID: "") == RangeSet(0..<50))
  }
}
