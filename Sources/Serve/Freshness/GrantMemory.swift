import OCI

/// What upstream gave to anybody when it was asked last, for when it cannot be.
///
/// A tag whose last answer is given after a restart is of no use without its blobs. Of callers with
/// credentials nothing is in here.
struct GrantMemory: Sendable {
  /// Where something is that anybody may have.
  struct Place: Hashable, Sendable {
    var registry: String
    var repository: String
  }

  /// A manifest or a blob of a repository.
  struct Key: Hashable, Sendable {
    var registry: String
    var repository: String
    var digest: Digest

    var place: Place { Place(registry: registry, repository: repository) }
  }

  /// What upstream said.
  struct Known: Equatable, Sendable {
    /// Its size in bytes.
    var size: Int64
    /// When; seconds since 1970.
    var time: Double
  }

  private var entries: PlacedGenerations<Place, Digest, Known>

  /// - Parameter capacity: grants that are remembered at most, at least 2; an image has some 30.
  init(capacity: Int = 8 << 10) { entries = PlacedGenerations(capacity: capacity) }

  /// The number of grants that are remembered.
  var count: Int { entries.count }

  /// Notes that anybody may have something.
  mutating func note(_ key: Key, _ known: Known) { entries[key.place, key.digest] = known }

  /// Forgets a grant; whether there was one.
  mutating func forget(_ key: Key) -> Bool {
    defer { entries[key.place, key.digest] = nil }
    return entries[key.place, key.digest] != nil
  }

  /// Forgets all of a repository; whether there was something.
  mutating func forget(_ place: Place) -> Bool { entries.forget(place) }

  /// The size in bytes of what may be given while upstream cannot be asked; nil: it may not.
  ///
  /// - Parameters:
  ///   - staleSeconds: how old upstream's word may be; 0: it does not count at all.
  ///   - now: seconds since 1970.
  func size(_ key: Key, staleSeconds: Double, now: Double) -> Int64? {
    guard staleSeconds > 0, let known = entries[key.place, key.digest],
      (0...staleSeconds).contains(now - known.time)
    else { return nil }
    return known.size
  }

  // MARK: On the disk

  private struct Line: Codable {
    var registry: String
    var repository: String
    var digest: String
    var size: Int64
    var time: Double
  }

  /// A line of JSON for each.
  var text: String {
    NotedLines.text(
      entries.all.map { place, digest, known in
        Line(
          registry: place.registry, repository: place.repository, digest: "\(digest)",
          size: known.size, time: known.time)
      })
  }

  /// Takes in what was written down; what is damaged, or cannot be, is passed over.
  ///
  /// - Parameter now: seconds since 1970: nothing is younger.
  mutating func read(_ text: String, now: Double) {
    for line in NotedLines.read(Line.self, from: text) {
      guard NotedLines.isRepository(line.repository, of: line.registry),
        let digest = try? Digest(line.digest), line.size >= 0,
        line.time.isFinite, line.time <= now
      else { continue }
      note(
        Key(registry: line.registry, repository: line.repository, digest: digest),
        Known(size: line.size, time: line.time))
    }
  }
}
