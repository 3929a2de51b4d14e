/// What is said of a wait that a person would not sit through without asking.
package enum LongWait {
  /// Seconds from which on it is said how long Cairn goes along with a server.
  private static let long = 60.0

  /// What follows the reason for a wait; nothing where it is a short one.
  ///
  /// - Parameters:
  ///   - seconds: how long it is.
  ///   - limit: seconds that a server may ask for; beyond them the pull ends.
  package static func words(_ seconds: Double, limit: Double) -> String {
    guard seconds >= long else { return "" }
    let minutes = Int(clamping: min(limit / 60, 1e6))
    return "; a server that asks for more than \(minutes) min ends the pull, and so does Ctrl-C"
  }
}
