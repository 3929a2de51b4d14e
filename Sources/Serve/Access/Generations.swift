/// A dictionary whose room is bounded, and that forgets what was noted long ago.
///
/// Entries are kept in two generations. When the younger one is full it becomes the older one, and
/// what was in that is forgotten: no entry costs more than two lookups.
struct Generations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private let capacity: Int
  private var young: [Key: Value] = [:]
  private var old: [Key: Value] = [:]

  /// - Parameter capacity: entries that are kept at most, at least 2.
  init(capacity: Int) { self.capacity = max(2, capacity) }

  /// How many are kept.
  var count: Int { young.count + old.count }

  /// All of them.
  var all: [Key: Value] { old.merging(young) { $1 } }

  /// An entry; setting it makes it young.
  subscript(key: Key) -> Value? {
    get { young[key] ?? old[key] }
    set {
      if newValue != nil, young[key] == nil, young.count >= capacity / 2 {
        old = young
        young = [:]
      }
      old[key] = nil
      young[key] = newValue
    }
  }
}
