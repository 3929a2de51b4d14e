/// Who believe each other about a blob before it is verified: about bytes that have come, and about its size.
///
/// Whoever is in another circle brings a blob himself, or waits until it is whole and right.
package enum Circle: Hashable, Sendable {
  /// What the user or the owner named: whom to ask is their choice.
  case named
  /// A registry that nobody named, which may be anybody's: alone.
  case alone(registry: String)
}
