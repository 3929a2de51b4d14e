import FoundationEssentials
import Transfer

/// The route of one request: from where it starts, through 401s and redirects, to the server that answers.
///
/// | from | to | when |
/// |---|---|---|
/// | at endpoint | at endpoint | a denial was answered by a token or a password (each way of its challenges twice at most) |
/// | elsewhere | at endpoint | a redirect ended at a login's page, and there are credentials to show |
/// | at endpoint | elsewhere | a redirect; to another origin without credentials, also where it leads back |
/// | elsewhere | elsewhere | another redirect, ten hops at most, or an anonymous token of that place |
/// | elsewhere | at endpoint | the remembered place has expired, or sends what cannot be used (once) |
struct RequestRoute {
  /// Where a route begins.
  enum Start {
    /// A path below an endpoint's prefix; `remembered` is where a redirect led before.
    case endpoint(Endpoint, path: String, remembered: RemoteURL?)
    /// A URL that a manifest names; whatever is there gets nobody's credentials (CVE-2020-15157).
    case foreign(RemoteURL)
  }

  var url: RemoteURL
  let start: Start
  /// What is asked for, for errors.
  let what: String
  let client: RepositoryClient
  /// Of every request on the way.
  var method = TransferRequest.Method.get
  var authorization: String?
  /// What was shown to the endpoint on this route last.
  var shown: String?
  /// How often each way of being let in was gone.
  var tried: [Way: Int] = [:]
  /// New headers in all, by whatever way.
  var passes = 0
  private var hops = 0
  private var visited: Set<RemoteURL> = []
  var mayReturn = false
  /// Whether a server sent us elsewhere: a path of its choice gets no credentials, wherever it leads.
  private(set) var isSent: Bool
  /// What is shown to the endpoint in place of a login that it refused.
  var nobody: Nobody?
  /// The place elsewhere that a token of its own was got for on this route, which anybody gets.
  var anonymous: Authorizer.Scope?
  /// What the registry itself said with its first 401.
  var challenges: [String] = []
  /// What TLS came to, while plain HTTP is a guess.
  var failureByTLS: RegistryError?

  init(_ start: Start, what: String, client: RepositoryClient) throws(RegistryError) {
    self.start = start
    self.what = what
    self.client = client
    switch start {
    case .foreign(let place):
      url = place
      isSent = true
    case .endpoint(let endpoint, _, let remembered?):
      url = remembered
      mayReturn = true
      isSent = remembered.origin != client.ledger.origin(of: endpoint)
    case .endpoint(let endpoint, let path, nil):
      url = try Self.url(endpoint, path, what, client)
      isSent = false
    }
  }

  static func url(
    _ endpoint: Endpoint, _ path: String, _ what: String, _ client: RepositoryClient
  ) throws(RegistryError) -> RemoteURL {
    let origin = client.ledger.origin(of: endpoint)
    do throws(TransferError) {
      return try endpoint.url(path, over: origin)
    } catch {
      throw .transfer(error, from: origin, fetching: what)
    }
  }

  // MARK: Going

  /// Goes on until a server answers with content.
  ///
  /// - Parameters:
  ///   - fields: what every request on the way carries.
  ///   - leaves: told where an answer was no content, before the next place is asked.
  ///   - exchange: performs one request.
  /// - Throws: the error of the server at which the route ends.
  mutating func run<Answer: Sendable>(
    fields: HTTPFields,
    leaves: (RemoteURL) async -> Void = { _ in },
    exchange: (TransferRequest, RequestRoute) async throws(TransferError) -> Outcome<Answer>
  ) async throws(RegistryError) -> Answer {
    while true {
      Whereabouts.current?.leave()
      let request = try await request(adding: fields)
      let outcome: Outcome<Answer>
      Whereabouts.current?.move(
        to: url.origin.authority, through: client.engine.proxy(of: request))
      do throws(TransferError) {
        outcome = try await exchange(request, self)
      } catch {
        if !error.isOurs { await leaves(url) }
        try recover(from: error)
        continue
      }
      if try learnScheme(from: outcome) { continue }
      let plain: Outcome<Answer>.Plain
      var isPage = false
      switch outcome {
      case .plain(let usual): plain = usual
      case .aside(let response):
        await leaves(url)
        try await follow(response)
        continue
      case .page(let response, let otherwise):
        if try await logIn(response) { continue }
        // It is no content that anybody may have.
        if nobody != nil { throw await asNobody(denied(response)) }
        (plain, isPage) = (otherwise, true)
      }
      switch plain {
      case .content(let answer):
        await noteLetIn()
        return answer
      case .refused(let kind, let reason):
        await leaves(url)
        // Where a place is remembered from before, the registry may know a better one by now.
        guard mayReturn else {
          throw RegistryError(
            kind, "\(url.origin.authority), \(what): \(reason)",
            hint: isPage ? PageRule.hint : RegistryError.hint(ofContent: kind))
        }
        try restart()
      }
    }
  }

  /// True once a redirect led away from the endpoint.
  var isElsewhere: Bool { hops > 0 || mayReturn }

  /// What to remember of the way.
  ///
  /// A chain that left the registry and came back is not remembered: its last URL was chosen by a
  /// third party.
  var place: BlobLocator.Answer {
    guard case .endpoint(let endpoint, _, _) = start else { return .unknown }
    let isBack = isSent && url.origin == client.ledger.origin(of: endpoint)
    return isElsewhere && !isBack ? .elsewhere(url) : .here
  }

  /// The endpoint, while it is the one that is asked.
  var endpointHere: Endpoint? {
    guard case .endpoint(let endpoint, _, _) = start, !isSent,
      url.origin == client.ledger.origin(of: endpoint)
    else { return nil }
    return endpoint
  }

  /// What the request here carried and no message may quote.
  var secrets: Secrets { Secrets(authorization: authorization, url: url) }

  /// The request for what is here: the fields given, and the endpoint's own and credentials only at itself.
  private mutating func request(adding given: HTTPFields) async throws(RegistryError)
    -> TransferRequest
  {
    var fields = given
    authorization = nil
    let endpoint = endpointHere
    if let endpoint {
      if let nobody {
        authorization = nobody.token.header
      } else {
        authorization = try await client.authorizer.header(for: client.scope(endpoint))
      }
      shown = authorization
    } else if let elsewhere {
      do throws(RegistryError) {
        authorization = try await client.authorizer.knownHeader(for: elsewhere)
      } catch {
        // Where a place is remembered from before, its denial leads back to the registry.
        guard mayReturn else { throw error }
      }
    }
    if let authorization { fields.append("Authorization", authorization) }
    for field in endpoint?.fields.all ?? []
    where authorization == nil || field.name.lowercased() != "authorization" {
      fields.append(field.name, field.value)
    }
    var request = TransferRequest(method, url, fields: fields, sharesConnection: true)
    request.addresses = isSent ? .notLinkLocal : .anywhere
    if let endpoint { request.access = patience(endpoint) }
    return request
  }

  // MARK: Turns

  /// Decides where to ask next after a response that is not the content.
  ///
  /// - Throws: the response's error where there is nowhere to go.
  private mutating func follow(_ response: TransferResponse) async throws(RegistryError) {
    let status = response.head.status
    if RedirectRule.isRedirect(status) {
      hops += 1
      // Nothing is remembered from one request to the next that could end differently there.
      let isNew = visited.insert(url).inserted
      guard hops <= RedirectRule.limit, isNew else {
        let how =
          isNew ? "redirects more than \(RedirectRule.limit) times" : "redirects in a circle"
        var error = RegistryError(
          .protocolError(transient: false), "\(url.origin.authority) \(how) for \(what)")
        // Who sends us to the very same place may not have it ready yet.
        if (try? RedirectRule.target(response.head, of: url)) == url { error.secondLooks = 2 }
        throw error
      }
      let target = try RedirectRule.target(response.head, of: url)
      // Within its own origin a registry may have its blobs wherever it likes.
      let isUpgrade =
        endpointHere.map { client.ledger.noteUpgrade($0, to: target.origin) } ?? false
      isSent = isSent || (target.origin != url.origin && !isUpgrade)
      url = target
      return
    }
    // Signed places expire with 400, 401, 403, 404 or 410, as the host likes.
    if mayReturn, (400..<500).contains(status), ![408, 416, 425, 429].contains(status) {
      try restart()
      return
    }
    try await answer(denial: response)
  }

  mutating func restart() throws(RegistryError) {
    guard case .endpoint(let endpoint, let path, _) = start else { return }
    mayReturn = false
    isSent = false
    hops = 0
    visited = []
    url = try Self.url(endpoint, path, what, client)
  }
}
