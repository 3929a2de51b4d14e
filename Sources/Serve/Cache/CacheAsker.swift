/// For whom something is taken from the cache.
package struct CacheAsker: Sendable, Equatable {
  /// The registry that granted it.
  var registry: String
  /// Whether the owner named that one; else anybody may have made it up to say that it has what others have.
  var isNamed: Bool
  /// Whether it is given to anybody there.
  var isAnybody: Bool

  /// Whoever asks a registry that the owner named, as anybody.
  static func anybody(at registry: String) -> CacheAsker {
    CacheAsker(registry: registry, isNamed: true, isAnybody: true)
  }
}
