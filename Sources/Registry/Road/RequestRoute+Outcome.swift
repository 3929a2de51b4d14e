import Transfer

extension RequestRoute {
  /// What came of one exchange.
  enum Outcome<Answer: Sendable>: Sendable {
    case plain(Plain)
    /// A redirect, a challenge or an error.
    case aside(TransferResponse)
    /// A web page where content was asked for, which may be a login's, and what it is if nobody logs in.
    case page(TransferResponse, else: Plain)

    /// An answer that leads nowhere else.
    enum Plain: Sendable {
      case content(Answer)
      /// It cannot be used.
      case refused(RegistryError.Kind, String)
    }

    static func content(_ answer: Answer) -> Outcome { .plain(.content(answer)) }

    static func refused(_ kind: RegistryError.Kind, _ reason: String) -> Outcome {
      .plain(.refused(kind, reason))
    }
  }
}
