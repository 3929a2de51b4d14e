import OCI
import Testing
import Transfer

@testable import Registry

@Suite("Who sent what")
struct TestimonyTests {
  let blob: Digest
  let other: Digest

  init() throws {
    blob = try Digest.of([1])
    other = try Digest.of([2])
  }

  func place(_ path: String) throws -> RemoteURL { try RemoteURL("https://h\(path)") }

  @Test("a sender is news once for each blob, wherever it sends from")
  func tellsNews() throws {
    var testimony = Testimony()
    let sender = Testimony.Sender.place("https://h/a")
    #expect(testimony.note(sender, of: blob, at: try place("/a")))
    let isNewsAgain = testimony.note(sender, of: blob, at: try place("/b"))
    #expect(!isNewsAgain)
    #expect(testimony.note(sender, of: other, at: try place("/a")))
    #expect(testimony.hosts == ["h"])
  }

  @Test("whoever sent bytes of a wrong blob is guilty of it, with each place, and of no other blob")
  func blames() throws {
    var testimony = Testimony()
    let (one, two) = (Testimony.Sender.place("https://h/a"), Testimony.Sender.place("https://h/b"))
    _ = testimony.note(one, of: blob, at: try place("/a"))
    _ = testimony.note(one, of: blob, at: try place("/moved"))
    _ = testimony.note(two, of: other, at: try place("/b"))
    let verdict = testimony.blame(blob)
    #expect(verdict.guilty == [one] && verdict.isNews)
    #expect(verdict.places == [try place("/a"), try place("/moved")])
    #expect(testimony.isSuspect(blob) && !testimony.isSuspect(other))
    #expect(testimony.isLiar(one, for: blob) && !testimony.isLiar(one, for: other))
    #expect(!testimony.isLiar(two, for: other))
    #expect(testimony.hasLied(try place("/moved"), of: blob))
    #expect(!testimony.hasLied(try place("/b"), of: other))
  }

  @Test("the same sender's second lie is no news, and a blob that nobody sent has nobody to blame")
  func blamesAgain() throws {
    var testimony = Testimony()
    let sender = Testimony.Sender.place("https://h/a")
    for isNews in [true, false] {
      _ = testimony.note(sender, of: blob, at: try place("/a"))
      #expect(testimony.blame(blob).isNews == isNews)
    }
    let nobody = testimony.blame(other)
    #expect(nobody.guilty.isEmpty && nobody.places.isEmpty && !nobody.isNews)
  }

  @Test("bytes are counted by host, and once")
  func counts() {
    var testimony = Testimony()
    testimony.note(5, from: "a")
    testimony.note(7, from: "a")
    testimony.note(1, from: "b:1")
    #expect(testimony.servedBytes == ["a": 12, "b:1": 1])
    #expect(testimony.takeServed() == ["a": 12, "b:1": 1])
    #expect(testimony.servedBytes.isEmpty)
  }
}
