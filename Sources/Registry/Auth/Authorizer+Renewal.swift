/// Logins that end: a credential helper may have another one by then.
///
/// What a cloud's helper gives is good for minutes or hours, and may end in the middle of a pull. A
/// login that was never taken is wrong, and nobody is asked for it again.
extension Authorizer {
  /// Content came for a name and a password.
  func noteTaken(_ header: String, for scope: Scope) async {
    guard taken[scope]?.basicHeader != header, entries[scope]?.header == header,
      let login = await credential(scope), login.basicHeader == header
    else { return }
    taken[scope] = login
  }

  /// The login that took the place of one that is refused.
  ///
  /// - Returns: nil where that was never taken, or is what there still is.
  func renewal(of refused: Credential, for scope: Scope) async -> Credential? {
    // Others may have got it meanwhile.
    if let current = await credential(scope), current != refused { return current }
    guard taken[scope] == refused, mayShow(scope) else { return nil }
    let found = await credentials.credential(
      registry: scope.registry, repository: scope.repository, watch: watch, insteadOf: refused)
    // Whoever waited beside this one has settled it.
    if let current = await credential(scope), current != refused { return current }
    guard let found, found != refused else {
      taken[scope] = nil
      return nil
    }
    credentialSearches.settle(scope, found)
    return found
  }

  /// Another name and password, where those that were taken are so no more; some say that with a 403.
  func renewedPassword(_ denial: Denial, rejected: String?, _ scope: Scope) async -> Pass? {
    guard let rejected, case .fixed(let header, _)? = entries[scope],
      denial.status == 401 || (denial.isRefusal && denial.dislikesToken)
    else { return nil }
    if header != rejected { return Pass(header: header, way: nil) }
    guard let refused = taken[scope], refused.basicHeader == rejected,
      let header = await renewal(of: refused, for: scope)?.basicHeader
    else { return nil }
    return Pass(header: keep(header, for: scope), way: nil)
  }
}
