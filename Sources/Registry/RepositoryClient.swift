package import OCI
import Synchronization
package import Transfer

/// Speaks with the registry of one repository and with its mirrors.
///
/// Everything wanted goes one road: a `Failover` chooses the endpoint, a `RequestRoute` leads
/// through authorization and redirects, and an answer counts once its content was judged. No
/// credential and no header of ours ever crosses an origin (scheme, host and port).
package final class RepositoryClient: Sendable {
  /// How requests that fail are made again.
  package struct RetryRule: Sendable {
    /// Tries of small requests after the first.
    package var retries = 5
    /// Longest wait before a retry, in seconds; a server that asks for more ends the pull.
    package var maximumWait = 600.0
    /// Times that a server may say nothing for a whole time limit before that is its answer.
    package var stalls = 3
    /// Seconds of silence after which a mirror is left alone.
    package var silenceLimit = 30.0
    /// Whether the next endpoint is asked, too, when a mirror is late.
    package var hedges = true

    /// The defaults.
    package init() {}
  }

  /// The repository that is asked for.
  package let reference: Reference
  let engine: any TransferEngine
  let endpoints: [Endpoint]
  let ledger: EndpointLedger
  let authorizer: Authorizer
  let time: Timekeeper
  /// Told what a person who waits wants to know.
  package let tell: @Sendable (RegistryNotice) -> Void
  let retryRule: RetryRule
  /// Who answered for the tag last.
  private let tagAnswer = Mutex<Endpoint?>(nil)
  /// What the registry sent under another digest's name.
  let misnamed = Mutex(Misnamed())
  let failover: FailoverRunner
  /// Which manifests name which blobs.
  let namings: Namings
  let ownOrigins: Set<RemoteURL.Origin>

  /// The most bytes of a manifest or index.
  package static let documentLimit = 4 << 20
  /// The most bytes of a redirect's or error's body that are of interest.
  static let asideLimit = 64 << 10

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - reference: names the repository.
  ///   - endpoints: who is asked, in order; the last one is the registry itself.
  ///   - engine: performs the requests.
  ///   - credentials: asked once a server wants some.
  ///   - tokenService: the one that the registry named the last time; nil: not known.
  ///   - errand: what somebody else shows, for whom it is asked; nil: nobody.
  ///   - logins: the run's, where others of it ask the same registry with the same credentials; nil: its own.
  ///   - retryRule: how requests that fail are made again.
  ///   - time: clocks and random numbers.
  ///   - tell: told what a person who waits wants to know.
  ///   - withheld: told what is denied, whatever was asked for, and by whichever way.
  package init(
    reference: Reference, endpoints: [Endpoint], engine: any TransferEngine,
    credentials: CredentialChain, tokenService: TokenService? = nil, errand: Errand? = nil,
    logins: SharedLogins? = nil, retryRule: RetryRule = .init(), time: Timekeeper = .init(),
    tell: @escaping @Sendable (RegistryNotice) -> Void = { _ in },
    withheld: @escaping @Sendable (Withheld) -> Void = { _ in }
  ) {
    self.reference = reference
    self.endpoints = endpoints
    self.engine = engine
    self.retryRule = retryRule
    self.time = time
    self.tell = tell
    namings = Namings(time: time)
    ledger = EndpointLedger(silenceLimit: retryRule.silenceLimit)
    failover = FailoverRunner(
      ledger: ledger, time: time, hedges: retryRule.hedges, tell: tell, withheld: withheld)
    let own = Self.ownOrigins(of: reference)
    ownOrigins = own
    let logins = logins ?? SharedLogins()
    authorizer = logins.authorizer(of: reference.registry) {
      var credentials = credentials
      credentials.helpers = logins.helpers
      return Authorizer(
        engine: engine, credentials: credentials, registry: reference.registry,
        expected: tokenService, errand: errand.map { ($0, own) }, time: time, tell: tell)
    }
  }

  /// The token service that the registry named in this run; nil: none.
  package var tokenService: TokenService? {
    get async { await authorizer.tokenService }
  }

  // MARK: Documents

  /// Fetches a manifest or an index: from the first endpoint whose answer is what was asked for.
  ///
  /// - Parameter name: a tag or a digest.
  /// - Throws: `RegistryError`, which names who sent what.
  package func document(_ name: DocumentName) async throws(RegistryError) -> FetchedDocument {
    let isTag = if case .tag = name { true } else { false }
    let asked = endpoints.filter { isTag ? $0.resolvesTags : $0.servesContent }
    return try await retrying { (stalls) async throws(RegistryError) in
      let patience = self.headTimeout(stalls: stalls)
      return try await self.failover.first(
        of: asked, for: name.selector, about: Subject(name), patience: patience
      ) { endpoint, lane in
        do throws(RegistryError) {
          let document = try await self.ask(endpoint, name, patience: patience)
          lane.answered()
          if isTag { self.tagAnswer.withLock { $0 = endpoint } }
          return Attempt(result: .success(document))
        } catch {
          var error = error
          // What an index has just named may not have got everywhere yet, whatever the word for that.
          if case .digest(_, size: .some) = name, error.kind == .notFound || error.status == 400 {
            error.secondLooks = max(2, error.secondLooks)
          }
          return Attempt(result: .failure(error), isFinal: error.isFinal)
        }
      }
    }
  }

  /// One line for each type: servers compare them whole.
  static let acceptedManifests = HTTPFields(
    MediaType.acceptedManifests.map { ("Accept", $0.rawValue) })

  /// Notes that what the tag named leads nowhere: the mirror that answered for it is not asked for it again.
  ///
  /// - Returns: the mirror; nil where the registry itself had answered.
  package func disownTag() -> String? {
    let mirror = tagAnswer.withLock { $0.take() }
    guard let mirror, mirror != endpoints.last else { return nil }
    ledger.disprove(mirror, for: reference.manifestSelector)
    return mirror.origin.authority
  }

  /// One answer from one endpoint.
  ///
  /// - Parameters:
  ///   - endpoint: who is asked.
  ///   - name: what the answer has to be.
  ///   - other: the name that it is asked for by; nil: by that one.
  ///   - fields: of the request.
  ///   - patience: seconds that the head of the answer has.
  func exchange(
    _ endpoint: Endpoint, _ name: DocumentName, by other: DocumentName? = nil, fields: HTTPFields,
    patience: Double
  ) async throws(RegistryError) -> FetchedDocument {
    let repository = endpoint.repository(of: reference)
    let path = "/\(repository)/manifests/\((other ?? name).selector)"
    let what = "manifest \(repository)\(name.mark)\(name.selector)"
    var route = try RequestRoute(
      .endpoint(endpoint, path: path, remembered: nil), what: what, client: self)
    let (response, roundTrip) = try await take(
      along: &route, fields: fields, limit: Self.documentLimit, patience: patience,
      mayEndInSilence: true)
    let judge = DocumentJudge(name: name, url: route.url, what: what)
    var document: FetchedDocument
    do throws(RegistryError) {
      document = try await LargeDocuments.read(response.documentLength(limit: Self.documentLimit)) {
        Result { () throws(RegistryError) in try judge.judge(response) }
      }.get()
    } catch {
      // What is missing of it may have been on its way.
      guard let stall = response.stall else { throw error }
      throw .transfer(stall, from: route.url.origin, fetching: what)
    }
    namings.noteGiven(document.digest, by: endpoint)
    document.roundTripSeconds = roundTrip
    try accept(document, of: endpoint)
    return document
  }

  /// Takes something small along a route, as it came; a web page in its place may be a login's.
  ///
  /// - Parameters:
  ///   - route: from the endpoint on.
  ///   - fields: what every request on the way carries.
  ///   - limit: the most bytes that it may have.
  ///   - patience: seconds that it has for its head.
  ///   - mayEndInSilence: whether its content tells if it is whole.
  /// - Returns: the answer, and the round trip of the last connection that was made on the way.
  func take(
    along route: inout RequestRoute, fields: HTTPFields, limit: Int, patience: Double,
    mayEndInSilence: Bool = false
  ) async throws(RegistryError) -> (TransferResponse, roundTripSeconds: Double?) {
    // The connection was made for a 401 as a rule, and the document comes over the same one.
    var roundTrip: Double?
    let engine = engine
    let response: TransferResponse = try await route.run(fields: fields) {
      (request, _) async throws(TransferError) in
      var request = request
      request.headTimeout = patience
      request.mayEndInSilence = mayEndInSilence
      let response = try await engine.perform(request) { head, _ in
        head.isWhole ? .memory(limit: limit) : .beginning(limit: Self.asideLimit)
      }
      roundTrip = response.timing.roundTripSeconds ?? roundTrip
      guard response.head.isWhole else { return .aside(response) }
      return PageRule.isPage(response)
        ? .page(response, else: .content(response)) : .content(response)
    }
    return (response, roundTrip)
  }

  // MARK: Authorization

  /// The registry itself, with TLS and without, whoever is asked in its place.
  private static func ownOrigins(of reference: Reference) -> Set<RemoteURL.Origin> {
    guard let own = try? Endpoint(of: reference, plainHTTP: false) else { return [] }
    return [own.origin, own.plainOrigin]
  }

  func scope(_ endpoint: Endpoint) -> Authorizer.Scope {
    Authorizer.Scope(
      origin: ledger.origin(of: endpoint),
      registry: endpoint.registry(of: reference),
      repository: endpoint.repository(of: reference))
  }
}
