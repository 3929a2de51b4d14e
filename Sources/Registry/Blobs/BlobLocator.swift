import FoundationEssentials
import OCI
import Transfer

/// Finds out where an endpoint's blobs are, before workers want them.
///
/// Most public registries answer the request for a blob with a redirect to another host. A worker that
/// asks by itself loses a round trip for each blob, and each worker needs a second connection, to the
/// registry. Here small requests, which share a connection where the registry speaks HTTP/2, ask for
/// the next blobs while workers are busy with others.
///
/// ```
/// unknown   -> asking      the first blob is asked for; everybody waits for what comes of it
/// asking    -> redirects   it is elsewhere: from here on places are found out ahead
/// asking    -> serves      it is here, or nobody knows: blobs are asked for at the endpoint itself
/// serves    -> redirects   a worker was redirected after all
/// redirects -> serves      the endpoint refused to say several times: it is not asked ahead any more
/// ```
///
/// The first blob is an image's configuration as a rule. A small one is not asked about but fetched: its
/// own request is the question.
actor BlobLocator {
  /// What an endpoint says to the question where a blob is.
  enum Answer: Sendable {
    /// It redirects there.
    case elsewhere(RemoteURL)
    /// It serves the blob itself.
    case here
    /// It said neither; a worker that asks again gets the error.
    case unknown
  }

  /// Where a worker is to ask for a blob.
  enum Place: Sendable, Equatable {
    /// There; redirects led there.
    case elsewhere(RemoteURL)
    /// At the endpoint itself.
    case endpoint
    /// At the endpoint, and everybody waits for what it says: the worker has to report it.
    case endpointAndReport
  }

  private enum State {
    case unknown
    case asking
    case serves
    case redirects
  }

  private struct Found {
    var url: RemoteURL
    /// Seconds on the monotonic clock.
    var foundAt: Double
  }

  private let ask: @Sendable (Descriptor) async -> Answer
  private let time: Timekeeper
  private var state = State.unknown
  private var upcoming: [Descriptor] = []
  private var places: [Digest: Found] = [:]
  private var waiters: [CheckedContinuation<Void, Never>] = []
  private var underway: [Digest: Task<RemoteURL?, Never>] = [:]
  private var wanted: Set<Digest> = []
  private var refusals = 0
  private var hasGivenUp: Bool { refusals >= Self.mostRefusals }
  /// The blob on which everybody waits.
  private var asked: Digest?
  /// Whether the endpoint said anything itself: what was so the last time may have changed.
  private var isConfirmed: Bool

  /// Questions ahead that are on their way at the same time.
  private static let parallelQuestions = 4
  /// Questions without an answer after which none is asked any more.
  private static let mostRefusals = 3
  /// Seconds that everybody waits for what the first request brings.
  private static let patience = 2.0
  /// Places that are known before anybody wants them: signed ones do not live long.
  private static let mostAhead = 32
  /// Largest blob whose own request is the question, in bytes.
  private static let smallBlob: Int64 = 64 << 10
  /// Seconds for which a place that nobody used is trusted.
  private static let lifetime = 60.0

  /// Makes a locator.
  ///
  /// - Parameters:
  ///   - redirects: whether the endpoint redirected the last time; nil: not known.
  ///   - time: clocks.
  ///   - ask: asks the endpoint where a blob is.
  init(
    redirects: Bool? = nil, time: Timekeeper = .init(),
    ask: @escaping @Sendable (Descriptor) async -> Answer
  ) {
    self.ask = ask
    self.time = time
    isConfirmed = redirects == nil
    if let redirects { state = redirects ? .redirects : .serves }
  }

  /// Says which blobs will be wanted, in their order, after those that were named before.
  func expect(_ blobs: [Descriptor]) {
    // Next one last; what was said before comes first.
    upcoming.insert(contentsOf: blobs.reversed(), at: 0)
    lookAhead()
  }

  /// Where to ask for a blob.
  func place(of blob: Descriptor) async -> Place {
    defer { lookAhead() }
    let isFirstUse = wanted.insert(blob.digest).inserted
    if let found = places[blob.digest] {
      if !isFirstUse || time.seconds() - found.foundAt < Self.lifetime {
        return .elsewhere(found.url)
      }
      places[blob.digest] = nil
    }
    guard blob.size > 0 else { return .endpoint }
    switch state {
    case .unknown:
      state = .asking
      asked = blob.digest
      Task {
        try? await time.limit(Self.patience)
        self.stopWaiting()
      }
      return blob.size > Self.smallBlob ? await located(blob) : .endpointAndReport
    case .asking:
      // A second request for the same blob is there to overtake the first.
      guard blob.digest != asked else { return .endpoint }
      await withCheckedContinuation { waiters.append($0) }
      return await place(of: blob)
    case .serves:
      return .endpoint
    case .redirects:
      return await located(blob)
    }
  }

  /// Takes in what the endpoint said to a request for a blob.
  func reportAnswer(_ digest: Digest, _ answer: Answer) {
    switch answer {
    case .elsewhere(let url):
      isConfirmed = true
      places[digest] = Found(url: url, foundAt: time.seconds())
      decide(hasGivenUp ? .serves : .redirects)
    case .here, .unknown:
      // Small blobs may be here though layers are not; so one answer decides only where nothing is known.
      if case .asking = state { decide(.serves) } else if !isConfirmed { decide(.serves) }
      isConfirmed = true
    }
    lookAhead()
  }

  /// A place is not good any more.
  func forget(_ digest: Digest, ifStillAt url: RemoteURL) {
    if places[digest]?.url == url { places[digest] = nil }
  }

  /// Asks nothing more; what was under way has ended when it returns.
  func close() async {
    upcoming = []
    let asked = Array(underway.values)
    for task in asked { task.cancel() }
    decide(.serves)
    for task in asked { _ = await task.value }
  }

  // MARK: Questions

  private func stopWaiting() {
    if case .asking = state { decide(.serves) }
  }

  private func decide(_ new: State) {
    state = new
    for waiter in waiters { waiter.resume() }
    waiters = []
  }

  private func located(_ blob: Descriptor) async -> Place {
    await locate(blob).value.map { .elsewhere($0) } ?? .endpoint
  }

  private func locate(_ blob: Descriptor) -> Task<RemoteURL?, Never> {
    if let task = underway[blob.digest] { return task }
    // Whoever asks first is not the one that is waited for here.
    let task = Whereabouts.$current.withValue(nil) { Task { await self.question(blob) } }
    underway[blob.digest] = task
    return task
  }

  private func question(_ blob: Descriptor) async -> RemoteURL? {
    let answer = await ask(blob)
    underway[blob.digest] = nil
    if case .unknown = answer {
      refusals += 1
      if hasGivenUp { decide(.serves) }
    }
    reportAnswer(blob.digest, answer)
    if case .elsewhere(let url) = answer { return url }
    return nil
  }

  private func lookAhead() {
    // Nothing is asked of an endpoint that no worker came to.
    guard case .redirects = state, !wanted.isEmpty else { return }
    while underway.count < Self.parallelQuestions,
      places.keys.count(where: { !wanted.contains($0) }) + underway.count < Self.mostAhead,
      let next = upcoming.popLast()
    {
      guard next.size > 0, !wanted.contains(next.digest), places[next.digest] == nil else {
        continue
      }
      _ = locate(next)
    }
  }
}
