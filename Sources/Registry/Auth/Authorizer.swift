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
    /// True for a place that a registry redirected to: it gets no credentials, whatever it asks for.
    var isAnonymous = false
  }

  private enum Entry {
    case fixed(String)
    /// A token, and when it came.
    case bearer(TokenForm, Token, at: Double)

    var header: String {
      switch self {
      case .fixed(let header): header
      case .bearer(_, let token, _): "Bearer " + token.value
      }
    }
  }

  private struct Fetch: Hashable {
    var scope: Scope
    var form: TokenForm
  }

  private let engine: any TransferEngine
  private let tokens: TokenClient
  private let credentials: CredentialChain
  private let time: Timekeeper
  private var entries: [Scope: Entry] = [:]
  private var fetches: [Fetch: Task<Result<String, RegistryError>, Never>] = [:]
  private var credentialSearches: [Scope: Task<Credential?, Never>] = [:]
  private let registry: String
  /// The token service that the registry named in this run; nil: none.
  private(set) var tokenService: TokenService?
  /// The one that it named before, until it was asked ahead.
  private var expected: TokenService?
  private var askedAhead: [Fetch: Task<Token?, Never>] = [:]
  /// Where it was asked already what the API itself wants to see.
  private var pinged: Set<Scope> = []

  /// Seconds after which a refused token is taken for one that has expired.
  private static let freshSeconds = 1.0

  /// - Parameters:
  ///   - engine: performs the requests.
  ///   - credentials: asked once a server wants some.
  ///   - registry: the registry that is pulled from, mirrors or not.
  ///   - expected: the token service that it named the last time.
  ///   - time: clocks.
  init(
    engine: any TransferEngine, credentials: CredentialChain, registry: String,
    expected: TokenService?, time: Timekeeper
  ) {
    self.engine = engine
    self.time = time
    tokens = TokenClient(engine: engine, time: time)
    self.credentials = credentials
    self.registry = registry
    self.expected = expected
  }

  /// The header to send, as far as one is known; refreshed when it is about to expire.
  func header(for scope: Scope) async throws(RegistryError) -> String? {
    switch entries[scope] {
    case nil:
      askAhead(scope)
      return nil
    case .fixed(let header): return header
    case .bearer(let form, let token, _):
      if time.seconds() < token.refreshAt { return "Bearer " + token.value }
      return try await fetch(Fetch(scope: scope, form: form))
    }
  }

  /// A new header after a denial.
  ///
  /// - Parameters:
  ///   - head: the 401, or a 403 or 404 of a server that does not say that it wants to see something.
  ///   - rejected: the header that was sent.
  ///   - scope: what for.
  /// - Throws: `RegistryError`; nil is returned where nothing can be done.
  func answer(_ head: ResponseHead, rejected: String?, for scope: Scope)
    async throws(RegistryError) -> String?
  {
    // Who was shown something and says no to the thing itself means it.
    guard head.status == 401 || rejected == nil else { return nil }
    var challenges = Self.challenges(head)
    // What is named after a refused token may be a dead end.
    if head.status == 401, rejected == nil, scope.registry == registry {
      tokenService = challenges.first { $0.scheme == "bearer" }
        .flatMap { TokenService($0, repository: scope.repository) }
    }
    let credential = await credential(scope)
    // Another request got a new one in the meantime.
    if let current = entries[scope]?.header, current != rejected { return current }
    if challenges.isEmpty, rejected == nil {
      guard credential != nil else { return nil }
      challenges = await challengesOfAPI(scope)
      if challenges.isEmpty { challenges = [Challenge(scheme: "basic", parameters: [:])] }
    }
    if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
      if case .registryToken(let token)? = credential {
        return rejected == nil ? keep("Bearer " + token, for: scope) : nil
      }
      return try await fetch(Fetch(scope: scope, form: try TokenForm(bearer, scope: scope)))
    }
    // A registry whose token has expired may ask for Basic alone, though it gave tokens before.
    if case .bearer(let form, _, let at)? = entries[scope],
      time.seconds() - at > Self.freshSeconds
    {
      return try await fetch(Fetch(scope: scope, form: form))
    }
    guard challenges.contains(where: { $0.scheme == "basic" }),
      let header = credential?.basicHeader, header != rejected
    else { return nil }
    return keep(header, for: scope)
  }

  private func keep(_ header: String, for scope: Scope) -> String {
    entries[scope] = .fixed(header)
    return header
  }

  private static func challenges(_ head: ResponseHead) -> [Challenge] {
    head.fields.values("www-authenticate").flatMap { Challenge.parse($0) }
  }

  /// What the API's root wants to see: some registries say it nowhere else.
  private func challengesOfAPI(_ scope: Scope) async -> [Challenge] {
    guard pinged.insert(scope).inserted,
      let url = try? RemoteURL(origin: scope.origin, target: "/v2/"),
      let response = try? await engine.perform(
        TransferRequest(.get, url, sharesConnection: true),
        decide: { _, _ in .beginning(limit: RepositoryClient.asideLimit) })
    else { return [] }
    // Its scope is of some other repository, or a placeholder.
    return Self.challenges(response.head).map {
      var challenge = $0
      challenge.parameters["scope"] = nil
      return challenge
    }
  }

  private func credential(_ scope: Scope) async -> Credential? {
    guard !scope.isAnonymous else { return nil }
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
      return try? await tokens.token(form, nil, for: scope)
    }
  }

  /// The same is fetched once at a time; everybody else waits for its result.
  private func fetch(_ fetch: Fetch) async throws(RegistryError) -> String {
    let task = fetches[fetch] ?? Task { await self.fetchToken(fetch) }
    fetches[fetch] = task
    return try await task.value.get()
  }

  /// A token by the credential for it; a stored one that the service refuses does not stand before a public image.
  private func newToken(_ fetch: Fetch) async throws(RegistryError) -> Token {
    let credential = await credential(fetch.scope)
    do throws(RegistryError) {
      return try await tokens.token(fetch.form, credential, for: fetch.scope)
    } catch {
      guard error.kind == .unauthorised, credential != nil,
        !credentials.isExplicit(registry: fetch.scope.registry)
      else { throw error }
      credentials.warn(
        "the stored login for \(fetch.scope.registry) was refused: \(error.message); "
          + "going on without it")
      credentialSearches[fetch.scope] = Task { nil }
      do throws(RegistryError) {
        return try await tokens.token(fetch.form, nil, for: fetch.scope)
      } catch _ {
        throw error
      }
    }
  }

  private func fetchToken(_ fetch: Fetch) async -> Result<String, RegistryError> {
    defer { fetches[fetch] = nil }
    do throws(RegistryError) {
      let token: Token
      if let ahead = await askedAhead.removeValue(forKey: fetch)?.value,
        time.seconds() < ahead.refreshAt
      {
        token = ahead
      } else {
        token = try await newToken(fetch)
      }
      entries[fetch.scope] = .bearer(fetch.form, token, at: time.seconds())
      return .success("Bearer " + token.value)
    } catch {
      return .failure(error)
    }
  }
}
