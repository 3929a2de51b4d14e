import Scheduling
import Support
import Testing

@testable import Downloads

@Suite("What has not begun")
struct DownloadQueueTests {
  struct Item: Identifiable, Equatable {
    let id: Int
  }

  /// The same by a list that is looked through.
  struct Model {
    var queued: [(item: Item, urgency: Urgency)] = []

    mutating func place(_ item: Item, _ urgency: Urgency) {
      _ = remove(item)
      queued.append((item, urgency))
    }

    mutating func remove(_ item: Item) -> Bool {
      let count = queued.count
      queued.removeAll { $0.item == item }
      return queued.count < count
    }

    mutating func next() -> Item? {
      guard let urgency = queued.map(\.urgency).max(),
        let index = queued.firstIndex(where: { $0.urgency == urgency })
      else { return nil }
      return queued.remove(at: index).item
    }
  }

  @Test(
    "what is needed soonest begins first, and of that what was wanted first, whatever came and went",
    arguments: UInt64(1)...20)
  func order(seed: UInt64) {
    var queue = DownloadQueue<Item>(mostOpen: 1)
    var model = Model()
    let steps = Content.bytes(3_000, seed: seed)
    for index in stride(from: 0, to: steps.count, by: 3) {
      let item = Item(id: Int(steps[index]) % 40)
      switch steps[index + 1] % 4 {
      case 0, 1:
        let urgency = Urgency.allCases[Int(steps[index + 2]) % Urgency.allCases.count]
        queue.place(item, urgency)
        model.place(item, urgency)
      case 2:
        let (was, should) = (queue.remove(item), model.remove(item))
        #expect(was == should)
      default:
        let (next, should) = (queue.next(), model.next())
        #expect(next == should)
      }
      #expect(queue.isEmpty == model.queued.isEmpty)
    }
  }

  @Test("what another process fetches is in no line, and nothing begins while enough is open")
  func elsewhere() {
    var queue = DownloadQueue<Item>(mostOpen: 1)
    queue.wait(for: Item(id: 2))
    queue.wait(for: Item(id: 1))
    queue.place(Item(id: 1), .read)
    #expect(queue.waiting.map(\.id) == [1, 2] && !queue.isEmpty)
    var next = queue.next()
    #expect(next == nil)
    queue.open(Item(id: 1))
    queue.place(Item(id: 3), .read)
    next = queue.next()
    #expect(next == nil)
    queue.close()
    next = queue.next()
    #expect(next?.id == 3)
    let was = queue.remove(Item(id: 2))
    #expect(!was && queue.isEmpty)
  }
}
