/// Downloads container images into a store on this machine.
///
/// ```swift
/// let image = try await Cairn.pull("ubuntu:22.04", into: "/var/lib/images") { event in
///   if case .progress(let now) = event { show(now.bytesDone, of: now.bytes) }
/// }
/// log(image.digest, image.bytesFetched, image.seconds)
/// ```
///
/// It is what the command `cairn pull` does, by the same code: with credentials, mirrors, proxies
/// and the history as the command finds them, unless ``PullOptions`` say otherwise.
public enum Cairn {
  // Not `throws(CairnError)`: the compiler, Swift 6.3.1, crashes on a `catch … where` around an
  // asynchronous call of that kind.

  /// The version of the library and of the command.
  public static let version = "0.1.0"

  /// Pulls an image.
  ///
  /// What stands in the store is not fetched again, and an interrupted pull goes on where it
  /// stopped. Cancelling the task interrupts it: what arrived is kept.
  ///
  /// - Parameters:
  ///   - image: its name, for example `ubuntu:22.04` or `ghcr.io/o/n@sha256:…`.
  ///   - store: where it goes; an OCI image layout that others can read.
  ///   - options: how it is pulled.
  ///   - event: told what happens, in order, one at a time, on any thread; the pull waits for it to return.
  /// - Returns: what the pull came to, when every byte is on disk and verified.
  /// - Throws: ``CairnError``, and nothing else.
  public static func pull(
    _ image: String, into store: StorePlace = .standard, options: PullOptions = PullOptions(),
    event: @escaping @Sendable (PullEvent) -> Void = { _ in }
  ) async throws -> PullOutcome {
    let outcomes = try await pull([image], into: store, options: options, event: event)
    guard let outcome = outcomes.first else {
      throw CairnError.internalFailure("the pull had no outcome")
    }
    return try outcome.get()
  }

  /// Pulls images together: what they share is fetched once, and the parallel downloads from a
  /// registry serve all of them.
  ///
  /// - Parameters:
  ///   - images: their names; one that is there twice is pulled once.
  ///   - store: where they go.
  ///   - options: how they are pulled; outputs are for one image.
  ///   - event: told what happens, in order, one at a time, on any thread; the pull waits for it to return.
  /// - Returns: for each image, in order, what its pull came to or why it failed.
  /// - Throws: ``CairnError``, and nothing else, where nothing could be begun: the options make no
  ///   sense, or the store cannot be opened.
  public static func pull(
    _ images: [String], into store: StorePlace = .standard, options: PullOptions = PullOptions(),
    event: @escaping @Sendable (PullEvent) -> Void = { _ in }
  ) async throws -> [Result<PullOutcome, CairnError>] {
    let session = PullSession(options, display: EventDisplay(event))
    let requests = try session.requests(for: try await session.images(named: images))
    let (outcomes, reports) = try await session.pull(requests, into: store)
    let decisions = Dictionary(
      reports.map { ($0.registry, $0.decisions) }, uniquingKeysWith: { first, _ in first })
    return outcomes.map { outcome in
      outcome.result.map { PullOutcome($0, decisions[outcome.reference.registry] ?? []) }
    }
  }
}
