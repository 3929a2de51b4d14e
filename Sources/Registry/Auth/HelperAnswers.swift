/// What credential helpers answered in a run: each is asked once about a server, whoever needs it.
///
/// Some ask a person, or a service that is slow; and what it has for a server does not change because
/// a registry refused it.
package final class HelperAnswers: Sendable {
  /// What is asked whom.
  struct Question: Hashable {
    /// The helper's name.
    var helper: String
    /// The server's name as the helper knows it.
    var server: String
  }

  typealias Answer = Result<Credential?, CredentialHelper.Failure>

  private let asked = SharedWorks<Question, Answer>(keeps: true)

  /// Nobody was asked yet.
  package init() {}

  /// The answer to a question; those who ask while it is being asked wait for the same one.
  func answer(to question: Question, ask: @escaping @Sendable () async -> Answer) async -> Answer {
    await asked.value(for: question, ask)
  }
}
