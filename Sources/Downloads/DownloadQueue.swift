import Scheduling

/// What has not begun, shared downloads as a rule, in the order in which they are to, and how many may be
/// open at once.
///
/// A step costs the same however many there are: one that is placed anew, or goes, leaves its old place
/// behind, which is passed over, or forgotten when there are many.
struct DownloadQueue<Item: Identifiable> where Item.ID: Comparable {
  /// A place in a line, which counts as long as its item has no other.
  private struct Place {
    let item: Item.ID
    let ticket: Int
  }

  /// Those of one urgency, those who came first before others.
  private struct Line {
    var places: [Place] = []
    /// Those before it are gone.
    var first = 0
  }

  private var lines = [Line](repeating: Line(), count: Urgency.allCases.count)
  /// Those in the lines, and the one place of each that counts.
  private var queued: [Item.ID: (item: Item, ticket: Int)] = [:]
  private var lastTicket = 0
  /// Those that another process is fetching.
  private var elsewhere: [Item.ID: Item] = [:]
  private var openBlobs = 0
  private let mostOpen: Int

  /// Places that may be left behind.
  private static var mostLeft: Int { 64 }

  /// Makes an empty queue.
  ///
  /// - Parameter mostOpen: blobs that may have their files open at the same time.
  init(mostOpen: Int) { self.mostOpen = mostOpen }

  /// Whether nothing is to begin, here or after another process.
  var isEmpty: Bool { queued.isEmpty && elsewhere.isEmpty }

  /// Those that another process is fetching, in the order in which they were wanted.
  var waiting: [Item] { elsewhere.sorted { $0.key < $1.key }.map(\.value) }

  /// Takes the next one that may begin.
  mutating func next() -> Item? {
    guard openBlobs < mostOpen, !queued.isEmpty else { return nil }
    for index in lines.indices.reversed() {
      while lines[index].first < lines[index].places.count {
        let place = lines[index].places[lines[index].first]
        lines[index].first += 1
        guard counts(place) else { continue }
        return queued.removeValue(forKey: place.item)?.item
      }
    }
    return nil
  }

  /// Puts one where its urgency has it, unless another process is fetching it.
  mutating func place(_ item: Item, _ urgency: Urgency) {
    guard elsewhere[item.id] == nil else { return }
    lastTicket += 1
    queued[item.id] = (item, lastTicket)
    lines[urgency.rawValue].places.append(Place(item: item.id, ticket: lastTicket))
    tidy()
  }

  /// Another process is fetching it.
  mutating func wait(for item: Item) { elsewhere[item.id] = item }

  /// Its file is open here.
  mutating func open(_ item: Item) {
    elsewhere[item.id] = nil
    openBlobs += 1
  }

  /// A file that was open here is no longer.
  mutating func close() { openBlobs -= 1 }

  /// Takes one out.
  ///
  /// - Returns: whether it had yet to be begun.
  mutating func remove(_ item: Item) -> Bool {
    elsewhere[item.id] = nil
    return queued.removeValue(forKey: item.id) != nil
  }

  private func counts(_ place: Place) -> Bool { queued[place.item]?.ticket == place.ticket }

  /// Forgets the places that were left behind, where they are more than the others.
  private mutating func tidy() {
    let places = lines.reduce(0) { $0 + $1.places.count }
    guard places > 2 * queued.count + Self.mostLeft else { return }
    for index in lines.indices {
      lines[index] = Line(places: lines[index].places[lines[index].first...].filter(counts))
    }
  }
}
