import FoundationEssentials
import Transfer

/// The way of one request: from an endpoint through 401s and redirects to the server that answers.
///
/// ```
/// at endpoint -> at endpoint        a 401 was answered by a new token (twice at most)
/// at endpoint -> elsewhere          a redirect; to another origin without credentials, also where it leads back
/// elsewhere   -> elsewhere          another redirect, eight hops at most
/// elsewhere   -> at endpoint        the remembered place has expired (once)
/// ```
struct Walk {
  private(set) var url: RemoteURL
  private let endpoint: Endpoint
  private let path: String
  /// What is asked for, for errors.
  private let what: String
  private let client: RepositoryClient
  private var authorization: String?
  private var challenges = 0
  private var hops = 0
  private var mayReturn: Bool
  /// Whether a server sent us elsewhere: a path of its choice gets no credentials, wherever it leads.
  private var isSent: Bool

  /// Starts at an endpoint, or at a place where a redirect led before.
  init(
    endpoint: Endpoint, path: String, what: String, client: RepositoryClient,
    remembered: RemoteURL? = nil
  ) throws(RegistryError) {
    self.endpoint = endpoint
    self.path = path
    self.what = what
    self.client = client
    mayReturn = remembered != nil
    isSent = remembered.map { $0.origin != client.memory.origin(of: endpoint) } ?? false
    if let remembered {
      url = remembered
    } else {
      url = try Self.start(endpoint, path, what, client)
    }
  }

  private static func start(
    _ endpoint: Endpoint, _ path: String, _ what: String, _ client: RepositoryClient
  )
    throws(RegistryError) -> RemoteURL
  {
    let origin = client.memory.origin(of: endpoint)
    do throws(TransferError) {
      return try endpoint.url(path, over: origin)
    } catch {
      throw .transfer(error, from: origin, fetching: what)
    }
  }

  /// True once a redirect led away from the endpoint.
  var isElsewhere: Bool { hops > 0 || mayReturn }

  /// What to remember of the way.
  ///
  /// Who was sent away and back asks the endpoint again: where the way back leads is not the endpoint's own word.
  var place: BlobLocator.Answer {
    let isBack = isSent && url.origin == client.memory.origin(of: endpoint)
    return isElsewhere && !isBack ? .elsewhere(url) : .here
  }

  private var isAtEndpoint: Bool { !isSent && url.origin == client.memory.origin(of: endpoint) }

  /// What the request here carried and no message may quote.
  private var secrets: Secrets { Secrets(authorization: authorization, url: url) }

  /// The fields to send here: those given, and credentials only at the endpoint itself.
  mutating func fields(adding given: HTTPFields) async throws(RegistryError) -> HTTPFields {
    var fields = given
    authorization = nil
    guard isAtEndpoint else { return fields }
    if let header = try await client.header(for: endpoint) {
      authorization = header
      fields.append("Authorization", header)
    }
    for field in endpoint.fields.all
    where field.name.lowercased() != "authorization" || authorization == nil {
      fields.append(field.name, field.value)
    }
    return fields
  }

  /// The request for what is here.
  func request(
    fields: HTTPFields, range: Range<Int64>? = nil, sharesConnection: Bool = true
  ) -> TransferRequest {
    var request = TransferRequest(
      .get, url, fields: fields, range: range, sharesConnection: sharesConnection)
    request.mayReachLinkLocal = !isSent
    if isAtEndpoint { request.access = endpoint.access }
    return request
  }

  /// Decides where to ask next after a response that is not the content.
  ///
  /// - Throws: the response's error where there is nowhere to go.
  mutating func follow(_ response: TransferResponse) async throws(RegistryError) {
    let status = response.head.status
    if RedirectRule.isRedirect(status) {
      hops += 1
      guard hops <= RedirectRule.limit else {
        throw RegistryError(
          .protocolError(transient: false),
          "\(endpoint.origin.authority) redirects in a circle for \(what)")
      }
      let target = try RedirectRule.target(response.head, of: url)
      // Within its own origin a registry may have its blobs wherever it likes.
      isSent = isSent || target.origin != url.origin
      url = target
      return
    }
    // Signed places expire with 400, 401, 403, 404 or 410, as the host likes.
    if mayReturn, (400..<500).contains(status), ![408, 416, 425, 429].contains(status) {
      try restart()
      return
    }
    if status == 401, isAtEndpoint, challenges < 2 {
      challenges += 1
      if try await client.answer(response.head, rejected: authorization, for: endpoint) != nil {
        return
      }
    }
    if status == 401, challenges > 0, isAtEndpoint {
      throw ResponseJudge.refusedInSpiteOfToken(
        response, what: what, origin: url.origin, hiding: secrets)
    }
    throw ResponseJudge.error(
      response, what: what, origin: url.origin, hiding: secrets,
      now: Date().timeIntervalSince1970)
  }

  /// Decides whether a failed transfer can be tried another way at once.
  ///
  /// - Throws: the error of the transfer where it cannot.
  mutating func recover(from error: TransferError) throws(RegistryError) {
    // Compared with the endpoint as configured: another request may have found it out meanwhile.
    if error.kind == .notTLS, url.origin == endpoint.origin, client.memory.notePlain(endpoint) {
      client.notify("\(endpoint.origin.authority) is on this machine and speaks plain HTTP")
      url = try Self.start(endpoint, path, what, client)
      return
    }
    throw .transfer(error, from: url.origin, fetching: what)
  }

  private mutating func restart() throws(RegistryError) {
    mayReturn = false
    isSent = false
    hops = 0
    url = try Self.start(endpoint, path, what, client)
  }
}
