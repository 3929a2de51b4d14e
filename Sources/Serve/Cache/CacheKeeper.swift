package import Downloads
package import FoundationEssentials
package import OCI
package import Store
import Synchronization

/// The cache of an endpoint: a store of its own, which nobody else uses while it runs, and the
/// user's, which is only read.
///
/// A `CacheShelf` decides; what it decides is done here at once, so that the disk never holds more
/// than it was asked for. The calls wait for the disk, and for reading a blob whose file somebody
/// may have changed.
package final class CacheKeeper: Sendable {
  let store: ContentStore
  let other: ContentStore?
  private let lock: ContentStore.UseLock
  private let now: @Sendable () -> Double
  private let warn: @Sendable (String) -> Void
  let free: @Sendable () -> Int64?
  let shelf: Mutex<CacheShelf>
  private let bringers = Mutex(Bringers())
  /// Blobs of the user's store that were found to be right, and when: there nothing is written down
  /// about them.
  private let checked = Mutex<[Descriptor: (reader: BlobReader, time: Double)]>([:])
  /// Until when nothing is brought here that is not: its disk is full, or somebody took its folders away.
  private let troubleEnds = Mutex(-Double.infinity)
  /// What was written down last of when blobs were used.
  private let saved = Mutex<[Digest: Double]>([:])

  /// Seconds for which blobs pass by a cache that could not keep one.
  private static let troubleSeconds = 60.0
  /// Files of the user's store that are kept open.
  private static let mostChecked = 64

  /// Takes a store over, and removes what is more than the limit.
  ///
  /// - Parameters:
  ///   - store: the cache's.
  ///   - other: the user's; nil: there is none.
  ///   - limit: the most bytes that may be on the disk; nil: as many as fit there.
  ///   - free: bytes that can still be written there; nil: what the disk says.
  ///   - keeps: whether blobs stay that nobody asks for.
  ///   - now: seconds since 1970.
  ///   - warn: told what cannot be removed.
  /// - Throws: `StoreError`; `inUse` where somebody else has it.
  package init(
    store: ContentStore, reading other: ContentStore?, limit: Int64?, keeps: Bool,
    free: (@Sendable () -> Int64?)? = nil,
    now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 },
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(StoreError) {
    (self.store, self.other, self.now, self.warn) = (store, other, now, warn)
    self.free = free ?? { store.freeBytes }
    lock = try store.lockForRemoval()
    try store.discardLeftovers()
    var shelf = CacheShelf(limit: limit, keeps: keeps)
    let uses = CacheUses(readingFrom: store)
    for item in try store.stock() {
      // What is there twice counts twice until its other half goes.
      if shelf.state(of: item.digest) != nil, !item.isWhole {
        _ = try? store.discardRest(of: item.digest)
        continue
      }
      shelf.found(
        item.digest, item.isWhole ? .whole : .part, bytes: item.bytes,
        lastUse: max(uses.times[item.digest] ?? 0, item.changed))
    }
    self.shelf = Mutex(shelf)
    sweep()
  }

  // MARK: Asking

  /// Finds out where a blob is to be had from, and keeps it there.
  ///
  /// - Parameters:
  ///   - blob: that upstream lets the caller have.
  ///   - circle: who believe the registry that it is asked of.
  package func take(_ blob: Descriptor, for circle: Circle) -> Taking {
    if let held = held(blob, for: circle) { return held }
    if circle == .named, let reader = othersReader(of: blob) { return .file(reader, nil) }
    return room(blob, for: circle)
  }

  /// A blob that is here for a circle, if its file is still what it was.
  ///
  /// To find that out may take reading it all, so the shelf is not locked meanwhile.
  private func held(_ blob: Descriptor, for circle: Circle) -> Taking? {
    guard isFor(circle, blob.digest), let hold = use(blob.digest) else { return nil }
    if let reader = try? store.reader(of: blob) { return .file(reader, hold) }
    drop(blob.digest, hold)
    return nil
  }

  /// The size in bytes of a blob in the cache, for whoever it may be: only who may have it is told;
  /// nil: it is not there for a circle.
  func size(of digest: Digest, for circle: Circle) -> Int64? {
    isFor(circle, digest) ? store.size(of: digest) : nil
  }

  private func isFor(_ circle: Circle, _ digest: Digest) -> Bool {
    bringers.withLock { $0.include(circle, digest) }
  }

  /// Makes a wish one of a circle: it is noted what comes of it.
  func note(_ wish: inout Wish, in circle: Circle) {
    let blob = wish.blob
    wish.circle = circle
    // Somebody may have brought it since there was none to take.
    wish.isBrought = { [weak self] in self?.isFor(circle, blob.digest) ?? false }
    wish.arrived = { [weak self] in
      guard let self else { return }
      let now = now()
      let brought = CacheShelf.Apart(circle: circle, digest: blob.digest, size: blob.size)
      // Both at once: a sweep in between would take it for the note of something that is gone.
      shelf.withLock { shelf in
        shelf.arrived(brought, now: now)
        bringers.withLock { $0.note(circle, blob.digest) }
      }
    }
  }

  /// Reads a manifest, an index or a configuration; nil where it is nowhere here.
  package func document(_ digest: Digest, for circle: Circle) -> Data? {
    guard isFor(circle, digest) else { return nil }
    if let hold = use(digest), let data = store.document(digest) {
      withExtendedLifetime(hold) {}
      return data
    }
    return circle == .named ? other?.document(digest) : nil
  }

  /// Keeps a document, where there is room.
  package func keep(_ data: Data, as digest: Digest, for circle: Circle) {
    let blob = Descriptor(
      mediaType: MediaType(rawValue: ""), digest: digest, size: Int64(data.count))
    let taking = room(blob, for: .named)
    // Not before it has a place: a sweep would take it for the note of something that is gone.
    bringers.withLock { $0.note(circle, digest) }
    if case .room = taking { try? store.put(data, as: digest) }
    withExtendedLifetime(taking) {}
  }

  /// Reads a blob of the user's store: it is hashed once, and then read from the same file for a while.
  private func othersReader(of blob: Descriptor) -> BlobReader? {
    if let known = checked.withLock({ $0[blob] }) { return known.reader }
    guard let reader = (try? other?.reader(of: blob)) ?? nil else { return nil }
    let now = now()
    checked.withLock {
      if $0.count >= Self.mostChecked { $0 = [:] }
      $0[blob] = (reader, now)
    }
    return reader
  }

  private func use(_ digest: Digest) -> CacheHold? {
    let now = now()
    let isThere = shelf.withLock { shelf in
      settle(digest, &shelf)
      return shelf.use(digest, now: now)
    }
    guard isThere else { return nil }
    return hold(digest)
  }

  private func hold(_ digest: Digest) -> CacheHold {
    CacheHold { [weak self] in self?.release(digest) }
  }

  private func release(_ digest: Digest) {
    let now = now()
    shelf.withLock { $0.release(digest, now: now) }
  }

  /// Notes that something could not be kept: for a while blobs pass by, as those do that have no room.
  func noteTrouble(_ error: StoreError) {
    let now = now()
    let isNews = troubleEnds.withLock { ends in
      defer { ends = now + Self.troubleSeconds }
      return ends <= now
    }
    if isNews { warn("the cache cannot keep what comes, which is passed on: \(error)") }
  }

  func room(
    _ blob: Descriptor, for circle: Circle, evicting: Bool = true
  ) -> Taking {
    let (digest, now) = (blob.digest, now())
    if troubleEnds.withLock({ $0 > now }) { return .noRoom }
    // Somebody may have brought it meanwhile.
    if let held = held(blob, for: circle) { return held }
    let (place, isApart) = shelf.withLock { shelf -> (Taking, isApart: Bool) in
      settle(digest, &shelf)
      measure(for: blob.size, &shelf)
      if circle != .named || shelf.isComing(digest, unlike: blob.size) {
        let wanted = CacheShelf.Apart(circle: circle, digest: digest, size: blob.size)
        return (room(wanted, evicting, &shelf), true)
      }
      let sacrifices = shelf.sacrifices(for: digest, size: blob.size) ?? []
      guard evicting || sacrifices.isEmpty else { return (.noRoom, false) }
      for other in sacrifices { discard(other, &shelf) }
      guard shelf.begin(digest, size: blob.size, now: now) else { return (.noRoom, false) }
      return (.room(hold(digest)), false)
    }
    // Those who brought it read it still.
    if case .room(let hold) = place, !isApart, store.contains(blob),
      let reader = try? store.reader(of: blob)
    {
      return .file(reader, hold)
    }
    return place
  }

  /// Room for a blob that comes apart from what others bring of it.
  ///
  /// What a registry that nobody named has pushes out what others of its kind have brought, and of the rest
  /// only what nobody has used for a while.
  private func room(
    _ wanted: CacheShelf.Apart, _ evicting: Bool, _ shelf: inout CacheShelf
  ) -> Taking {
    let now = now()
    let sacrifices = shelf.sacrifices(for: wanted) { digest, lastUse in
      wanted.circle != .named && now - lastUse < CacheShelf.patience
        && !bringers.withLock { $0.know(digest) }
    }
    guard evicting || sacrifices?.isEmpty ?? true else { return .noRoom }
    for other in sacrifices ?? [] { discard(other, &shelf) }
    guard shelf.begin(wanted) else { return .noRoom }
    return .room(
      CacheHold { [weak self] in
        guard let self else { return }
        let now = self.now()
        self.shelf.withLock { $0.release(wanted, now: now) }
      })
  }

  // MARK: Going

  /// Finds out what became of what is not fetched any more, removes what goes, and notes when
  /// everything was used.
  package func sweep() {
    let now = now()
    let uses = shelf.withLock { shelf in
      settle(&shelf)
      for digest in shelf.due(now: now) { discard(digest, &shelf) }
      let times = shelf.lastUses
      // Before anything else can come: what is noted later is not forgotten by what was here now.
      bringers.withLock { $0.prune { times[$0] != nil } }
      return CacheUses(times: times)
    }
    let isNews = saved.withLock { saved in
      defer { saved = uses.times }
      return saved != uses.times
    }
    if isNews { uses.write(to: store) }
    checked.withLock { $0 = $0.filter { now - $0.value.time < CacheShelf.patience } }
  }

  func settle(_ shelf: inout CacheShelf) {
    for digest in shelf.leaving { settle(digest, &shelf) }
  }

  private func settle(_ digest: Digest, _ shelf: inout CacheShelf) {
    guard shelf.leaving.contains(digest) else { return }
    do throws(StoreError) {
      // Whoever fetched it may be writing still.
      guard let bytes = try store.idlePartialBytes(digest) else { return }
      if let size = store.size(of: digest) {
        if bytes > 0 { _ = try store.discardRest(of: digest) }
        shelf.found(digest, .whole, bytes: size)
      } else {
        shelf.found(digest, bytes > 0 ? .part : nil, bytes: bytes)
      }
    } catch {
      warn("\(error)")
    }
  }

  private func discard(_ digest: Digest, _ shelf: inout CacheShelf) {
    do throws(StoreError) {
      if try store.discard(digest) { shelf.removed(digest) }
    } catch {
      warn("\(error)")
    }
  }

  /// Takes out a blob that turned out damaged.
  private func drop(_ digest: Digest, _ hold: CacheHold) {
    shelf.withLock { shelf in
      do throws(StoreError) {
        if try store.discard(digest) { shelf.found(digest, .part, bytes: 0) }
      } catch {
        warn("\(error)")
      }
    }
    withExtendedLifetime(hold) {}
  }
}
