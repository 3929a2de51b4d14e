import Synchronization

/// What was warned of in a run: a file, a login or a server is the same for all of its images, and is
/// complained of once.
final class SaidWarnings: Sendable {
  private let said = Mutex<Set<String>>([])

  /// Whether this was not said before; it is from now on.
  func isNews(_ words: String) -> Bool { said.withLock { $0.insert(words).inserted } }

  /// The options with a log that has each warning once.
  func once(_ access: RegistryAccess) -> RegistryAccess {
    guard let log = access.log else { return access }
    var access = access
    access.log = { severity, words in
      if severity != .warning || self.isNews(words) { log(severity, words) }
    }
    return access
  }
}
