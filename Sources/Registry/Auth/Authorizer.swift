import FoundationEssentials
import OCI
import Transfer

/// Gets and keeps what registries want in `Authorization`, for one origin and repository each.
///
/// Life of an entry: nothing is known -> a 401 brings a challenge -> a token (or Basic) is used until
/// shortly before it expires, or until another 401 -> a new one. Concurrent requests that need the
/// same token wait for one fetch.
///
/// Where it is known which token service the registry named the last time, a token is asked for
/// there while the registry is still being asked without one: its 401 finds the token there or on
/// its way. The registry has the last word: a token that was asked for ahead is used only once a
/// challenge names the place that it came from.
actor Authorizer {
  /// What an authorization is good for.
  struct Scope: Hashable, Sendable {
    var origin: RemoteURL.Origin
    var registry: String
    var repository: String
    /// True for a place that a registry redirected to: it gets no credentials, whatever it asks for.
    var isAnonymous = false
  }

  enum Entry {
    /// What does not expire, and which tokens were taken before it.
    case fixed(String, before: TokenForm?)
    /// A token, and when it came.
    case bearer(TokenForm, Token, at: Double)

    var header: String {
      switch self {
      case .fixed(let header, _): header
      case .bearer(_, let token, _): token.header
      }
    }

    /// The tokens that were taken at least once.
    var form: TokenForm? {
      switch self {
      case .fixed(_, let form): form
      case .bearer(let form, _, _): form
      }
    }
  }

  struct Fetch: Hashable, Sendable {
    var scope: Scope
    var form: TokenForm
  }

  private let engine: any TransferEngine
  let tokens: TokenClient
  let credentials: CredentialChain
  let time: Timekeeper
  let watch: SlowAnswerWatch
  var entries: [Scope: Entry] = [:]
  let fetches = SharedWorks<Fetch, Result<String, RegistryError>>(keeps: false)
  let credentialSearches = SharedWorks<Scope, Credential?>(keeps: true)
  let registry: String
  /// What somebody else shows, and the only places that see it.
  private let errand: (errand: Errand, origins: Set<RemoteURL.Origin>)?
  /// The token service that the registry named in this run; nil: none.
  var tokenService: TokenService?
  /// The one that it named before.
  let expected: TokenService?
  /// The repositories for which that was asked ahead.
  var expectedFor: Set<String> = []
  /// Whether a stored login stands before what anybody may have, where that was tried.
  var wasInTheWay: [Scope: Bool] = [:]
  var askedAhead: [Fetch: Task<Token?, Never>] = [:]
  /// The logins that brought a token or content.
  var taken: [Scope: Credential] = [:]
  /// What the API itself wants to see, by its place.
  private let roots = SharedWorks<RemoteURL.Origin, [Challenge]>(keeps: true)

  /// - Parameters:
  ///   - engine: performs the requests.
  ///   - credentials: asked once a server wants some.
  ///   - registry: the registry that is pulled from, mirrors or not.
  ///   - expected: the token service that it named the last time.
  ///   - errand: what somebody else shows, and the only places that see it; nil: nobody.
  ///   - time: clocks.
  ///   - tell: told of helpers and token services that are slow.
  init(
    engine: any TransferEngine, credentials: CredentialChain, registry: String,
    expected: TokenService?, errand: (Errand, Set<RemoteURL.Origin>)? = nil, time: Timekeeper,
    tell: @escaping @Sendable (RegistryNotice) -> Void = { _ in }
  ) {
    self.engine = engine
    self.time = time
    watch = SlowAnswerWatch(time: time, tell: tell)
    tokens = TokenClient(engine: engine, time: time, watch: watch)
    self.credentials = credentials
    self.registry = registry
    self.expected = expected
    self.errand = errand.map { (errand: $0.0, origins: $0.1) }
  }

  /// What somebody else shows there as it came; nil: nothing.
  func presented(_ scope: Scope) -> String? {
    mayShow(scope) ? errand?.errand.authorization : nil
  }

  /// Whether what somebody else brought is what is shown there.
  func showsForeign(_ scope: Scope) -> Bool { presented(scope) != nil }

  /// Whether credentials may be shown there at all.
  func mayShow(_ scope: Scope) -> Bool {
    !scope.isAnonymous && errand?.origins.contains(scope.origin) ?? true
  }

  /// The header to send, as far as one is known; refreshed when it is about to expire.
  func header(for scope: Scope) async throws(RegistryError) -> String? {
    if let presented = presented(scope) { return presented }
    switch entries[scope] {
    case nil:
      askAhead(scope)
      return nil
    case .fixed(let header, _): return header
    case .bearer(let form, let token, _):
      if time.seconds() < token.refreshAt { return token.header }
      return try await fetch(Fetch(scope: scope, form: form))
    }
  }

  /// The header to send, where one was got before.
  func knownHeader(for scope: Scope) async throws(RegistryError) -> String? {
    entries[scope] == nil ? nil : try await header(for: scope)
  }

  func keep(_ header: String, for scope: Scope) -> String {
    entries[scope] = .fixed(header, before: entries[scope]?.form)
    return header
  }

  /// What the API's root wants to see, asked once: some registries say it nowhere else.
  func challengesOfAPI(at origin: RemoteURL.Origin, by access: ServerAccess) async -> [Challenge] {
    await roots.value(for: origin) { [engine] in
      guard let url = try? RemoteURL(origin: origin, target: "/v2/") else { return [] }
      var request = TransferRequest(.get, url, sharesConnection: true)
      request.access = access
      guard
        let response = try? await engine.perform(
          request, decide: { _, _ in .beginning(limit: RepositoryClient.asideLimit) })
      else { return [] }
      // Its scope is of some other repository, or a placeholder.
      return Denial(response, at: url).challenges.map {
        var challenge = $0
        challenge.parameters["scope"] = nil
        return challenge
      }
    }
  }

  func credential(_ scope: Scope) async -> Credential? {
    guard mayShow(scope) else { return nil }
    return await credentialSearches.value(for: scope) { [credentials, watch] in
      await credentials.credential(
        registry: scope.registry, repository: scope.repository, watch: watch)
    }
  }
}
