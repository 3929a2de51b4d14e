import Downloads
import OCI

/// Room for what nobody has asked for yet.
extension CacheKeeper {
  /// Whether a blob would find room if everything else went.
  func mayHold(_ blob: Descriptor) -> Bool {
    shelf.withLock { shelf in
      measure(for: blob.size, &shelf)
      return shelf.bound.map { CacheShelf.cost(blob.size) <= $0 } ?? true
    }
  }

  /// What there is for a blob that is fetched ahead of need.
  enum AheadRoom: Sendable {
    case room(CacheHold)
    /// None is free.
    case none
    /// It is here, in the cache or in the user's store.
    case isHere
  }

  /// Room for a blob that is fetched ahead of need.
  ///
  /// - Parameter evicting: whether something else may go for it; not for what a manifest only claims.
  func room(for blob: Descriptor, in circle: Circle, evicting: Bool) -> AheadRoom {
    // What the user's store has is read from there.
    if circle == .named, other?.contains(blob) ?? false { return .isHere }
    return switch room(blob, for: circle, evicting: evicting) {
    case .room(let hold): .room(hold)
    case .noRoom: .none
    case .file: .isHere
    }
  }
}
