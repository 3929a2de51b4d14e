/// What limited a pull, by its evidence alone, or that this is not clear.
///
/// Sizes of the pool are experiments, readings say what is full, and what the user set is known.
/// What is named must be borne out; where it is not, nothing is named. `docs/design/verdict.md` has
/// how often that is right.
package struct Verdict: Sendable, Equatable {
  /// Why nothing is named.
  package enum Silence: String, Sendable, Equatable {
    /// The pull was over before its connections were up to speed.
    case tooShort
    /// What was seen fits several causes.
    case notClear
  }

  /// What limited the pull; nil: see `silence`.
  package let cause: PullRecord.Limit?
  /// Why nothing is named; nil: something is.
  package let silence: Silence?
  /// What was seen.
  package let evidence: PullEvidence
  /// Where most of the time was spent.
  package let main: PullEvidence.Level?
  /// What it was compared with, where something was: fewer connections, or more.
  package let other: PullEvidence.Level?

  /// Judges a pull.
  ///
  /// - Parameter evidence: what was seen.
  package init(_ evidence: PullEvidence) {
    self.evidence = evidence
    let rule = VerdictRule(evidence)
    main = rule.main
    switch rule.finding {
    case .cause(let limit, let compared):
      cause = limit
      silence = nil
      other = compared
    case .silence(let why):
      cause = nil
      silence = why
      other = nil
    }
  }

  /// One word for programs: the cause's, or the silence's.
  package var word: String { cause?.rawValue ?? silence?.rawValue ?? "" }
}
