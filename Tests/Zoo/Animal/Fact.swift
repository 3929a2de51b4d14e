/// One thing that a server does, with where that is written down.
struct Fact: Sendable {
  /// What it does.
  let words: String
  /// The documentation, code or report that says so.
  let source: String
  /// What this changes in a plain registry.
  let change: @Sendable (inout Dialect) -> Void

  init(
    _ words: String, _ source: String, _ change: @escaping @Sendable (inout Dialect) -> Void
  ) {
    self.words = words
    self.source = source
    self.change = change
  }

  /// A way of its own to answer some requests.
  static func habit(_ words: String, _ source: String, _ habit: @escaping Habit) -> Fact {
    Fact(words, source) { $0.habits.append(habit) }
  }
}

/// Answers a request in its own way; nil: it has nothing to say to this one.
///
/// It is given the visit, and what the animal would answer without it.
typealias Habit = @Sendable (_ visit: Visit, _ usual: (Visit) -> Answer) -> Answer?
