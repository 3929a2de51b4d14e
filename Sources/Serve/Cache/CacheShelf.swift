import Downloads
import OCI

/// Decides what stays in the cache: no more than it may have, and nothing goes that somebody uses.
///
/// A blob's life:
///
/// | from | to | when |
/// |---|---|---|
/// | absent | coming | room for all of it is taken before it is fetched |
/// | coming | leaving | the last who wanted it is gone; until it is known what is there, it counts as whole |
/// | leaving | coming | somebody wants it again |
/// | leaving | whole, part, absent | what was found on the disk |
/// | whole, part | used | somebody reads it (part: wants the rest, and is coming) |
/// | whole, part | absent | it went: for room, the one used least lately first, or because nobody asked for it in time |
///
/// What comes beside a blob's own place, for those who may not share what is there, has room of its own
/// for as long as somebody wants it (`Apart`).
struct CacheShelf: Sendable {
  /// What is there of a blob.
  enum State: Sendable, Equatable {
    case coming
    case leaving
    case whole
    case part
  }

  private struct Entry {
    var state: State
    /// On the disk, or reserved there.
    var bytes: Int64
    var users = 0
    /// When it was asked for or let go last.
    var lastUse: Double
    var isReserved: Bool { state == .coming || state == .leaving }
    /// Those bytes of which nobody knows whether they have come.
    var reserved: Int64 { isReserved ? bytes : 0 }
  }

  /// A blob that comes for those who may not share what others bring of it.
  struct Apart: Hashable {
    var circle: Circle
    var digest: Digest
    var size: Int64
  }

  /// The most bytes that may be on the disk; nil: as many as fit there.
  let limit: Int64?
  /// Whether blobs stay that nobody asks for.
  let keeps: Bool
  private var entries: [Digest: Entry] = [:]
  /// How many want what comes apart, and whether it has arrived: then they use the blob's own place.
  private var apart: [Apart: (users: Int, hasArrived: Bool)] = [:]
  /// Bytes on the disk and reserved.
  private(set) var bytes: Int64 = 0
  /// Those of them that are reserved for what is on its way, whether it has come or not.
  private(set) var reserved: Int64 = 0
  /// The most bytes for which the disk has room; nil: it does not say.
  var most: Int64?
  /// Blobs that went, and their bytes.
  private(set) var gone: (blobs: Int64, bytes: Int64) = (0, 0)

  /// Seconds in which a blob must be asked for again to stay: a client stores it itself.
  static let patience = 600.0
  /// What a blob costs beside its content: its mark, its journal, and the rest of its last block.
  private static let besides: Int64 = 12 << 10

  /// - Parameters:
  ///   - limit: the most bytes that may be on the disk; nil: no limit.
  ///   - keeps: whether blobs stay that nobody asks for.
  init(limit: Int64?, keeps: Bool) {
    self.limit = limit
    self.keeps = keeps
  }

  /// The number of blobs that are there or coming.
  var count: Int { entries.count + apart.values.count { !$0.hasArrived } }

  /// What is there of a blob; nil: nothing.
  func state(of digest: Digest) -> State? { entries[digest]?.state }

  /// What a blob takes on the disk.
  static func cost(_ size: Int64) -> Int64 { max(0, size).addingClamped(besides) }

  // MARK: Asking

  /// What must go before a blob can come; nil: there can be no room for it now.
  ///
  /// - Parameter size: its size in bytes.
  func sacrifices(for digest: Digest, size: Int64) -> [Digest]? {
    sacrifices(size, has: entries[digest]?.bytes ?? 0) { other, _ in other == digest }
  }

  /// The same for one that comes apart.
  ///
  /// - Parameter spares: whether a blob that was used last at a time does not go for it.
  func sacrifices(
    for wanted: Apart,
    sparing spares: (_ digest: Digest, _ lastUse: Double) -> Bool = { _, _ in false }
  ) -> [Digest]? {
    apart[wanted] != nil ? [] : sacrifices(wanted.size, has: 0, sparing: spares)
  }

  private func sacrifices(
    _ size: Int64, has: Int64, sparing spares: (Digest, Double) -> Bool
  ) -> [Digest]? {
    guard let limit = bound else { return [] }
    let cost = Self.cost(size)
    guard cost <= limit else { return nil }
    var left = bytes.addingClamped(-has)
    guard left.addingClamped(cost) > limit else { return [] }
    var going: [Digest] = []
    for (other, entry) in byAge
    where left.addingClamped(cost) > limit && !spares(other, entry.lastUse) {
      left = left.addingClamped(-entry.bytes)
      going.append(other)
    }
    return left.addingClamped(cost) <= limit ? going : nil
  }

  /// Whether so many more bytes need something to go.
  func isTight(for size: Int64) -> Bool {
    bound.map { bytes.addingClamped(Self.cost(size)) > $0 } ?? false
  }

  /// Reserves room for a blob that somebody wants, or lets one more want it.
  ///
  /// - Parameters:
  ///   - size: its size in bytes.
  ///   - now: seconds since 1970.
  /// - Returns: false where there is no room: `sacrifices` were not made.
  mutating func begin(_ digest: Digest, size: Int64, now: Double) -> Bool {
    if var entry = entries[digest], entry.state == .coming {
      entry.users += 1
      entry.lastUse = now
      entries[digest] = entry
      return true
    }
    guard sacrifices(for: digest, size: size)?.isEmpty ?? false else { return false }
    let users = entries[digest]?.users ?? 0
    set(
      digest,
      Entry(state: .coming, bytes: Self.cost(size), users: users + 1, lastUse: now))
    return true
  }

  /// Reserves room for a blob that comes apart, or lets one more want it.
  ///
  /// - Returns: false where there is no room: `sacrifices` were not made.
  mutating func begin(_ wanted: Apart) -> Bool {
    if let known = apart[wanted] {
      apart[wanted]?.users += 1
      if known.hasArrived { entries[wanted.digest]?.users += 1 }
      return true
    }
    guard sacrifices(for: wanted)?.isEmpty ?? false else { return false }
    apart[wanted] = (1, false)
    reserve(Self.cost(wanted.size))
    return true
  }

  /// Somebody wants what comes apart no more.
  mutating func release(_ wanted: Apart, now: Double) {
    guard let known = apart[wanted] else { return }
    apart[wanted]?.users -= 1
    if known.users == 1 { apart[wanted] = nil }
    if known.hasArrived {
      release(wanted.digest, now: now)
    } else if known.users == 1 {
      reserve(-Self.cost(wanted.size))
      // Its files go with it, but not where it had the blob's own ones: whoever had those may have been
      // done just before it was begun.
      if wanted.circle == .named { set(wanted.digest, entry(holding: wanted, now: now)) }
    }
  }

  /// What is in a blob's own place, where something of it may have come there apart: it has to be found out.
  private func entry(holding wanted: Apart, now: Double) -> Entry {
    let cost = Self.cost(wanted.size)
    var entry = entries[wanted.digest] ?? Entry(state: .leaving, bytes: cost, lastUse: now)
    if entry.state == .part { entry.state = .leaving }
    if entry.state == .leaving { entry.bytes = max(entry.bytes, cost) }
    return entry
  }

  /// Takes in that a blob is there that came apart, if it was that: it has its own place from then on, and
  /// what is there has to be found out.
  mutating func arrived(_ wanted: Apart, now: Double) {
    let known = apart[wanted].flatMap { $0.hasArrived ? nil : $0 }
    if let known {
      apart[wanted] = (known.users, true)
      reserve(-Self.cost(wanted.size))
    }
    var entry = entry(holding: wanted, now: now)
    entry.users += known?.users ?? 0
    set(wanted.digest, entry)
  }

  /// Whether somebody fetches a blob as one of another size.
  func isComing(_ digest: Digest, unlike size: Int64) -> Bool {
    guard let entry = entries[digest], entry.state == .coming else { return false }
    return entry.bytes != Self.cost(size)
  }

  /// Lets somebody read a blob that is whole; false where it is not.
  mutating func use(_ digest: Digest, now: Double) -> Bool {
    guard var entry = entries[digest], entry.state == .whole else { return false }
    entry.users += 1
    entry.lastUse = now
    entries[digest] = entry
    return true
  }

  /// Somebody reads or wants a blob no more.
  mutating func release(_ digest: Digest, now: Double) {
    guard var entry = entries[digest], entry.users > 0 else { return }
    entry.users -= 1
    entry.lastUse = max(entry.lastUse, now)
    if entry.users == 0, entry.state == .coming { entry.state = .leaving }
    set(digest, entry)
  }

  // MARK: What is found

  /// Those that have room of their own reserved.
  var comers: [Digest] { entries.filter(\.value.isReserved).map(\.key) }

  /// Those of which it has to be found out what is there.
  private(set) var leaving: Set<Digest> = []

  /// Takes in what is on the disk of a blob that nobody is fetching.
  ///
  /// - Parameters:
  ///   - state: `whole` or `part`; nil: nothing is there.
  ///   - bytes: on the disk.
  ///   - lastUse: where that was not known; seconds since 1970.
  mutating func found(_ digest: Digest, _ state: State?, bytes: Int64, lastUse: Double = 0) {
    let known = entries[digest]
    guard let state else {
      set(digest, nil)
      return
    }
    set(
      digest,
      Entry(
        state: state, bytes: Self.cost(bytes), users: known?.users ?? 0,
        lastUse: max(known?.lastUse ?? 0, lastUse)))
  }

  /// A blob went.
  mutating func removed(_ digest: Digest) {
    gone.blobs += 1
    gone.bytes = gone.bytes.addingClamped(entries[digest]?.bytes ?? 0)
    set(digest, nil)
  }

  // MARK: Going

  /// Those that go: nobody asked for them in time, or the limit is lower than it was.
  ///
  /// - Parameter now: seconds since 1970.
  func due(now: Double) -> [Digest] {
    var left = bytes
    var going: [Digest] = []
    for (digest, entry) in byAge {
      let isOver = limit.map { left > $0 } ?? false
      guard isOver || !keeps && now - entry.lastUse >= Self.patience else { continue }
      going.append(digest)
      left = left.addingClamped(-entry.bytes)
    }
    return going
  }

  /// When each blob was used last, in seconds since 1970.
  var lastUses: [Digest: Double] { entries.mapValues(\.lastUse) }

  /// Those that nobody uses, the one used least lately first.
  private var byAge: [(key: Digest, value: Entry)] {
    entries.filter { $0.value.users == 0 && [.whole, .part].contains($0.value.state) }
      .sorted { ($0.value.lastUse, $0.key.hex) < ($1.value.lastUse, $1.key.hex) }
  }

  private mutating func reserve(_ count: Int64) {
    bytes = bytes.addingClamped(count)
    reserved = reserved.addingClamped(count)
  }

  private mutating func set(_ digest: Digest, _ entry: Entry?) {
    let known = entries[digest]
    bytes = bytes.addingClamped((entry?.bytes ?? 0) - (known?.bytes ?? 0))
    reserved = reserved.addingClamped((entry?.reserved ?? 0) - (known?.reserved ?? 0))
    if entry?.state == .leaving { leaving.insert(digest) } else { leaving.remove(digest) }
    entries[digest] = entry
  }
}
