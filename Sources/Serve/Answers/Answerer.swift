package import Downloads
import OCI
import Registry

/// Answers requests: finds out what is meant, has the caller let in, and says where the bytes come from.
package struct Answerer: Sendable {
  let doorkeeper: any Doorkeeper
  let cache: CacheKeeper
  let downloads: Downloads
  let ahead: Ahead
  let named = NamedBlobs()
  let sizes = Together<BlobSource.Glimpse>()
  let documents = Together<FetchedDocument>()
  let heads = Together<RepositoryClient.Announcement?>()
  /// Which registries say nothing.
  let silences: Silences
  /// How long an answer waits for a blob's first bytes, so that what upstream says in their place
  /// becomes the answer.
  let firstBytesPatience: Duration
  /// The memory that answers may have.
  let room: AnswerRoom
  /// How long an answer waits for it.
  let roomPatience: Duration
  /// Counts; nil: nothing is counted.
  let metrics: ServeMetrics?

  /// Makes one.
  ///
  /// - Parameters:
  ///   - doorkeeper: says what a caller may ask for.
  ///   - cache: where blobs and documents are kept.
  ///   - downloads: fetches blobs into the store.
  ///   - metrics: counts; nil: nothing is counted.
  ///   - aheadPatience: how long an image's blobs are fetched ahead while nobody asks for one.
  ///   - firstBytesPatience: how long an answer waits for a blob's first bytes before its head goes out.
  ///   - room: the memory that answers may have.
  ///   - roomPatience: how long an answer waits for it.
  ///   - stalePatience: how long upstream is waited for where there is an old answer, and where it said
  ///     nothing when it was asked last.
  package init(
    doorkeeper: any Doorkeeper, cache: CacheKeeper, downloads: Downloads,
    metrics: ServeMetrics? = nil, aheadPatience: Duration = .seconds(10),
    firstBytesPatience: Duration = .seconds(10), room: AnswerRoom = .init(),
    roomPatience: Duration = .seconds(10),
    stalePatience: (first: Duration, silent: Duration) = CallerPatience.beforeStale
  ) {
    self.doorkeeper = doorkeeper
    self.cache = cache
    self.downloads = downloads
    ahead = Ahead(downloads, cache, patience: aheadPatience)
    self.metrics = metrics
    silences = Silences(patience: stalePatience)
    self.firstBytesPatience = firstBytesPatience
    (self.room, self.roomPatience) = (room, roomPatience)
  }

  /// Answers a request; cancelling the task ends what is asked upstream for it.
  package func answer(_ request: ServeRequest) async -> Answer {
    guard ["GET", "HEAD"].contains(request.method) else {
      var answer = Answer.error(405, .unsupported, "nothing can be written here: pulls only")
      answer.fields.append(("Allow", "GET, HEAD"))
      return answer
    }
    guard let target = ServeTarget(request.target) else {
      return .error(404, .nameUnknown, "nothing of that name is served")
    }
    switch target {
    case .base: return await doorkeeper.greeting(for: request.caller)
    case .health: return .text(200, "ok\n")
    case .metrics:
      guard let metrics else { return .error(404, .nameUnknown, "no figures are kept") }
      metrics.note(cache.figures, heldBytes: room.held)
      return .text(200, metrics.text, type: ServeMetrics.mediaType)
    case .manifest(let upstream, let selector):
      return await inside(upstream, request, missing: .manifestUnknown) {
        (session) async throws(RegistryError) in
        try await manifest(selector, upstream, session, isHead: request.isHead)
      }
    case .blob(let upstream, let digest):
      return await inside(upstream, request, missing: .blobUnknown) {
        (session) async throws(RegistryError) in
        try await blob(digest, upstream, session, request)
      }
    case .tags(let upstream, let query):
      return await inside(upstream, request, missing: .nameUnknown) {
        (session) async throws(RegistryError) in
        try await list(.tags, "tags/list", query, upstream, session)
      }
    case .referrers(let upstream, let digest, let query):
      return await inside(upstream, request, missing: .manifestUnknown) {
        (session) async throws(RegistryError) in
        try await list(.referrers(digest), "referrers/\(digest)", query, upstream, session)
      }
    }
  }

  /// Answers for a repository that the caller may ask for.
  private func inside(
    _ upstream: Upstream, _ request: ServeRequest, missing: Answer.Code,
    _ body: (any ServeSession) async throws(RegistryError) -> Answer
  ) async -> Answer {
    switch await doorkeeper.admit(request.caller, to: upstream) {
    case .refused(let answer): return answer
    case .session(let session):
      do throws(RegistryError) {
        return try await body(session)
      } catch {
        return session.refusal(error) ?? .error(error, missing: missing)
      }
    }
  }
}
