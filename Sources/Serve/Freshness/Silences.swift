import Registry
import Synchronization

/// Which registries say nothing, for those who can be given an old answer in place of theirs.
///
/// One is silent from when it was waited for in vain until it says something: whatever it was asked goes on
/// by itself for as long as any question.
final class Silences: Sendable {
  /// How long a registry is waited for, and one that is silent.
  private let patience: (first: Duration, silent: Duration)
  private let state = Mutex((silent: Set<String>(), underway: 0))

  /// Registries that are remembered at most: strangers name as many as they like.
  private static let most = 256
  /// Questions underway at most that callers may leave behind.
  private static let mostUnderway = 128

  init(patience: (first: Duration, silent: Duration)) { self.patience = patience }

  /// How long a registry is waited for; nil: as long as for anything.
  func patience(for registry: String) -> Duration? {
    state.withLock { state in
      guard state.underway < Self.mostUnderway else { return nil }
      return state.silent.contains(registry) ? patience.silent : patience.first
    }
  }

  /// It was waited for in vain.
  func waitedFor(_ registry: String) {
    state.withLock { state in
      if state.silent.count >= Self.most { state.silent = [] }
      state.silent.insert(registry)
    }
  }

  /// Has it asked, and hears whether it says something.
  func hear<Value>(
    _ registry: String, _ question: () async throws(RegistryError) -> Value
  ) async throws(RegistryError) -> Value {
    state.withLock { $0.underway += 1 }
    defer { state.withLock { $0.underway -= 1 } }
    do throws(RegistryError) {
      let value = try await question()
      state.withLock { _ = $0.silent.remove(registry) }
      return value
    } catch {
      // Whoever was not reached has said nothing.
      if case .transfer = error.kind { throw error }
      state.withLock { _ = $0.silent.remove(registry) }
      throw error
    }
  }
}
