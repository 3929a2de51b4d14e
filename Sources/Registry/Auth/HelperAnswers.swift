/// What credential helpers answered in a run: each is asked once about a server, whoever needs it.
///
/// Some ask a person, or a service that is slow; and a login that is refused from the beginning is
/// what it has. One that was taken, and is so no more, has ended: then it is asked once more.
package final class HelperAnswers: Sendable {
  /// What is asked whom.
  struct Question: Hashable {
    /// The helper's name.
    var helper: String
    /// The server's name as the helper knows it.
    var server: String
  }

  /// A question that is asked again.
  private struct Renewal: Hashable {
    var question: Question
    var refused: Credential
  }

  typealias Answer = Result<Credential?, CredentialHelper.Failure>

  private let asked = SharedWorks<Question, Answer>(keeps: true)
  private let askedAgain = SharedWorks<Renewal, Answer>(keeps: true)

  /// Nobody was asked yet.
  package init() {}

  /// The answer to a question; those who ask while it is being asked wait for the same one.
  ///
  /// - Parameters:
  ///   - question: what is asked whom.
  ///   - refused: a login that has ended: where it is the answer, it is asked for anew, once.
  ///   - ask: asks.
  func answer(
    to question: Question, insteadOf refused: Credential? = nil,
    ask: @escaping @Sendable () async -> Answer
  ) async -> Answer {
    let known = await asked.value(for: question, ask)
    guard let refused, case .success(refused) = known else { return known }
    let renewal = Renewal(question: question, refused: refused)
    return await askedAgain.value(for: renewal) { [asked] in
      let answer = await ask()
      if case .success(_?) = answer { asked.settle(question, answer) }
      return answer
    }
  }
}
