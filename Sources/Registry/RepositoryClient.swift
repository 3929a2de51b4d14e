public import FoundationEssentials
public import OCI
public import Transfer

/// Speaks with the registry of one repository: authorization, redirects, mirrors, retries.
///
/// No credential and no header of ours ever crosses an origin (scheme, host and port).
public final class RepositoryClient: Sendable {
  /// A manifest or index as it was served.
  public struct FetchedDocument: Sendable {
    /// The bytes; their digest is not checked yet.
    public var data: Data
    /// The `Content-Type`.
    public var contentType: MediaType?
    /// The `Docker-Content-Digest`, where the server sent one that is a digest.
    public var announcedDigest: Digest?
    /// Seconds of a round trip to the server, where a connection was opened for it.
    public var roundTripSeconds: Double?
  }

  /// How small requests are retried.
  public struct RetryRule: Sendable {
    /// Tries after the first.
    public var retries = 5
    /// Longest wait before a retry, in seconds; a server that asks for more ends the pull.
    public var maximumWait = 600.0
    /// Waits; replaced in tests.
    public var sleep: @Sendable (Double) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }

    /// The defaults.
    public init() {}
  }

  /// The repository that is asked for.
  public let reference: Reference
  let engine: any TransferEngine
  let endpoints: [Endpoint]
  let memory = EndpointMemory()
  private let authorizer: Authorizer
  private let retryRule: RetryRule
  let notify: @Sendable (String) -> Void

  /// The most bytes of a manifest or index.
  public static let documentLimit = 4 << 20
  /// The most bytes of a redirect's or error's body.
  static let asideLimit = 1 << 20

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - reference: names the repository.
  ///   - endpoints: who is asked, in order; at least the registry itself.
  ///   - engine: performs the requests.
  ///   - credentials: asked once a server wants some.
  ///   - tokenService: the one that the registry named the last time; nil: not known.
  ///   - retryRule: for small requests.
  ///   - notify: told what happens, for a log.
  ///   - clock: seconds on a clock that never goes back.
  public init(
    reference: Reference, endpoints: [Endpoint], engine: any TransferEngine,
    credentials: CredentialChain, tokenService: TokenService? = nil,
    retryRule: RetryRule = .init(),
    notify: @escaping @Sendable (String) -> Void = { _ in },
    clock: @escaping @Sendable () -> Double = RepositoryClient.monotonicSeconds
  ) {
    self.reference = reference
    self.endpoints = endpoints
    self.engine = engine
    self.retryRule = retryRule
    self.notify = notify
    authorizer = Authorizer(
      engine: engine, credentials: credentials, registry: reference.registry,
      expected: tokenService, clock: clock)
  }

  /// The token service that the registry named in this run; nil: none.
  public var tokenService: TokenService? {
    get async { await authorizer.tokenService }
  }

  /// Seconds on the system's monotonic clock.
  @Sendable public static func monotonicSeconds() -> Double {
    let elapsed = ContinuousClock.now - clockStart
    return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
  }

  private static let clockStart = ContinuousClock.now

  // MARK: Documents

  /// Fetches a manifest or an index.
  ///
  /// - Parameter selector: a tag or a digest.
  /// - Throws: `RegistryError`.
  public func document(_ selector: String) async throws(RegistryError) -> FetchedDocument {
    let isTag = !selector.contains(":")
    let accept = MediaType.acceptedManifests.map(\.rawValue).joined(separator: ", ")
    let response = try await get(
      "/\(reference.repository)/manifests/\(selector)", accept: accept,
      limit: Self.documentLimit,
      what: "manifest \(reference.repository)\(isTag ? ":" : "@")\(selector)", isTag: isTag)
    return FetchedDocument(
      data: Data(response.body),
      contentType: response.head.fields["content-type"].map { MediaType(rawValue: $0) },
      announcedDigest: response.head.fields["docker-content-digest"].flatMap { try? Digest($0) },
      roundTripSeconds: response.timing.roundTripSeconds)
  }

  /// Asks the endpoints in turn, each with retries, until one answers.
  private func get(_ path: String, accept: String, limit: Int, what: String, isTag: Bool)
    async throws(RegistryError) -> TransferResponse
  {
    var last: RegistryError?
    let candidates = memory.alive(endpoints.filter { isTag ? $0.resolvesTags : $0.servesContent })
    for (index, endpoint) in candidates.enumerated() {
      let isMirror = index < candidates.count - 1
      do throws(RegistryError) {
        return try await retrying(isMirror: isMirror) { () async throws(RegistryError) in
          try await self.exchange(
            endpoint, path, fields: HTTPFields([("Accept", accept)]), limit: limit, what: what)
        }
      } catch {
        if case .transfer(let cause) = error.kind, cause.kind == .cancelled { throw error }
        if isMirror {
          if error.isDeadServer { memory.noteDead(endpoint) }
          notify("mirror \(endpoint.origin): \(error); trying the next")
        }
        last = error
      }
    }
    throw last ?? RegistryError(.notFound, "no server is known for \(reference.registry)")
  }

  private func retrying(
    isMirror: Bool,
    _ body: () async throws(RegistryError) -> TransferResponse
  ) async throws(RegistryError) -> TransferResponse {
    var attempt = 0
    while true {
      let failure: RegistryError
      do throws(RegistryError) {
        return try await body()
      } catch {
        failure = error
      }
      var wait = min(15, 0.5 * Double(1 << min(attempt, 8))) * Double.random(in: 0.5...1)
      if case .overloaded(let asked?) = failure.kind { wait = max(wait, asked) }
      guard failure.isTransient, attempt < (isMirror ? 0 : retryRule.retries),
        wait <= retryRule.maximumWait
      else { throw failure }
      attempt += 1
      notify("\(failure); retry \(attempt) in \((wait * 10).rounded() / 10) s")
      do {
        try await retryRule.sleep(wait)
      } catch {
        throw RegistryError(.transfer(TransferError(.cancelled, "cancelled")), "cancelled")
      }
    }
  }

  /// One answer from one endpoint, through authorization and redirects.
  private func exchange(
    _ endpoint: Endpoint, _ path: String, fields: HTTPFields, limit: Int, what: String
  ) async throws(RegistryError) -> TransferResponse {
    var walk = try Walk(endpoint: endpoint, path: path, what: what, client: self)
    // The connection was made for a 401 as a rule, and the document comes over the same one.
    var roundTrip: Double?
    while true {
      let request = walk.request(fields: try await walk.fields(adding: fields))
      var response: TransferResponse
      do throws(TransferError) {
        response = try await engine.perform(request, limit: limit)
      } catch {
        try walk.recover(from: error)
        continue
      }
      roundTrip = response.timing.roundTripSeconds ?? roundTrip
      response.timing.roundTripSeconds = roundTrip
      if response.head.status == 200 { return response }
      try await walk.follow(response)
    }
  }

  // MARK: Authorization

  func header(for endpoint: Endpoint) async throws(RegistryError) -> String? {
    try await authorizer.header(for: scope(endpoint))
  }

  func answer(_ head: ResponseHead, rejected: String?, for endpoint: Endpoint)
    async throws(RegistryError) -> String?
  {
    try await authorizer.answer(head, rejected: rejected, for: scope(endpoint))
  }

  private func scope(_ endpoint: Endpoint) -> Authorizer.Scope {
    Authorizer.Scope(
      origin: memory.origin(of: endpoint),
      registry: endpoint.namespace == nil ? reference.registry : endpoint.origin.authority,
      repository: reference.repository)
  }
}
