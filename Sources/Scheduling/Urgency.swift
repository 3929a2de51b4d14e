/// How soon somebody needs a blob's bytes.
package enum Urgency: Int, Sendable, Equatable, Comparable, CaseIterable {
  /// Nobody wants them: of their blob only parts are.
  case spare
  /// Nobody waits for them yet.
  case ahead
  /// They are a part of something that is wanted whole.
  case whole
  /// Somebody reads them as they come.
  case read

  /// Orders by how soon, latest first.
  package static func < (left: Urgency, right: Urgency) -> Bool { left.rawValue < right.rawValue }
}
