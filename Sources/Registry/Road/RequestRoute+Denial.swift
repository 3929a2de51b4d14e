import OCI
import Transfer

/// What a route does where it is denied what it asks for.
extension RequestRoute {
  /// New headers that one route may show; each is another try.
  private static let mostPasses = 6

  /// Shows something new, where there is something, after an answer that is no content.
  ///
  /// - Throws: the answer's error where there is nothing.
  mutating func answer(denial response: TransferResponse) async throws(RegistryError) {
    noteChallenges(of: response)
    do throws(RegistryError) {
      try await showMore(response)
    } catch {
      var error = error
      error.challenges = challenges
      if error.kind == .unauthorised, endpointHere != nil, let scope = ownScope,
        let hint = await client.authorizer.hint(toNobody: error, for: scope)
      {
        error.hint = hint
      }
      if let hint = hint(fromElsewhere: error) ?? hint(ofSite: error) { error.hint = hint }
      throw error
    }
  }

  /// What may help where a registry sends us to another one, which wants a login; nil: it does not.
  private func hint(fromElsewhere error: RegistryError) -> String? {
    guard error.kind == .unauthorised, endpointHere == nil,
      case .endpoint(let endpoint, _, _) = start, let name = Self.repository(in: url)
    else { return nil }
    let (from, place) = (endpoint.origin.authority, url.origin.authority)
    guard from != place else { return nil }
    return "\(from) redirects to \(place), and no login goes along; a pull of \(place)/\(name), "
      + "by its own name, would show it the login"
  }

  /// What may help where a registry sends us to a web site, which has nothing; nil: it does not.
  private func hint(ofSite error: RegistryError) -> String? {
    guard error.kind == .serverError(transient: false), [404, 410].contains(error.status),
      endpointHere == nil, case .endpoint(let endpoint, _, _) = start
    else { return nil }
    return "\(endpoint.origin.authority) redirects to that place; that may pass"
  }

  /// Most bytes of challenges that are handed on.
  private static let challengeLimit = 8 << 10

  private mutating func noteChallenges(of response: TransferResponse) {
    guard challenges.isEmpty, response.head.status == 401, endpointHere != nil,
      client.ownOrigins.contains(url.origin)
    else { return }
    // What no field may hold could not be handed on, and the caller would get no answer at all.
    let said = response.head.fields.values("www-authenticate").filter { value in
      value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
    if said.reduce(0, { $0 + $1.utf8.count }) <= Self.challengeLimit { challenges = said }
  }

  private mutating func showMore(_ response: TransferResponse) async throws(RegistryError) {
    let error = denied(response)
    if case .overloaded = error.kind { throw error }
    if nobody != nil, endpointHere != nil { throw await asNobody(error) }
    let denial = Denial(response, at: url)
    if !ResponseJudge.wantsTLS(response), try await authorize(denial) { return }
    let refusal = await refusal(of: response, denial, or: error)
    guard try await showNothing(insteadOf: refusal) else { throw refusal }
  }

  /// Goes on without a stored login, once, where the registry denies to its owner what it may have
  /// for anybody.
  private mutating func showNothing(insteadOf refusal: RegistryError) async throws(RegistryError)
    -> Bool
  {
    guard refusal.kind == .unauthorised, nobody == nil, let endpoint = endpointHere else {
      return false
    }
    nobody = await client.authorizer.nobody(
      for: client.scope(endpoint), rejected: shown, because: refusal)
    return nobody != nil
  }

  /// Content came: a login that was left out for it was in its way, and one that was shown is right.
  mutating func noteLetIn() async {
    guard let scope = ownScope else { return }
    guard let nobody else {
      if let shown, shown.hasPrefix("Basic ") {
        await client.authorizer.noteTaken(shown, for: scope)
      }
      return
    }
    self.nobody = nil
    await client.authorizer.leaveOutLogin(for: scope, as: nobody)
  }

  /// The error of a request that comes to nothing: what was said to a login says more than what
  /// was said to nobody, unless that passes.
  mutating func asNobody(_ error: RegistryError) async -> RegistryError {
    guard let nobody, let scope = ownScope, !error.isTransient else { return error }
    self.nobody = nil
    await client.authorizer.noteDenial(to: scope)
    return nobody.refusal
  }

  private var ownScope: Authorizer.Scope? {
    if case .endpoint(let endpoint, _, _) = start { client.scope(endpoint) } else { nil }
  }

  private func refusal(
    of response: TransferResponse, _ denial: Denial, or error: RegistryError
  ) async -> RegistryError {
    guard response.meaning == 401, passes > 0 || authorization != nil else { return error }
    if let authorization, authorization.hasPrefix("Basic ") {
      return ResponseJudge.refusedLogin(
        response, what: what, origin: url.origin, hiding: secrets)
    }
    var giver: String?
    if !denial.wantsOtherScope, let scope = endpointHere == nil ? elsewhere : ownScope {
      giver = await client.authorizer.giver(of: authorization, for: scope)
    }
    var refusal = ResponseJudge.refusedInSpiteOfToken(
      response, what: what, origin: url.origin, giver: giver, hiding: secrets)
    // It may be valid by the registry's clock a while later.
    if denial.dislikesToken { refusal.secondLooks = 2 }
    return refusal
  }

  /// The error of an answer that is neither content nor a redirect.
  func denied(_ response: TransferResponse) -> RegistryError {
    ResponseJudge.error(
      response, what: what, origin: url.origin, isNamed: isSent, hiding: secrets,
      now: client.time.unixSeconds())
  }

  /// Goes back to the endpoint with credentials, where a page came in place of content.
  ///
  /// Registries send those who showed nothing to a login, at their own place or another; what that
  /// page says is not about the registry.
  ///
  /// - Returns: false where there is nothing to show, or something was shown.
  mutating func logIn(_ page: TransferResponse) async throws(RegistryError) -> Bool {
    guard !mayReturn, case .endpoint(let endpoint, _, _) = start, shown == nil,
      try await passes(Denial.loginPage, at: endpoint)
    else { return false }
    try restart()
    return true
  }

  /// Gets what a server that denies something wants to see.
  ///
  /// - Returns: true where there is something new to show.
  private mutating func authorize(_ denial: Denial) async throws(RegistryError) -> Bool {
    if let endpoint = endpointHere { return try await passes(denial, at: endpoint) }
    // Another registry may take over a whole repository, and give its tokens to anybody. What was
    // shown to it at once may have died.
    guard denial.status == 401, let scope = elsewhere, authorization == nil || anonymous != scope
    else { return false }
    guard try await passes(denial, scope, rejected: authorization) else { return false }
    anonymous = scope
    return true
  }

  /// What a token for a place that was redirected to is good for: the repository that it has in its path,
  /// which may have another name there.
  var elsewhere: Authorizer.Scope? {
    guard endpointHere == nil, case .endpoint = start else { return nil }
    return Authorizer.Scope(
      origin: url.origin, registry: url.origin.authority,
      repository: Self.repository(in: url) ?? client.reference.repository, isAnonymous: true)
  }

  /// The repository of a URL that has the form of the registry API's; nil: it has not.
  static func repository(in url: RemoteURL) -> String? {
    let parts = url.target.prefix { $0 != "?" }.split(separator: "/")
    let kinds: [Substring] = ["manifests", "blobs", "tags", "referrers"]
    // What stands behind the kind is one thing, whatever it is called.
    guard parts.first == "v2", parts.count > 3, kinds.contains(parts[parts.count - 2])
    else { return nil }
    let name = parts[1..<(parts.count - 2)].joined(separator: "/")
    return (try? Reference("registry.invalid/\(name)"))?.repository == name ? name : nil
  }

  private mutating func passes(_ denial: Denial, at endpoint: Endpoint)
    async throws(RegistryError) -> Bool
  {
    try await passes(
      denial, client.scope(endpoint), rejected: shown, by: patience(endpoint))
  }

  private mutating func passes(
    _ denial: Denial, _ scope: Authorizer.Scope, rejected: String?,
    by access: ServerAccess = ServerAccess()
  ) async throws(RegistryError) -> Bool {
    guard passes < Self.mostPasses else { return false }
    // A helper or a token service that is slow says so itself.
    Whereabouts.current?.leave()
    guard
      let pass = try await client.authorizer.answer(
        denial, rejected: rejected, tried: tried, for: scope, by: access)
    else { return false }
    passes += 1
    if let way = pass.way { tried[way, default: 0] += 1 }
    return true
  }
}
