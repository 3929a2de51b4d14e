/// The connections of a front, and who gives way where there are as many as there may be.
///
/// ```
/// silent -> busy     a request has come
/// busy   -> silent   its answer was given
/// ```
/// A connection without a request gives way to one that comes, the longest silent first: half a head
/// that never ends, or one that is kept for later, keeps nobody out. An answer on its way is never
/// ended for this, and whoever goes in the middle of one has his place until it is let go of: what
/// callers leave behind is bounded as they are. Who comes through a socket in the file system, which
/// not everybody may, has places that no other user's connections take.
struct ConnectionShelf<ID: Hashable & Sendable>: Sendable {
  /// What becomes of a connection that comes.
  enum Admission: Equatable, Sendable {
    /// It is in.
    case taken
    /// It is in, and that one is to be closed.
    case inPlace(of: ID)
    /// There is no room.
    case refused
  }

  private struct Entry {
    var isLocal: Bool
    /// Whose turn it was when it fell silent; nil: it is busy.
    var silentSince: UInt64?
  }

  /// The most of either kind.
  let most: Int
  private var entries: [ID: Entry] = [:]
  private var turn: UInt64 = 0

  /// - Parameter most: connections over the network at a time, and as many through sockets in the
  ///   file system.
  init(most: Int) { self.most = most }

  /// Whether there is none.
  var isEmpty: Bool { entries.isEmpty }

  /// Takes in one that comes, where there is room or somebody gives way.
  ///
  /// - Parameter isLocal: whether it comes through a socket in the file system.
  mutating func admit(_ id: ID, isLocal: Bool) -> Admission {
    let others = entries.filter { $0.value.isLocal == isLocal }
    var admission = Admission.taken
    if others.count >= most {
      let silent = others.compactMap { entry in
        entry.value.silentSince.map { (id: entry.key, since: $0) }
      }
      guard let longest = silent.min(by: { $0.since < $1.since }) else { return .refused }
      entries[longest.id] = nil
      admission = .inPlace(of: longest.id)
    }
    let turn = nextTurn()
    entries[id] = Entry(isLocal: isLocal, silentSince: turn)
    return admission
  }

  /// Notes that a request has come over one.
  mutating func noteBusy(_ id: ID) { entries[id]?.silentSince = nil }

  /// Notes that its answer was given.
  mutating func noteSilent(_ id: ID) {
    let turn = nextTurn()
    entries[id]?.silentSince = turn
  }

  /// Forgets one that has ended.
  mutating func remove(_ id: ID) { entries[id] = nil }

  private mutating func nextTurn() -> UInt64 {
    turn &+= 1
    return turn
  }
}
