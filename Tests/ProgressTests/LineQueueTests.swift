import Glibc
import Support
import Synchronization
import Testing

@testable import Progress

@Suite("Text that waits for its reader")
struct LineQueueTests {
  /// A queue whose reader waits at a gate.
  static func queue(_ gate: Gate, _ read: Log<String>) -> LineQueue {
    LineQueue { text in
      gate.pass()
      read.add(text)
    }
  }

  @Test("nobody waits for a reader who stands still, and he gets all of it, in order")
  func waits() async throws {
    let (gate, read) = (Gate(), Log<String>())
    let queue = Self.queue(gate, read)
    queue.open { "\($0) left out" }
    for number in 0..<100 { #expect(queue.take("\(number)")) }
    #expect(read.all.isEmpty && !queue.isEmpty)
    gate.open()
    try await eventually { queue.isEmpty }
    #expect(read.all == (0..<100).map { "\($0)" })
  }

  @Test("what is more than the room is left out, and said once there is room")
  func leavesOut() async throws {
    let (gate, read) = (Gate(), Log<String>())
    let queue = Self.queue(gate, read)
    queue.open { "\($0) left out" }
    let long = String(repeating: "x", count: 300_000)
    for _ in 0..<5 { #expect(queue.take(long)) }
    gate.open()
    try await eventually { queue.isEmpty }
    #expect(read.all == [long, long, long, "2 left out"])
    #expect(queue.take("more"))
    try await eventually { queue.isEmpty }
    #expect(read.all.last == "more")
  }

  @Test("before it is opened, whoever has a text writes it himself")
  func closed() {
    let queue = LineQueue { _ in Issue.record("it was written") }
    #expect(!queue.take("text") && queue.isEmpty)
  }
}
