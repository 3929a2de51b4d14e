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
      guard let said = try await session.client.announcement(.tag(tag)) else { return .unknown }
      guard let size = said.size else { return .unknown }
      session.grant(said.digest, size: size)
      session.remember(tag, said.digest, size: size, isSent: false)
      return .now(said)
    } catch {
      if error.kind == .unauthorised { throw error }
      // What was denied since by its digest is not to be had by its name.
      if error.isOutage, let known = session.lastAnswer(tag),
        session.grantedBefore(known.digest) != nil
      {
        return .last(known)
      }
      guard error.mayBeOfHeadAlone else { throw error }
      return .unknown
    }
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
