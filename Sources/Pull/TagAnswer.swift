package import Registry

extension RepositoryClient {
  /// Does what begins with a tag; where a mirror's answer for it led nowhere, again with the next server's.
  ///
  /// A mirror may hold an index of yesterday, whose images and layers are gone, or an empty one:
  /// well formed, and of no use. That shows only later.
  ///
  /// - Parameters:
  ///   - warn: told which mirror's answer is of no use, and why.
  ///   - body: resolves the tag, and does the rest.
  /// - Throws: the error of the last answer; of the one before where nobody could be reached for another.
  package func followingTag<Value: Sendable>(
    warn: (String) -> Void, _ body: () async throws(PullError) -> Value
  ) async throws(PullError) -> Value {
    var earlier: PullError?
    while true {
      do throws(PullError) {
        return try await body()
      } catch {
        if let earlier, case .registry(let cause) = error.cause, case .transfer = cause.kind {
          throw earlier
        }
        guard error.mayBeStale, let mirror = disownTag() else { throw error }
        warn("what \(mirror) names \(reference) is of no use, the next server is asked: \(error)")
        earlier = error
      }
    }
  }
}

extension PullError {
  /// Whether another server's answer for the same tag may lead further.
  var mayBeStale: Bool {
    switch cause {
    case .document, .noPlatform, .noImage, .integrity: true
    case .registry(let error):
      switch error.kind {
      case .notFound, .unauthorised, .integrity, .unusable: true
      default: false
      }
    case .store, .output, .interrupted, .partly: false
    }
  }
}
