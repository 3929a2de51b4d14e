import OCI
import Registry
import Transfer

/// What tags mean: upstream is asked each time, by a HEAD, which Docker Hub does not count.
extension Answerer {
  /// What a tag means.
  enum Meaning {
    /// By upstream's word just now.
    case now(RepositoryClient.Announcement)
    /// By its last one: it cannot be asked.
    case last(TagMemory.Known)
    /// It does not say, or not in a HEAD.
    case unknown
  }

  /// Finds out what a tag means, for one caller.
  ///
  /// - Throws: `RegistryError` where the caller may not know it.
  func meaning(
    of tag: String, _ session: any ServeSession
  ) async throws(RegistryError) -> Meaning {
    do throws(RegistryError) {
      let said = try await ask(heads, tag, session, hasOld: old(tag, session) != nil) {
        () async throws(RegistryError) in
        let said = try await session.client.announcement(.tag(tag))
        if let said, let size = said.size {
          session.grant(said.digest, size: size)
          session.remember(tag, said.digest, size: size, isSent: false)
        }
        return said
      }
      return said.flatMap { $0.size == nil ? nil : .now($0) } ?? .unknown
    } catch {
      if error.kind == .unauthorised { throw error }
      if error.isOutage, !error.mayBeOfHeadsOnly, let known = old(tag, session) {
        return .last(known)
      }
      guard error.mayBeOfHeadAlone else { throw error }
      return .unknown
    }
  }

  /// What upstream said last of a tag, where it may be said again; nil: nothing.
  func old(_ tag: String, _ session: any ServeSession) -> TagMemory.Known? {
    // What was denied since by its digest is not to be had by its name.
    session.lastAnswer(tag).flatMap { session.grantedBefore($0.digest) == nil ? nil : $0 }
  }
}

extension Answer {
  /// The answer as one that upstream could not be asked about (RFC 7234, 5.5).
  var stale: Answer {
    var answer = self
    answer.fields.append(("Warning", "110 - \"Response is Stale\""))
    return answer
  }
}

extension RegistryError {
  /// Whether a GET is worth a try where a HEAD came to this: who does not answer a HEAD may have it all
  /// the same, but of who is silent it would be as long again, and nobody waits where the caller left.
  var mayBeOfHeadAlone: Bool { !isStall && !isOfCallerLeft }

  /// Whether upstream answered, and may fail so at every HEAD, and at no GET.
  fileprivate var mayBeOfHeadsOnly: Bool {
    if case .overloaded(retryAfter: .some) = kind { return false }
    return status.map { (500..<600).contains($0) } ?? false
  }

  /// Whether upstream says nothing: it is not there, or out of order.
  var isOutage: Bool {
    switch kind {
    case .transfer(let error):
      switch error.kind {
      // This machine is the reason, or the place is none to go to.
      case .ownCertificate, .disk, .cancelled, .setup, .invalidURL: false
      default: true
      }
    case .serverError, .overloaded: true
    default: false
    }
  }
}
