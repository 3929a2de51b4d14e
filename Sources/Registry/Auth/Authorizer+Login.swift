/// Stored logins that stand before what anybody may have.
///
/// A token service knows the user, and the registry denies to him what it has for anybody: a rule of
/// his organisation, or an account without rights. Then the request that was denied is made once
/// more as anybody. Until that has brought content, nobody else sees its token: others may well be
/// let in by the login at the same time.
extension Authorizer {
  /// Gets a token as anybody, after one that a stored login had brought was refused.
  ///
  /// - Parameters:
  ///   - scope: what for.
  ///   - rejected: what was shown.
  ///   - refusal: the registry's error.
  /// - Returns: nil where there is nothing else to show.
  func nobody(for scope: Scope, rejected: String?, because refusal: RegistryError) async -> Nobody?
  {
    let login = await credential(scope)
    guard rejected != nil, !credentials.isExplicit(registry: scope.registry),
      case .bearer(let form, let token, let at)? = entries[scope]
    else { return nil }
    // Another request may have left the login out meanwhile.
    if wasInTheWay[scope] == true, token.header != rejected {
      return Nobody(form: form, token: token, at: at, refusal: refusal)
    }
    guard wasInTheWay[scope] == nil, login != nil else { return nil }
    do throws(RegistryError) {
      let token = try await tokens.token(form, nil, for: scope)
      if token.header != rejected {
        return Nobody(form: form, token: token, at: time.seconds(), refusal: refusal)
      }
    } catch {
      if error.isTransient || Task.isCancelled { return nil }
    }
    // Who is given nothing, or the same as the login, is answered as the login is, each time.
    noteDenial(to: scope)
    return nil
  }

  /// Nobody was let in either: it is not tried again.
  func noteDenial(to scope: Scope) {
    if wasInTheWay[scope] == nil { wasInTheWay[scope] = false }
  }

  /// Content came without the login: from now on it is left out.
  func leaveOutLogin(for scope: Scope, as nobody: Nobody) {
    guard wasInTheWay.updateValue(true, forKey: scope) != true else { return }
    entries[scope] = .bearer(nobody.form, nobody.token, at: nobody.at)
    warnOfLogin(scope, nobody.refusal)
    forgetLogin(scope)
  }

  /// Says that a stored login is of no use.
  func warnOfLogin(_ scope: Scope, _ error: RegistryError) {
    // Who answers something else than no has not looked at it.
    let isRefused =
      error.kind == .unauthorised && error.status.map { [400, 401, 403].contains($0) } ?? true
    credentials.warnOnce(
      "the stored login for \(scope.registry) "
        + (isRefused ? "was refused" : "brought no token") + ": \(error.message); "
        + "going on without it")
  }

  /// What may help against a refusal where no login is in use; nil: one is, or the error says it.
  func hint(toNobody error: RegistryError, for scope: Scope) async -> String? {
    guard !showsForeign(scope), await credential(scope) == nil else { return nil }
    let ways = "\"skopeo login\", \"podman login\" or \"docker login\", or use --creds"
    let helpers = credentials.emptyHelpers(registry: scope.registry)
    guard helpers.isEmpty else {
      let names = helpers.prefix(3).map { "docker-credential-" + $0.shownSafely(limit: 60) }
      return
        "no login for \(scope.registry) came from \(names.joined(separator: ", ")); log in with \(ways)"
    }
    guard error.hint == ResponseJudge.hintOfRights else { return nil }
    return "it was asked for without a login; if one may pull it, log in with \(ways)"
  }

  /// Goes on without it until the run ends.
  func forgetLogin(_ scope: Scope) { credentialSearches.settle(scope, nil) }
}

/// What one request shows as anybody, after its login was refused.
struct Nobody: Sendable {
  /// How the token was asked for.
  var form: TokenForm
  /// What came.
  var token: Token
  /// When it came.
  var at: Double
  /// What the registry said to the login.
  var refusal: RegistryError
}
