import OCI

/// What upstream granted, to whom and when: for five minutes it is not asked again.
///
/// Only grants are kept, and a denial ends those that it is about. It is upstream's word for one request: who
/// logs in is let in by the next.
struct GrantLedger: Sendable {
  /// Seconds that a grant holds.
  static let lifetime = 300.0

  private var entries: PlacedGenerations<CallersRepository, Digest, Entry>

  private struct Entry {
    var size: Int64
    var time: Double
  }

  /// - Parameter capacity: grants that are kept at most, at least 2; an image has some 30.
  init(capacity: Int = 64 << 10) { entries = PlacedGenerations(capacity: capacity) }

  /// How many are kept.
  var count: Int { entries.count }

  /// Notes that upstream granted something.
  ///
  /// - Parameters:
  ///   - size: its size in bytes.
  ///   - now: seconds of a clock that never goes back.
  mutating func note(_ grant: Grant, size: Int64, now: Double) {
    entries[grant.place, grant.digest] = Entry(size: size, time: now)
  }

  /// The size in bytes of what is granted still; nil: it is not.
  ///
  /// - Parameters:
  ///   - lifetime: seconds that a grant holds here: more where upstream cannot be asked, and its
  ///     last answer may do.
  ///   - now: seconds of the same clock.
  func size(_ grant: Grant, lifetime: Double = Self.lifetime, now: Double) -> Int64? {
    guard let entry = entries[grant.place, grant.digest] else { return nil }
    return now - entry.time <= lifetime && now >= entry.time ? entry.size : nil
  }

  /// Forgets one: upstream says no.
  mutating func withdraw(_ grant: Grant) { entries[grant.place, grant.digest] = nil }

  /// Forgets all of a repository: upstream does not let its caller in.
  mutating func withdraw(_ place: CallersRepository) { entries.forget(place) }
}
