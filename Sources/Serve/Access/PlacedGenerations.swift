/// A dictionary of what places have, whose room is bounded for all together, and which forgets what was noted
/// long ago, or all of a place at once.
///
/// Two generations, as in `Generations`. What a place has is together in each: to forget it costs no more
/// for all that others have.
struct PlacedGenerations<Place: Hashable & Sendable, Item: Hashable & Sendable, Value: Sendable>:
  Sendable
{
  private struct Generation: Sendable {
    var items: [Place: [Item: Value]] = [:]
    var count = 0

    mutating func set(_ place: Place, _ item: Item, _ value: Value) {
      if items[place, default: [:]].updateValue(value, forKey: item) == nil { count += 1 }
    }

    mutating func remove(_ place: Place, _ item: Item) {
      guard items[place]?.removeValue(forKey: item) != nil else { return }
      count -= 1
      if items[place]?.isEmpty ?? false { items[place] = nil }
    }

    mutating func remove(_ place: Place) { count -= items.removeValue(forKey: place)?.count ?? 0 }
  }

  private let capacity: Int
  private var young = Generation()
  private var old = Generation()

  /// - Parameter capacity: entries that are kept at most, at least 2.
  init(capacity: Int) { self.capacity = max(2, capacity) }

  /// How many are kept.
  var count: Int { young.count + old.count }

  /// All of them.
  var all: [(place: Place, item: Item, value: Value)] {
    [old, young].flatMap { generation in
      generation.items.flatMap { place, items in items.map { (place, $0.key, $0.value) } }
    }
  }

  /// An entry; setting it makes it young.
  subscript(place: Place, item: Item) -> Value? {
    get { young.items[place]?[item] ?? old.items[place]?[item] }
    set {
      old.remove(place, item)
      guard let newValue else { return young.remove(place, item) }
      if young.items[place]?[item] == nil, young.count >= capacity / 2 {
        old = young
        young = Generation()
      }
      young.set(place, item, newValue)
    }
  }

  /// Forgets all that a place has; whether there was something.
  @discardableResult
  mutating func forget(_ place: Place) -> Bool {
    let before = count
    young.remove(place)
    old.remove(place)
    return count < before
  }
}
