import OCI
import Testing

@testable import Serve

@Suite("What stays in a cache")
struct CacheShelfTests {
  static func digest(_ number: Int) throws -> Digest {
    let text = String(number)
    return try Digest("sha256:" + String(repeating: "0", count: 64 - text.count) + text)
  }

  static let unit: Int64 = 1 << 20

  /// A limit for so many blobs of a unit.
  static func limit(_ count: Int64) -> Int64 { count * CacheShelf.cost(unit) }

  /// A shelf with whole blobs of a unit that were used at their numbers.
  func shelf(_ count: Int, limit: Int64?, keeps: Bool = true) throws -> CacheShelf {
    var shelf = CacheShelf(limit: limit, keeps: keeps)
    for number in 0..<count {
      shelf.found(try Self.digest(number), .whole, bytes: Self.unit, lastUse: Double(number))
    }
    return shelf
  }

  @Test("room is made by what was used least lately, and by nothing that is in use")
  func makesRoom() throws {
    var shelf = try shelf(4, limit: Self.limit(4))
    #expect(shelf.sacrifices(for: try Self.digest(9), size: Self.unit) == [try Self.digest(0)])
    let done1 = shelf.use(try Self.digest(0), now: 50)
    #expect(done1)
    #expect(shelf.sacrifices(for: try Self.digest(9), size: Self.unit) == [try Self.digest(1)])
    let done2 = shelf.begin(try Self.digest(9), size: Self.unit, now: 51)
    #expect(!done2, "before anything went")
    shelf.removed(try Self.digest(1))
    let done3 = shelf.begin(try Self.digest(9), size: Self.unit, now: 51)
    #expect(done3)
    shelf.release(try Self.digest(0), now: 52)
    let two = shelf.sacrifices(for: try Self.digest(8), size: 2 * Self.unit)
    #expect(two == [try Self.digest(2), try Self.digest(3)])
  }

  @Test("what comes apart has room of its own, once, for as long as somebody wants it")
  func apart() throws {
    var shelf = try shelf(1, limit: Self.limit(2))
    let digest = try Self.digest(9)
    let mine = CacheShelf.Apart(circle: .alone(registry: "r"), digest: digest, size: Self.unit)
    let done = [
      shelf.begin(digest, size: Self.unit, now: 1), shelf.begin(mine),
    ]
    #expect(done == [true, false], "before anything went")
    #expect(shelf.sacrifices(for: mine) == [try Self.digest(0)])
    shelf.removed(try Self.digest(0))
    let again = [shelf.begin(mine), shelf.begin(mine)]
    #expect(again == [true, true] && shelf.bytes == Self.limit(2) && shelf.count == 2)
    let other = CacheShelf.Apart(circle: .named, digest: digest, size: 1)
    let more = shelf.begin(other)
    #expect(!more && shelf.isComing(digest, unlike: 1))
    shelf.release(mine, now: 2)
    #expect(shelf.bytes == Self.limit(2))
    shelf.release(mine, now: 2)
    shelf.release(mine, now: 2)
    #expect(shelf.bytes == Self.limit(1) && shelf.count == 1)
  }

  @Test(
    "what may have come to a blob's own place after all is looked for when nobody wants it any more"
  )
  func leavesApart() throws {
    let digest = try Self.digest(9)
    var shelf = try shelf(0, limit: Self.limit(2))
    let mine = CacheShelf.Apart(circle: .named, digest: digest, size: Self.unit)
    let begun = shelf.begin(mine)
    #expect(begun && shelf.leaving.isEmpty)
    shelf.release(mine, now: 2)
    #expect(shelf.leaving == [digest] && shelf.bytes == Self.limit(1), "until it is known")
    shelf.found(digest, .part, bytes: 10)
    #expect(shelf.leaving.isEmpty && shelf.bytes == CacheShelf.cost(10))
    // Once more, with what is there already.
    let again = shelf.begin(mine)
    #expect(again && shelf.bytes == CacheShelf.cost(10) + Self.limit(1))
    shelf.release(mine, now: 3)
    #expect(shelf.leaving == [digest] && shelf.bytes == Self.limit(1))
    shelf.found(digest, nil, bytes: 0)
    // Who is alone has files that go with him.
    let alone = CacheShelf.Apart(circle: .alone(registry: "r"), digest: digest, size: Self.unit)
    let third = shelf.begin(alone)
    shelf.release(alone, now: 4)
    #expect(third && shelf.leaving.isEmpty && shelf.bytes == 0 && shelf.count == 0)
  }

  @Test("what came apart counts once when it has arrived, and stays while somebody uses it")
  func arrivesApart() throws {
    let digest = try Self.digest(9)
    let mine = CacheShelf.Apart(circle: .alone(registry: "r"), digest: digest, size: Self.unit)
    for isThere in [false, true] {
      var shelf = try shelf(0, limit: Self.limit(2), keeps: false)
      if isThere { shelf.found(digest, .whole, bytes: Self.unit, lastUse: 1) }
      let begun = [shelf.begin(mine), shelf.begin(mine)]
      #expect(begun == [true, true] && shelf.bytes == Self.limit(isThere ? 2 : 1))
      shelf.arrived(mine, now: 2)
      shelf.arrived(mine, now: 2)
      #expect(shelf.bytes == Self.limit(1) && shelf.count == 1)
      #expect(shelf.leaving == (isThere ? [] : [digest]))
      shelf.found(digest, .whole, bytes: Self.unit)
      shelf.release(mine, now: 3)
      #expect(shelf.due(now: 5_000).isEmpty, "somebody reads it")
      shelf.release(mine, now: 3)
      shelf.release(mine, now: 3)
      #expect(shelf.due(now: 5_000) == [digest] && shelf.bytes == Self.limit(1))
    }
  }

  @Test(
    "a blob that is larger than the limit is never taken in, and neither is one while all is in use"
  )
  func passesThrough() throws {
    var shelf = try shelf(2, limit: Self.limit(2))
    #expect(shelf.sacrifices(for: try Self.digest(9), size: 3 * Self.unit) == nil)
    #expect(shelf.sacrifices(for: try Self.digest(9), size: .max) == nil)
    for number in 0..<2 {
      let done4 = shelf.use(try Self.digest(number), now: 9)
      #expect(done4)
    }
    #expect(shelf.sacrifices(for: try Self.digest(9), size: Self.unit) == nil)
    let done5 = shelf.begin(try Self.digest(9), size: Self.unit, now: 9)
    #expect(!done5)
    #expect(
      CacheShelf(limit: nil, keeps: true).sacrifices(for: try Self.digest(9), size: .max) == [])
  }

  @Test("many blobs on their way count as whole, until it is known what is there of each")
  func reserves() throws {
    var shelf = CacheShelf(limit: Self.limit(3), keeps: true)
    for number in 0..<3 {
      let done6 = shelf.begin(try Self.digest(number), size: Self.unit, now: 1)
      #expect(done6)
    }
    let done7 = shelf.begin(try Self.digest(3), size: Self.unit, now: 1)
    #expect(!done7)
    let done8 = shelf.begin(try Self.digest(0), size: Self.unit, now: 1)
    #expect(done8, "who joins needs no room")
    shelf.release(try Self.digest(0), now: 2)
    #expect(shelf.leaving.isEmpty)
    shelf.release(try Self.digest(0), now: 3)
    #expect(shelf.leaving == [try Self.digest(0)])
    #expect(shelf.sacrifices(for: try Self.digest(3), size: Self.unit) == nil)
    shelf.found(try Self.digest(0), .part, bytes: 10)
    #expect(shelf.sacrifices(for: try Self.digest(3), size: Self.unit) == [try Self.digest(0)])
    // It is wanted again, and has its own part already.
    let done9 = shelf.begin(try Self.digest(0), size: Self.unit, now: 4)
    #expect(done9)
    #expect(shelf.bytes == Self.limit(3))
  }

  @Test(
    "without --keep a blob goes ten minutes after it was used last, and not before its readers are done"
  )
  func goes() throws {
    var shelf = try shelf(1, limit: nil, keeps: false)
    let only = try Self.digest(0)
    #expect(shelf.due(now: 599) == [] && shelf.due(now: 600) == [only])
    let done10 = shelf.use(only, now: 500)
    #expect(done10)
    #expect(shelf.due(now: 5000) == [])
    shelf.release(only, now: 5000)
    #expect(shelf.due(now: 5599) == [] && shelf.due(now: 5600) == [only])
    #expect(try self.shelf(1, limit: nil, keeps: true).due(now: 1e9) == [])
    #expect(try self.shelf(3, limit: Self.limit(2), keeps: true).due(now: 9) == [only])
  }

  @Test("whatever comes in whatever order, it is never over its limit, and what is in use stays")
  func holdsAlways() throws {
    var random = SystemRandomNumberGenerator()
    let digests = try (0..<12).map(Self.digest)
    for _ in 0..<200 {
      let limit = Self.limit(Int64.random(in: 1...6, using: &random))
      var shelf = CacheShelf(limit: limit, keeps: Bool.random(using: &random))
      var users: [Digest: Int] = [:]
      for step in 0..<300 {
        let digest = digests[Int.random(in: 0..<12, using: &random)]
        let size = Int64.random(in: 0...(2 * Self.unit), using: &random)
        let now = Double(step * 20)
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
          if shelf.use(digest, now: now) { users[digest, default: 0] += 1 }
        case 1, 2:
          for other in shelf.sacrifices(for: digest, size: size) ?? [] {
            #expect(users[other, default: 0] == 0 && other != digest)
            shelf.removed(other)
          }
          if shelf.state(of: digest) != .whole, shelf.begin(digest, size: size, now: now) {
            users[digest, default: 0] += 1
          }
        case 3:
          guard users[digest, default: 0] > 0 else { continue }
          users[digest, default: 0] -= 1
          shelf.release(digest, now: now)
          for left in shelf.leaving {
            #expect(users[left, default: 0] == 0)
            let states: [CacheShelf.State?] = [.whole, .part, nil]
            let state = states[Int.random(in: 0..<3, using: &random)]
            // No more than was reserved.
            shelf.found(left, state, bytes: 0)
          }
        default:
          for gone in shelf.due(now: now) {
            #expect(users[gone, default: 0] == 0)
            shelf.removed(gone)
          }
        }
        #expect(shelf.bytes <= limit && shelf.bytes >= 0)
        for (digest, count) in users where count > 0 { #expect(shelf.state(of: digest) != nil) }
      }
    }
  }
}
