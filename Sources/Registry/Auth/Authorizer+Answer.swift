import Transfer

/// What is shown next, after a server has denied what it was asked for.
extension Authorizer {
  /// Seconds after which a refused token is taken for one that has expired.
  private static let freshSeconds = 1.0

  /// A new header after a denial: by the first of its challenges that leads to one.
  ///
  /// - Parameters:
  ///   - denial: what the server said.
  ///   - rejected: the header that was sent.
  ///   - tried: the ways that the same request has gone already.
  ///   - scope: what for.
  ///   - access: how its server is spoken to.
  /// - Throws: `RegistryError`; nil is returned where nothing can be done.
  func answer(
    _ denial: Denial, rejected: String?, tried: [Way: Int], for scope: Scope,
    by access: ServerAccess
  ) async throws(RegistryError) -> Pass? {
    // The caller's own credential was sent: hand on the server's answer.
    guard presented(scope) == nil else { return nil }
    if let pass = await renewedPassword(denial, rejected: rejected, scope) { return pass }
    guard denial.wantsMore(than: rejected) else { return nil }
    noteTokenService(denial, rejected: rejected, scope)
    let credential = await credential(scope)
    // Another request got a new one in the meantime.
    if let current = entries[scope]?.header, current != rejected {
      return Pass(header: current, way: nil)
    }
    // If others succeeded with this token, it is expired, not too new.
    if tried[.again] == nil, tried.keys.contains(where: \.isToken), let rejected,
      try await ripens(rejected, denial, scope)
    {
      return Pass(header: rejected, way: .again)
    }
    guard
      let challenges = await challenges(
        of: denial, rejected: rejected, credential, scope, by: access)
    else { return nil }
    if case .registryToken(let token)? = credential,
      challenges.contains(where: { $0.scheme == "bearer" })
    {
      return rejected == nil ? Pass(header: keep("Bearer " + token, for: scope), way: nil) : nil
    }
    let (ways, failure) = ways(by: challenges, denial, rejected: rejected, scope)
    do throws(RegistryError) {
      return try await go(
        Way.open(ways, tried: tried), rejected: rejected, credential, scope, or: failure)
    } catch {
      // The API's root spoke of all that there is: to who has no login, the denial says more.
      let isGuess = denial.challenges.isEmpty && rejected == nil && credential == nil
      if isGuess, !error.isTransient, !error.isFinal { return nil }
      throw error
    }
  }

  /// Notes which token service the registry names to those who show nothing.
  private func noteTokenService(_ denial: Denial, rejected: String?, _ scope: Scope) {
    // A challenge after a refused token may name a wrong token service; keep the first.
    guard rejected == nil, scope.registry == registry,
      denial.status == 401 || !denial.challenges.isEmpty
    else { return }
    tokenService =
      denial.challenges.lazy.filter { $0.scheme == "bearer" }
      .compactMap { TokenService($0, repository: scope.repository) }.first
  }

  /// The challenges to answer: the denial's, else those of the API's root, whose tokens anybody may
  /// get; nil: there is nothing to show.
  private func challenges(
    of denial: Denial, rejected: String?, _ credential: Credential?, _ scope: Scope,
    by access: ServerAccess
  ) async -> [Challenge]? {
    guard denial.challenges.isEmpty, rejected == nil else { return denial.challenges }
    // A page in place of content speaks of logins, and storage that denies has no such root.
    guard credential != nil || (denial.isRefusal && !scope.isAnonymous) else { return nil }
    let challenges = await challengesOfAPI(at: scope.origin, by: access)
    return challenges.isEmpty && !denial.hasOthers && credential != nil
      ? [Challenge(scheme: "basic", parameters: [:])] : challenges
  }

  /// The ways that are worth going, in order; and why one that names a token service offers none.
  private func ways(
    by challenges: [Challenge], _ denial: Denial, rejected: String?, _ scope: Scope
  ) -> ([Way], RegistryError?) {
    var (ways, failure) = Way.offered(by: challenges, for: scope)
    guard let entry = entries[scope], let form = entry.form else { return (ways, failure) }
    // A registry whose token has died may ask for Basic alone, or say it in words, though it gave
    // tokens before.
    if !ways.contains(where: \.isToken) {
      ways.insert(.bearer(form), at: hasDied(entry, denial) ? 0 : ways.endIndex)
    }
    // 403 with a valid token: another of its form will not help.
    if denial.status != 401, !denial.dislikesToken, case .bearer(_, let token, _) = entry,
      rejected == token.header
    {
      ways.removeAll { $0 == .bearer(form) }
    }
    return (ways, failure)
  }

  /// Whether what was shown is a token that is not taken any more: one that was made a moment ago
  /// is the least likely to have died.
  private func hasDied(_ entry: Entry, _ denial: Denial) -> Bool {
    guard case .bearer(_, _, let at) = entry else { return false }
    return denial.dislikesToken || time.seconds() - at > Self.freshSeconds
  }

  /// Goes ways in their order, until one leads to a new header.
  ///
  /// - Throws: why the last one led nowhere, or the failure that there was before.
  private func go(
    _ ways: [Way], rejected: String?, _ credential: Credential?, _ scope: Scope,
    or before: RegistryError?
  ) async throws(RegistryError) -> Pass? {
    var failure = before
    var troubled: Set<RemoteURL> = []
    for way in ways {
      if let realm = way.realm, troubled.contains(realm) { continue }
      do throws(RegistryError) {
        guard let header = try await header(by: way, credential, scope), header != rejected else {
          continue
        }
        return Pass(header: header, way: way)
      } catch {
        // The next challenge may lead further; of those that lead nowhere, the last one's reason says most.
        failure = error
        // What passes is no word on what was asked for.
        if error.isTransient, let realm = way.realm { troubled.insert(realm) }
      }
    }
    if let failure { throw failure }
    return nil
  }

  private func header(by way: Way, _ credential: Credential?, _ scope: Scope)
    async throws(RegistryError) -> String?
  {
    switch way {
    case .bearer(let form): try await fetch(Fetch(scope: scope, form: form))
    case .basic: credential?.basicHeader.map { keep($0, for: scope) }
    case .again: nil
    }
  }
}
