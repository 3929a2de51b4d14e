import Hashing
import OCI
import Testing

@testable import Serve

@Suite("What tags meant")
struct TagMemoryTests {
  static func digest(_ hex: String) throws -> Digest {
    try Digest("sha256:" + String(repeating: hex, count: 32))
  }

  static func key(_ tag: String = "latest", caller: CallerKey = .anonymous) -> TagMemory.Key {
    TagMemory.Key(registry: "ghcr.io", repository: "o/n", tag: tag, caller: caller)
  }

  @Test("the last answer is told to whoever got it, as long as it is not too old")
  func tells() throws {
    var memory = TagMemory()
    let holder = CallerKey.holder(try KeyedHash().hash("x"))
    let known = TagMemory.Known(digest: try Self.digest("ab"), size: 7, time: 1000)
    memory.note(Self.key(), known)
    #expect(memory.answer(Self.key(), staleSeconds: 60, now: 1060) == known)
    #expect(memory.answer(Self.key(), staleSeconds: 60, now: 1061) == nil)
    #expect(memory.answer(Self.key(), staleSeconds: 0, now: 1000) == nil)
    #expect(memory.answer(Self.key("other"), staleSeconds: 60, now: 1000) == nil)
    #expect(memory.answer(Self.key(caller: holder), staleSeconds: 60, now: 1000) == nil)
    memory.note(Self.key(caller: holder), known)
    _ = memory.forget(Self.key())
    #expect(memory.answer(Self.key(), staleSeconds: 60, now: 1000) == nil)
    #expect(memory.answer(Self.key(caller: holder), staleSeconds: 60, now: 1000) == known)
  }

  @Test("only what anybody was told is written down, and it is read again")
  func persists() throws {
    var memory = TagMemory()
    let known = TagMemory.Known(digest: try Self.digest("ab"), size: 7, time: 1000)
    memory.note(Self.key(), known)
    memory.note(Self.key("x", caller: .holder(try KeyedHash().hash("secret"))), known)
    memory.note(Self.key("y", caller: .owner), known)
    #expect(memory.text.split(separator: "\n").count == 1)
    var again = TagMemory()
    again.read(memory.text, now: 1000)
    #expect(again.answer(Self.key(), staleSeconds: 60, now: 1000) == known)
    #expect(again.count == 1 && again.text == memory.text)
  }

  @Test(
    "what is damaged on the disk, or cannot be, is passed over",
    arguments: [
      "", "\n", "{", "[]", "null", "{\"tag\":1}",
      #"{"registry":"ghcr.io/o","repository":"n","tag":"a","digest":"D","size":1,"time":1}"#,
      #"{"registry":"ghcr.io","repository":"../n","tag":"a","digest":"D","size":1,"time":1}"#,
      #"{"registry":"ghcr.io","repository":"o/n","tag":"a/b","digest":"D","size":1,"time":1}"#,
      #"{"registry":"ghcr.io","repository":"o/n","tag":"a","digest":"sha256:1","size":1,"time":1}"#,
      #"{"registry":"ghcr.io","repository":"o/n","tag":"a","digest":"D","size":-1,"time":1}"#,
      #"{"registry":"ghcr.io","repository":"o/n","tag":"a","digest":"D","size":1,"time":1e99}"#,
    ])
  func passesOver(line: String) throws {
    var memory = TagMemory()
    let good = try Self.digest("ab").description
    memory.read(line.replacing("\"D\"", with: "\"\(good)\""), now: 1000)
    #expect(memory.count == 0)
  }

  @Test("tags are bounded in number")
  func bounds() throws {
    var memory = TagMemory(capacity: 10)
    let known = TagMemory.Known(digest: try Self.digest("ab"), size: 7, time: 1000)
    for number in 0..<100 {
      memory.note(Self.key("t\(number)"), known)
      #expect(memory.count <= 10)
      #expect(memory.answer(Self.key("t\(number)"), staleSeconds: 9, now: 1000) == known)
    }
  }
}
