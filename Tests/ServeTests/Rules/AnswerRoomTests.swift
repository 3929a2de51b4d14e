import Testing

@testable import Serve

/// The memory that answers of all connections may have together.
@Suite("Room for answers", .timeLimit(.minutes(10)))
struct AnswerRoomTests {
  @Test("is held as long as its place is there, and given back in part where less is needed")
  func holds() async throws {
    let room = AnswerRoom(limit: 100)
    var first = await room.take(60, patience: .zero)
    #expect(first != nil && room.held == 60)
    #expect(room.takeNow(41) == nil)
    let second = try #require(room.takeNow(40))
    first?.shrink(to: 10)
    // It grows by nothing that is said later.
    first?.shrink(to: 90)
    second.shrink(to: -1)
    #expect(room.held == 10)
    first = nil
    #expect(room.held == 0)
    withExtendedLifetime(second) {}
  }

  @Test("what could wait takes no more than half of it, and nothing where somebody waits")
  func spares() async throws {
    let room = AnswerRoom(limit: 100)
    let ahead = try #require(room.takeSpare(30))
    #expect(room.takeSpare(21) == nil)
    let more = try #require(room.takeSpare(20))
    #expect(room.takeSpare(1) == nil && room.takeNow(50) != nil)
    let waits = Task { await room.take(60, patience: .seconds(3_600)) }
    while room.waiting < 1 { await Task.yield() }
    ahead.shrink(to: 0)
    #expect(await waits.value != nil && room.held <= 100)
    withExtendedLifetime((ahead, more)) {}
  }

  @Test("who waits comes in his turn, and nobody passes him by")
  func inTurn() async throws {
    let room = AnswerRoom(limit: 100)
    var first = room.takeNow(100)
    let large = Task { await room.take(80, patience: .seconds(3_600)) }
    while room.waiting < 1 { await Task.yield() }
    let small = Task { await room.take(30, patience: .seconds(3_600)) }
    while room.waiting < 2 { await Task.yield() }
    first?.shrink(to: 50)
    #expect(room.takeNow(1) == nil, "others wait")
    first = nil
    let taken = try #require(await large.value)
    #expect(room.held == 80 && room.waiting == 1)
    taken.shrink(to: 0)
    #expect(await small.value != nil)
    #expect(room.waiting == 0)
  }

  @Test(
    "who waits for too long, leaves, or wants more than there is gets none, and holds up nobody")
  func refused() async throws {
    let room = AnswerRoom(limit: 100)
    let first = try #require(room.takeNow(90))
    #expect(await room.take(101, patience: .seconds(3_600)) == nil)
    #expect(await room.take(20, patience: .milliseconds(1)) == nil)
    let leaving = Task { await room.take(20, patience: .seconds(3_600)) }
    while room.waiting < 1 { await Task.yield() }
    let next = Task { await room.take(10, patience: .seconds(3_600)) }
    while room.waiting < 2 { await Task.yield() }
    leaving.cancel()
    #expect(await leaving.value == nil)
    #expect(await next.value != nil)
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await room.take(20, patience: .seconds(3_600))
    }
    #expect(await late.value == nil)
    #expect(room.waiting == 0)
    withExtendedLifetime(first) {}
  }
}
