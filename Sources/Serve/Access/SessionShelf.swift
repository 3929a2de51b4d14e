/// Sessions by whom they are for: those of anybody are kept, and others live as long as somebody has them.
struct SessionShelf {
  private struct Weak {
    weak var session: CallerSession?
  }

  private let capacity: Int
  private var kept: [CallerSession.Key: CallerSession] = [:]
  private var lent: [CallerSession.Key: Weak] = [:]

  /// - Parameter capacity: sessions of anybody that are kept at most.
  init(capacity: Int = 256) { self.capacity = capacity }

  /// The number of sessions that it knows.
  var count: Int { kept.count + lent.values.count { $0.session != nil } }

  /// A session that there is; nil: none.
  func session(_ key: CallerSession.Key) -> CallerSession? {
    kept[key] ?? lent[key]?.session
  }

  /// Takes in a new one.
  mutating func add(_ session: CallerSession, _ key: CallerSession.Key) {
    if key.caller == .anonymous {
      if kept.count >= capacity { kept = [:] }
      kept[key] = session
    } else {
      lent = lent.filter { $0.value.session != nil }
      lent[key] = Weak(session: session)
    }
  }

  /// Forgets those of anybody, and gives none of the others to anyone again.
  mutating func clear() {
    kept = [:]
    lent = [:]
  }
}
