import FoundationEssentials
import OCI
import Transfer

/// Gets and keeps what registries want in `Authorization`, for one origin and repository each.
///
/// Life of an entry: nothing is known -> a 401 brings a challenge -> a token (or Basic) is used until
/// shortly before it expires, or until another 401 -> a new one. Concurrent requests that need the
/// same token wait for one fetch.
///
/// Where it is known which token service the registry named the last time, a token is asked for there while the
/// registry is still being asked without one: its 401 finds the token there or on its way. The registry has the last
/// word: a token that was asked for ahead is used only once a challenge names the place that it came from.
actor Authorizer {
  /// What an authorization is good for.
  struct Scope: Hashable, Sendable {
    var origin: RemoteURL.Origin
    var registry: String
    var repository: String
  }

  private enum Entry {
    case fixed(String)
    case bearer(TokenForm, Token)

    var header: String {
      switch self {
      case .fixed(let header): header
      case .bearer(_, let token): "Bearer " + token.value
      }
    }
  }

  private struct Fetch: Hashable {
    var scope: Scope
    var form: TokenForm
  }

  private let engine: any TransferEngine
  private let credentials: CredentialChain
  private let clock: @Sendable () -> Double
  private var entries: [Scope: Entry] = [:]
  private var fetches: [Fetch: Task<Result<String, RegistryError>, Never>] = [:]
  private var credentialSearches: [Scope: Task<Credential?, Never>] = [:]
  private let registry: String
  /// The token service that the registry named in this run; nil: none.
  private(set) var tokenService: TokenService?
  /// The one that it named before, until it was asked ahead.
  private var expected: TokenService?
  private var askedAhead: [Fetch: Task<Token?, Never>] = [:]

  /// The most bytes of a token server's answer.
  static let bodyLimit = 1 << 20

  /// - Parameters:
  ///   - engine: performs the requests.
  ///   - credentials: asked once a server wants some.
  ///   - registry: the registry that is pulled from, mirrors or not.
  ///   - expected: the token service that it named the last time.
  ///   - clock: seconds on a clock that never goes back.
  init(
    engine: any TransferEngine, credentials: CredentialChain, registry: String,
    expected: TokenService?, clock: @escaping @Sendable () -> Double
  ) {
    self.engine = engine
    self.credentials = credentials
    self.registry = registry
    self.expected = expected
    self.clock = clock
  }

  /// The header to send, as far as one is known; refreshed when it is about to expire.
  func header(for scope: Scope) async throws(RegistryError) -> String? {
    switch entries[scope] {
    case nil:
      askAhead(scope)
      return nil
    case .fixed(let header): return header
    case .bearer(let form, let token):
      if clock() < token.refreshAt { return "Bearer " + token.value }
      return try await fetch(Fetch(scope: scope, form: form))
    }
  }

  /// A new header after a 401.
  ///
  /// - Parameters:
  ///   - head: the 401 response.
  ///   - rejected: the header that was sent.
  ///   - scope: what for.
  /// - Throws: `RegistryError`; nil is returned where nothing can be done.
  func answer(_ head: ResponseHead, rejected: String?, for scope: Scope)
    async throws(RegistryError) -> String?
  {
    let challenges = head.fields.values("www-authenticate").flatMap { Challenge.parse($0) }
    let bearer = challenges.first { $0.scheme == "bearer" }
    // What is named after a refused token may be a dead end.
    if rejected == nil, scope.registry == registry {
      tokenService = bearer.flatMap { TokenService($0, repository: scope.repository) }
    }
    let credential = await credential(scope)
    // Another request got a new one in the meantime.
    if let current = entries[scope]?.header, current != rejected { return current }
    if let bearer {
      if case .registryToken(let token)? = credential {
        guard rejected == nil else { return nil }
        entries[scope] = .fixed("Bearer " + token)
        return "Bearer " + token
      }
      return try await fetch(Fetch(scope: scope, form: try TokenForm(bearer, scope: scope)))
    }
    if challenges.contains(where: { $0.scheme == "basic" }), rejected == nil,
      let header = credential?.basicHeader
    {
      entries[scope] = .fixed(header)
      return header
    }
    return nil
  }

  private func credential(_ scope: Scope) async -> Credential? {
    let search =
      credentialSearches[scope]
      ?? Task { [credentials] in
        await credentials.credential(registry: scope.registry, repository: scope.repository)
      }
    credentialSearches[scope] = search
    let found = await withTaskCancellationHandler {
      await search.value
    } onCancel: {
      // A helper may hang, and nobody waits for it any more.
      search.cancel()
    }
    if Task.isCancelled { credentialSearches[scope] = nil }
    return found
  }

  // MARK: Tokens

  /// Asks the expected token service, without waiting for it, and without credentials: it is only remembered.
  private func askAhead(_ scope: Scope) {
    guard scope.registry == registry, let service = expected else { return }
    expected = nil
    guard let form = try? TokenForm(service, scope: scope) else { return }
    let fetch = Fetch(scope: scope, form: form)
    askedAhead[fetch] = Task {
      guard await credential(scope) == nil else { return nil }
      return try? await requestToken(fetch, nil)
    }
  }

  /// The same is fetched once at a time; everybody else waits for its result.
  private func fetch(_ fetch: Fetch) async throws(RegistryError) -> String {
    let task = fetches[fetch] ?? Task { await self.fetchToken(fetch) }
    fetches[fetch] = task
    return try await task.value.get()
  }

  private func fetchToken(_ fetch: Fetch) async -> Result<String, RegistryError> {
    defer { fetches[fetch] = nil }
    do throws(RegistryError) {
      let token: Token
      if let ahead = await askedAhead.removeValue(forKey: fetch)?.value, clock() < ahead.refreshAt {
        token = ahead
      } else {
        token = try await requestToken(fetch, await credential(fetch.scope))
      }
      entries[fetch.scope] = .bearer(fetch.form, token)
      return .success("Bearer " + token.value)
    } catch {
      return .failure(error)
    }
  }

  private func requestToken(_ fetch: Fetch, _ credential: Credential?)
    async throws(RegistryError) -> Token
  {
    let form = fetch.form
    var response: TransferResponse?
    if case .identityToken(let refresh)? = credential {
      let answer = try await perform(
        form.oauthRequest(refreshToken: refresh), of: fetch.scope.origin)
      // Servers without the OAuth2 endpoint take the plain request.
      if ![404, 405].contains(answer.head.status) { response = answer }
    }
    let answer: TransferResponse
    if let response {
      answer = response
    } else {
      answer = try await perform(form.getRequest(credential), of: fetch.scope.origin)
    }
    guard answer.head.status == 200 else {
      let error = ResponseJudge.error(
        answer, what: "a token for \(fetch.scope.repository)", origin: form.realm.origin,
        hiding: Secrets(credential), now: Date().timeIntervalSince1970)
      guard answer.head.status == 400, credential != nil else { throw error }
      throw RegistryError(.unauthorised, error.message, hint: error.hint)
    }
    guard let token = Token(answer.body, now: clock()) else {
      throw RegistryError(
        .protocolError(transient: false), "\(form.realm.origin.authority) sent no usable token")
    }
    return token
  }

  private func perform(_ request: TransferRequest, of registry: RemoteURL.Origin)
    async throws(RegistryError) -> TransferResponse
  {
    do {
      var request = request
      // The user named the registry; what else it names is its own word.
      request.mayReachLinkLocal = request.url.origin == registry
      return try await engine.perform(request, limit: Self.bodyLimit)
    } catch {
      let plain = RegistryError.transfer(error, from: request.url.origin)
      throw RegistryError(plain.kind, "token server \(plain.message)", hint: plain.hint)
    }
  }
}
