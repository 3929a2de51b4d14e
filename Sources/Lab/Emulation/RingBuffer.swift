/// A queue that takes no memory once it has grown to its longest.
struct RingBuffer<Element> {
  private var storage: [Element?] = Array(repeating: nil, count: 64)
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var first: Element? { count == 0 ? nil : storage[head] }

  mutating func append(_ element: Element) {
    if count == storage.count { grow() }
    storage[(head + count) & (storage.count - 1)] = element
    count += 1
  }

  @discardableResult
  mutating func removeFirst() -> Element? {
    guard count > 0 else { return nil }
    defer {
      storage[head] = nil
      head = (head + 1) & (storage.count - 1)
      count -= 1
    }
    return storage[head]
  }

  private mutating func grow() {
    let ordered = (0..<count).map { storage[(head + $0) & (storage.count - 1)] }
    storage = ordered + Array(repeating: nil, count: count)
    head = 0
  }
}
