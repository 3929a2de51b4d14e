import FoundationEssentials
import OCI
package import Store
import Synchronization
import Text

/// What tags meant, for all sessions; what anybody was told is kept in the cache's folder.
package final class SharedTags: Sendable {
  /// How old an answer may be that is given while upstream cannot be asked, in seconds; 0: none is.
  package let staleSeconds: Double

  private let store: ContentStore?
  private let memory: Mutex<TagMemory>
  private let now: @Sendable () -> Double
  private let saved = Mutex("")

  private static let name = "serve-tags"
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
    var memory = TagMemory()
    let bytes = store?.note(Self.name, limit: Self.limit) ?? []
    memory.read(String(outside: bytes), now: now())
    self.memory = Mutex(memory)
  }

  func note(_ key: TagMemory.Key, _ digest: Digest, size: Int64) {
    let known = TagMemory.Known(digest: digest, size: size, time: now())
    memory.withLock { $0.note(key, known) }
  }

  func forget(_ key: TagMemory.Key) { memory.withLock { $0.forget(key) } }

  func answer(_ key: TagMemory.Key) -> TagMemory.Known? {
    let now = now()
    return memory.withLock { $0.answer(key, staleSeconds: staleSeconds, now: now) }
  }

  /// Writes down what changed; to be called now and then.
  package func save() {
    guard staleSeconds > 0, let store else { return }
    let text = memory.withLock { $0.text }
    let isNew = saved.withLock { saved in
      defer { saved = text }
      return saved != text
    }
    if isNew { store.setNote(Self.name, Array(text.utf8)) }
  }
}
