import Support
import Synchronization
import Testing

@testable import Registry

/// Documents that take a while to read.
@Suite("Large documents")
struct LargeDocumentTests {
  static let large = LargeDocuments.bytes + 1

  /// What is read.
  final class Counts: Sendable {
    private let counts = Mutex((running: 0, most: 0, done: 0))

    var all: (running: Int, most: Int, done: Int) { counts.withLock { $0 } }

    func begin() {
      counts.withLock { counts in
        counts.running += 1
        counts.most = max(counts.most, counts.running)
      }
    }

    func end() {
      counts.withLock { counts in
        counts.running -= 1
        counts.done += 1
      }
    }
  }

  @Test("are read one at a time, however many come, and small ones wait for none of them")
  func oneAtATime() async throws {
    let counts = Counts()
    let (gate, begun) = (Gate(), Gate())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await LargeDocuments.read(Self.large) {
            counts.begin()
            begun.open()
            gate.pass()
            counts.end()
          }
        }
      }
      await begun.opened()
      #expect(try await LargeDocuments.read(LargeDocuments.bytes) { 7 } == 7)
      #expect(counts.all.done == 0)
      gate.open()
      try await group.waitForAll()
    }
    #expect(counts.all == (0, 1, 20))
  }

  @Test("who is cancelled waits no longer, and what had not begun is never read")
  func cancelled() async {
    let (gate, begun) = (Gate(), Gate())
    let secondRead = Counts()
    let first = Task {
      try await LargeDocuments.read(Self.large) {
        begun.open()
        gate.pass()
      }
    }
    await begun.opened()
    let second = Task {
      try await LargeDocuments.read(Self.large) { secondRead.begin() }
    }
    for task in [second, first] {
      task.cancel()
      // The first one is still being read.
      await #expect(throws: RegistryError.self) { try await task.value }
    }
    gate.open()
    // Its turn comes after that of the second.
    #expect((try? await LargeDocuments.read(Self.large) { secondRead.all.running }) == 0)
  }
}
