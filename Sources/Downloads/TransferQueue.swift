/// Transfers that have not begun, in the order in which they are to, and how many may be open at once.
struct TransferQueue {
  /// Next one last.
  private var queued: [Transfer] = []
  /// Those that another process is fetching.
  private(set) var waiting: [Transfer] = []
  private var openBlobs = 0
  private let mostOpen: Int

  /// Makes an empty queue.
  ///
  /// - Parameter mostOpen: blobs that may have their files open at the same time.
  init(mostOpen: Int) { self.mostOpen = mostOpen }

  /// Whether nothing is to begin, here or after another process.
  var isEmpty: Bool { queued.isEmpty && waiting.isEmpty }

  /// Takes the next one that may begin.
  mutating func next() -> Transfer? { openBlobs < mostOpen ? queued.popLast() : nil }

  /// Puts one where its urgency has it, unless another process is fetching it.
  mutating func place(_ transfer: Transfer) {
    guard !waiting.contains(where: { $0 === transfer }) else { return }
    queued.removeAll { $0 === transfer }
    // Next one last: after those that are needed sooner, and after those that were wanted before.
    let place = queued.firstIndex { $0.urgency >= transfer.urgency }
    queued.insert(transfer, at: place ?? queued.endIndex)
  }

  /// Another process is fetching it.
  mutating func wait(for transfer: Transfer) { waiting.append(transfer) }

  /// Its file is open here.
  mutating func open(_ transfer: Transfer) {
    waiting.removeAll { $0 === transfer }
    openBlobs += 1
  }

  /// A file that was open here is no longer.
  mutating func close() { openBlobs -= 1 }

  /// Takes one out.
  ///
  /// - Returns: whether it had yet to be begun.
  mutating func remove(_ transfer: Transfer) -> Bool {
    waiting.removeAll { $0 === transfer }
    guard let index = queued.firstIndex(where: { $0 === transfer }) else { return false }
    queued.remove(at: index)
    return true
  }
}
