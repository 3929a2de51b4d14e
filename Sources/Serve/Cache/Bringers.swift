import Downloads
import OCI

/// Which registries that nobody named have sent what.
///
/// Such a registry could say that it has any digest, for a caller who wants what another one keeps
/// private; and from what it is asked for, it could tell what others have brought. So it has to send
/// everything itself, once, and its callers get from the cache what it has sent.
struct Bringers: Sendable {
  private var registries: [Digest: Set<String>] = [:]

  /// Notes that a circle has sent all of something, and that it was right.
  mutating func note(_ circle: Circle, _ digest: Digest) {
    guard case .alone(let registry) = circle else { return }
    registries[digest, default: []].insert(registry)
  }

  /// Whether what is here may be given in a circle.
  func include(_ circle: Circle, _ digest: Digest) -> Bool {
    switch circle {
    case .named: true
    case .alone(let registry): registries[digest]?.contains(registry) ?? false
    }
  }

  /// Whether a registry that nobody named has sent something.
  func know(_ digest: Digest) -> Bool { registries[digest] != nil }

  /// Forgets what is gone.
  mutating func prune(isThere: (Digest) -> Bool) {
    registries = registries.filter { isThere($0.key) }
  }
}
