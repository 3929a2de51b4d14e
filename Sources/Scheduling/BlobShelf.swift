/// The blobs that a scheduler knows, in the order in which they came.
///
/// Those that are forgotten leave nothing behind: a service that is never idle has millions in its
/// life, and a few at a time. One that is not known is an empty one that is over, and what is
/// written to it is lost: events of it were on their way.
struct BlobShelf: Sendable {
  private(set) var states: [BlobState] = []
  /// Of the states, in ascending order.
  private var ids: [BlobID] = []
  private var nextNumber = 0
  /// Whether a range of one that is forgotten was ever served.
  private var hasServedRanges = false
  /// How many of those here have `servesRanges`.
  private var servers = 0
  /// No blob before this place has pending bytes: where the search for work begins.
  private var first = 0
  private var unknown = BlobState(size: 0, have: RangeSet(), isOver: true)

  /// Whether a range of anything was ever served.
  var servesRanges: Bool { hasServedRanges || servers > 0 }

  /// Adds one.
  mutating func add(_ blob: BlobState) -> BlobID {
    let id = BlobID(index: nextNumber)
    nextNumber += 1
    states.append(blob)
    ids.append(id)
    return id
  }

  /// Whether it knows one.
  func contains(_ id: BlobID) -> Bool { place(of: id) != nil }

  /// Forgets one.
  mutating func forget(_ id: BlobID) {
    guard let place = place(of: id) else { return }
    if states[place].servesRanges { (servers, hasServedRanges) = (servers - 1, true) }
    states.remove(at: place)
    ids.remove(at: place)
    if place < first { first -= 1 }
  }

  subscript(id: BlobID) -> BlobState {
    get { place(of: id).map { states[$0] } ?? unknown }
    _modify {
      guard let place = place(of: id) else {
        var lost = unknown
        yield &lost
        return
      }
      let before = states[place].servesRanges
      yield &states[place]
      let after = states[place].servesRanges
      if before != after { servers += after ? 1 : -1 }
      if !states[place].pending.isEmpty { first = min(first, place) }
    }
  }

  /// Blobs that may have pending bytes, in order.
  mutating func candidates() -> some Sequence<BlobID> {
    while first < states.count, states[first].pending.isEmpty { first += 1 }
    return ids[first...]
  }

  /// Whether bytes of any are pending.
  var hasPending: Bool { states[first...].contains { !$0.pending.isEmpty } }

  /// All of them are asked for as wholes from now on.
  mutating func endRanges() {
    for place in states.indices { states[place].ranged = false }
  }

  private func place(of id: BlobID) -> Int? {
    // As a rule nothing was forgotten before it, or all that is here came one after the other.
    if let start = ids.first {
      let guess = id.index - start.index
      if ids.indices.contains(guess), ids[guess] == id { return guess }
    }
    var (low, high) = (0, ids.count)
    while low < high {
      let middle = (low + high) / 2
      if ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < ids.count && ids[low] == id ? low : nil
  }
}
