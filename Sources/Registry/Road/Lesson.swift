import Transfer

extension RegistryError {
  /// What a failure says about the server that caused it.
  enum Lesson: Equatable {
    /// The next request would wait in vain, too.
    case nobodyThere
    /// Nothing, or next to nothing, came for a whole time limit.
    case wentQuiet
    /// This one thing cannot be had there, which mirrors are allowed.
    case notThere
    /// Something is wrong with it; where that is so for this content, it is not asked for it again.
    case trouble(losesContent: Bool)
  }

  var lesson: Lesson {
    switch kind {
    case .transfer(let error):
      switch error.kind {
      case .resolve, .noSuchHost, .connect, .unanswered, .silentHandshake, .refused, .proxy,
        .proxyRefused, .tls, .tlsRefused, .nothingInCommon, .wrongName, .wrongDate, .ownCertificate,
        .notTLS:
        .nobodyThere
      case .stalled: .wentQuiet
      default: .trouble(losesContent: false)
      }
    case .notFound: .notThere
    case .overloaded: .trouble(losesContent: false)
    case .protocolError(let isTransient), .serverError(let isTransient):
      .trouble(losesContent: !isTransient)
    case .unauthorised, .integrity, .unusable, .refusedTarget, .rangeRefused:
      .trouble(losesContent: true)
    }
  }
}
