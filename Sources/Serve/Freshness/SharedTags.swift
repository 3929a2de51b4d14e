import FoundationEssentials
import OCI
package import Store
import Synchronization
import Text

/// What tags meant and what was granted, for all sessions; what anybody was told is kept in the
/// cache's folder.
package final class SharedTags: Sendable {
  /// How old an answer may be that is given while upstream cannot be asked, in seconds; 0: none is.
  package let staleSeconds: Double

  private let store: ContentStore?
  private let memory: Mutex<TagMemory>
  private let grants: Mutex<GrantMemory>
  private let now: @Sendable () -> Double
  /// What has changed since it was written down.
  private let news = Mutex((tags: false, grants: false))
  /// Held by whoever writes it down, so that nothing older comes after what is newer.
  private let pen = Mutex(())
  /// Has something each time that something kept was forgotten: that is to be written down soon, since the
  /// process may end without a word.
  private let losses: AsyncStream<Void>
  private let lost: AsyncStream<Void>.Continuation

  private static let (name, grantName) = ("serve-tags", "serve-grants")
  private static let limit: Int64 = 16 << 20

  /// Reads what was kept.
  ///
  /// - Parameters:
  ///   - store: the cache's; nil: nothing is kept.
  ///   - staleSeconds: how old an answer may be.
  ///   - now: seconds since 1970.
  package init(
    keptIn store: ContentStore? = nil, staleSeconds: Double = 0,
    now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
  ) {
    (self.store, self.staleSeconds, self.now) = (store, staleSeconds, now)
    (losses, lost) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    var memory = TagMemory()
    let bytes = store?.note(Self.name, limit: Self.limit) ?? []
    memory.read(String(outside: bytes), now: now())
    self.memory = Mutex(memory)
    var grants = GrantMemory()
    let lines = store?.note(Self.grantName, limit: Self.limit) ?? []
    grants.read(String(outside: lines), now: now())
    self.grants = Mutex(grants)
  }

  func note(_ key: TagMemory.Key, _ digest: Digest, size: Int64, isSent: Bool = false) {
    let known = TagMemory.Known(digest: digest, size: size, time: now(), isSent: isSent)
    memory.withLock { $0.note(key, known) }
    if key.caller == .anonymous { news.withLock { $0.tags = true } }
  }

  func forget(_ key: TagMemory.Key) {
    guard memory.withLock({ $0.forget(key) }) else { return }
    news.withLock { $0.tags = true }
    if key.caller == .anonymous { lost.yield() }
  }

  /// Forgets what tags of a repository meant and what was granted of it, for one caller.
  func forget(_ place: CallersRepository) {
    let hadTags = memory.withLock { $0.forget(place) }
    if hadTags { news.withLock { $0.tags = true } }
    guard place.caller == .anonymous else { return }
    let open = GrantMemory.Place(registry: place.registry, repository: place.repository)
    let hadGrants = grants.withLock { $0.forget(open) }
    if hadGrants { news.withLock { $0.grants = true } }
    if hadTags || hadGrants { lost.yield() }
  }

  /// Notes what upstream grants; only what it grants to anybody is kept.
  func note(_ grant: Grant, size: Int64) {
    guard staleSeconds > 0, let key = grant.openKey else { return }
    let known = GrantMemory.Known(size: size, time: now())
    grants.withLock { $0.note(key, known) }
    news.withLock { $0.grants = true }
  }

  /// Forgets what upstream granted.
  func withdraw(_ grant: Grant) {
    guard let key = grant.openKey, grants.withLock({ $0.forget(key) }) else { return }
    news.withLock { $0.grants = true }
    lost.yield()
  }

  /// The size in bytes of what upstream granted to anybody, where that may still count; nil: nothing.
  func size(_ grant: Grant) -> Int64? {
    let now = now()
    return grant.openKey.flatMap { key in
      grants.withLock { $0.size(key, staleSeconds: staleSeconds, now: now) }
    }
  }

  func wasSent(_ key: TagMemory.Key, _ digest: Digest) -> Bool {
    memory.withLock { $0.wasSent(key, digest) }
  }

  func knows(_ key: TagMemory.Key) -> Bool { memory.withLock { $0.knows(key) } }

  func answer(_ key: TagMemory.Key) -> TagMemory.Known? {
    let now = now()
    return memory.withLock { $0.answer(key, staleSeconds: staleSeconds, now: now) }
  }

  /// Writes down what changed; to be called now and then.
  package func save() {
    guard staleSeconds > 0, let store else { return }
    pen.withLock { _ in
      let news = news.withLock { news in
        defer { news = (false, false) }
        return news
      }
      if news.tags { store.setNote(Self.name, Array(memory.withLock { $0.text }.utf8)) }
      if news.grants { store.setNote(Self.grantName, Array(grants.withLock { $0.text }.utf8)) }
    }
  }

  /// Writes down what is forgotten, at most once a second, until the task is cancelled.
  package func saveLosses() async {
    for await _ in losses {
      save()
      guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
    }
  }
}

extension Grant {
  /// Of what is granted to anybody; nil: it is not.
  fileprivate var openKey: GrantMemory.Key? {
    guard caller == .anonymous else { return nil }
    return GrantMemory.Key(registry: registry, repository: repository, digest: digest)
  }
}
