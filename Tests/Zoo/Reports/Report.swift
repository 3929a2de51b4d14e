import Testing

/// What somebody met in the wild: a habit, and what a puller should make of it.
struct Report: Sendable, CustomTestStringConvertible {
  /// What is served, by whom.
  let animal: Animal
  /// Whether the pull has the keeper's credentials.
  var isKnown = false
  /// What should come of a pull.
  var outcome = Outcome.image
  /// Requests for bytes of blobs that are enough, retries included.
  var mostRequests = 60
  /// Seconds of silence after which a request has failed.
  var stallTimeout = 50.0
  /// Words that an error has.
  var words = ""

  var testDescription: String { animal.facts.last?.words ?? animal.name }
}

extension Report {
  /// Every one.
  static var all: [Report] {
    statuses + ranges + auths + mirrors + wild + fresh + latest + heads
  }

  /// A plain registry with a habit.
  static func habit(
    _ words: String, _ source: String, outcome: Outcome = .image, mostRequests: Int = 60,
    stallTimeout: Double = 50, saying said: String = "", _ habit: @escaping Habit
  ) -> Report {
    Report(
      animal: Animal("a registry", "", facts: [.habit(words, source, habit)]), outcome: outcome,
      mostRequests: mostRequests, stallTimeout: stallTimeout, words: said)
  }

  /// A plain registry that is otherwise in one thing.
  static func dialect(
    _ words: String, _ source: String, mostRequests: Int = 60,
    _ change: @escaping @Sendable (inout Dialect) -> Void
  ) -> Report {
    Report(
      animal: Animal("a registry", "", facts: [Fact(words, source, change)]),
      mostRequests: mostRequests)
  }
}
