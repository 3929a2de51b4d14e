import Registry

/// How long upstream is asked for what a caller waits for.
///
/// Not as long as by a pull, which has nobody else to ask: a caller has other mirrors and the
/// registry itself, and goes on to them once it is told. Blobs on their way are no question, and go
/// on as in a pull.
package enum CallerPatience {
  /// Tries after the first: what lasts for a moment has passed by then.
  static let retries = 1
  /// Longest wait before that, in seconds: who asks for more is not asked again.
  static let longestWait = 2.0
  /// Time limits that may pass in silence: the one that the owner gave.
  static let stalls = 1
  /// How long it is waited for where there is an old answer to give, and where it said nothing when it was
  /// asked last.
  package static let beforeStale = (first: Duration.seconds(5), silent: Duration.milliseconds(250))

  /// A rule as far as a caller goes along with it.
  ///
  /// - Parameter rule: the owner's.
  static func rule(_ rule: RepositoryClient.RetryRule) -> RepositoryClient.RetryRule {
    var bounded = rule
    bounded.retries = min(rule.retries, retries)
    bounded.maximumWait = min(rule.maximumWait, longestWait)
    bounded.stalls = min(rule.stalls, stalls)
    return bounded
  }
}
