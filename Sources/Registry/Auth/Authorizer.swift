import FoundationEssentials
import OCI
import Transfer

/// Gets and keeps what registries want in `Authorization`, for one origin and repository each.
///
/// Life of an entry: nothing is known -> a 401 brings a challenge -> a token (or Basic) is used until
/// shortly before it expires, or until another 401 -> a new one. Concurrent requests that need the
/// same token wait for one fetch.
actor Authorizer {
  /// What an authorization is good for.
  struct Scope: Hashable, Sendable {
    var origin: RemoteURL.Origin
    var registry: String
    var repository: String
  }

  private enum Entry {
    case fixed(String)
    case bearer(Challenge, Token)

    var header: String {
      switch self {
      case .fixed(let header): header
      case .bearer(_, let token): "Bearer " + token.value
      }
    }
  }

  private let engine: any TransferEngine
  private let credentials: CredentialChain
  private let clock: @Sendable () -> Double
  private var entries: [Scope: Entry] = [:]
  private var fetches: [Scope: Task<Result<String, RegistryError>, Never>] = [:]
  private var knownCredentials: [Scope: Credential?] = [:]

  /// The most bytes of a token server's answer.
  static let bodyLimit = 1 << 20

  init(
    engine: any TransferEngine, credentials: CredentialChain,
    clock: @escaping @Sendable () -> Double
  ) {
    self.engine = engine
    self.credentials = credentials
    self.clock = clock
  }

  /// The header to send, as far as one is known; refreshed when it is about to expire.
  func header(for scope: Scope) async throws(RegistryError) -> String? {
    switch entries[scope] {
    case nil: return nil
    case .fixed(let header): return header
    case .bearer(let challenge, let token):
      if clock() < token.refreshAt { return "Bearer " + token.value }
      return try await fetch(scope, challenge)
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
    // Another request got a new one in the meantime.
    if let current = entries[scope]?.header, current != rejected { return current }
    let challenges = head.fields.values("www-authenticate").flatMap { Challenge.parse($0) }
    if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
      if case .registryToken(let token)? = await credential(scope) {
        guard rejected == nil else { return nil }
        entries[scope] = .fixed("Bearer " + token)
        return "Bearer " + token
      }
      return try await fetch(scope, bearer)
    }
    if challenges.contains(where: { $0.scheme == "basic" }), rejected == nil,
      let header = await credential(scope)?.basicHeader
    {
      entries[scope] = .fixed(header)
      return header
    }
    return nil
  }

  private func credential(_ scope: Scope) async -> Credential? {
    if let known = knownCredentials[scope] { return known }
    let found = await credentials.credential(
      registry: scope.registry, repository: scope.repository)
    knownCredentials[scope] = .some(found)
    return found
  }

  /// One fetch at a time for each scope; everybody else waits for its result.
  private func fetch(_ scope: Scope, _ challenge: Challenge) async throws(RegistryError) -> String {
    let task =
      fetches[scope]
      ?? Task { await self.fetchToken(scope, challenge) }
    fetches[scope] = task
    let result = await task.value
    fetches[scope] = nil
    return try result.get()
  }

  private func fetchToken(_ scope: Scope, _ challenge: Challenge) async
    -> Result<String, RegistryError>
  {
    do throws(RegistryError) {
      let token = try await requestToken(scope, challenge, await credential(scope))
      entries[scope] = .bearer(challenge, token)
      return .success("Bearer " + token.value)
    } catch {
      return .failure(error)
    }
  }

  private func requestToken(_ scope: Scope, _ challenge: Challenge, _ credential: Credential?)
    async throws(RegistryError) -> Token
  {
    let form = try TokenForm(challenge, scope: scope)
    var response: TransferResponse?
    if case .identityToken(let refresh)? = credential {
      let answer = try await perform(form.oauthRequest(refreshToken: refresh), form.realm.origin)
      // Servers without the OAuth2 endpoint take the plain request.
      if ![404, 405].contains(answer.head.status) { response = answer }
    }
    let answer: TransferResponse
    if let response {
      answer = response
    } else {
      answer = try await perform(form.getRequest(credential), form.realm.origin)
    }
    guard answer.head.status == 200 else {
      let error = ResponseJudge.error(
        answer, what: "a token for \(scope.repository)", origin: form.realm.origin,
        now: Date().timeIntervalSince1970)
      guard answer.head.status == 400, credential != nil else { throw error }
      throw RegistryError(.unauthorised, error.message, hint: error.hint)
    }
    guard let token = Token(answer.body, now: clock()) else {
      throw RegistryError(
        .protocolError(transient: false), "\(form.realm.origin.authority) sent no usable token")
    }
    return token
  }

  private func perform(_ request: TransferRequest, _ origin: RemoteURL.Origin)
    async throws(RegistryError) -> TransferResponse
  {
    do {
      return try await engine.perform(request, limit: Self.bodyLimit)
    } catch {
      let plain = RegistryError.transfer(error, from: origin)
      throw RegistryError(plain.kind, "token server \(plain.message)", hint: plain.hint)
    }
  }
}
