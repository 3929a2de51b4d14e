/// Stored logins that stand before what anybody may have.
///
/// A token service knows the user, and the registry denies to him what it has for anybody: a rule of
/// his organisation, or an account without rights. Then it is asked once as anybody. Only where that
/// brings content was the login in the way; else it stays, and so does what was said to it.
extension Authorizer {
  /// A login that is left out.
  enum LeftOut {
    /// Nobody knows yet: what the login had brought, and the refusal of that.
    case trying(Entry, RegistryError)
    /// It is known, and not tried again.
    case settled
  }

  /// Gets a token as anybody, after one that a stored login had brought was refused.
  ///
  /// - Parameters:
  ///   - scope: what for.
  ///   - rejected: what was shown.
  ///   - refusal: the registry's error.
  /// - Returns: whether there is something else to show.
  func leaveOutLogin(for scope: Scope, rejected: String?, because refusal: RegistryError) async
    -> Bool
  {
    guard leftOut[scope] == nil, let entry = entries[scope], entry.header == rejected,
      case .bearer(let form, _, _) = entry, !credentials.isExplicit(registry: scope.registry),
      await credential(scope) != nil,
      let token = try? await tokens.token(form, nil, for: scope)
    else { return false }
    // Another request may have been here meanwhile.
    guard leftOut[scope] == nil, entries[scope]?.header == rejected else {
      return entries[scope]?.header != rejected
    }
    leftOut[scope] = .trying(entry, refusal)
    entries[scope] = .bearer(form, token, at: time.seconds())
    return true
  }

  /// Takes in what came of that.
  ///
  /// - Parameters:
  ///   - scope: what for.
  ///   - wasInTheWay: whether content came without the login.
  /// - Returns: the refusal of the login, where that one stays.
  func settleLogin(for scope: Scope, wasInTheWay: Bool) -> RegistryError? {
    guard case .trying(let entry, let refusal)? = leftOut[scope] else { return nil }
    leftOut[scope] = .settled
    guard wasInTheWay else {
      entries[scope] = entry
      return refusal
    }
    warnOfLogin(scope, refusal)
    return nil
  }

  /// Says that a stored login is of no use, and forgets it.
  func warnOfLogin(_ scope: Scope, _ error: RegistryError) {
    // Who answers something else than no has not looked at it.
    let isRefused =
      error.kind == .unauthorised && error.status.map { [400, 401, 403].contains($0) } ?? true
    credentials.warn(
      "the stored login for \(scope.registry) "
        + (isRefused ? "was refused" : "brought no token") + ": \(error.message); "
        + "going on without it")
    credentialSearches[scope] = Task { nil }
  }
}
