import Transfer

/// Fetching tokens.
extension Authorizer {
  /// Asks the expected token service, without waiting for it, and without credentials: it is only remembered.
  func askAhead(_ scope: Scope) {
    guard scope.registry == registry, let service = expected,
      expectedFor.insert(scope.repository).inserted
    else { return }
    guard let form = try? TokenForm(service, scope: scope) else { return }
    let fetch = Fetch(scope: scope, form: form)
    askedAhead[fetch] = Task {
      guard await credential(scope) == nil else { return nil }
      return try? await tokens.token(form, nil, for: scope)
    }
  }

  /// The same is fetched once at a time; everybody else waits for its result, and it ends when
  /// nobody does any more.
  func fetch(_ fetch: Fetch) async throws(RegistryError) -> String {
    try await fetches.value(for: fetch) { await self.fetchToken(fetch) }.get()
  }

  /// A token by the credential for it; a stored one that the service refuses does not stand before
  /// a public image.
  private func newToken(_ fetch: Fetch) async throws(RegistryError) -> Token {
    let credential = await credential(fetch.scope)
    do throws(RegistryError) {
      let token = try await tokens.token(fetch.form, credential, for: fetch.scope)
      if let credential { taken[fetch.scope] = credential }
      return token
    } catch {
      if error.kind == .unauthorised, let credential,
        await renewal(of: credential, for: fetch.scope) != nil
      {
        return try await newToken(fetch)
      }
      let kinds: [RegistryError.Kind] = [
        .unauthorised, .refusedTarget, .protocolError(transient: false),
      ]
      guard kinds.contains(error.kind), credential != nil,
        !credentials.isExplicit(registry: fetch.scope.registry)
      else { throw error }
      let token: Token
      do throws(RegistryError) {
        token = try await tokens.token(fetch.form, nil, for: fetch.scope)
      } catch _ {
        // The login may be good for something else that is asked for.
        throw error
      }
      warnOfLogin(fetch.scope, error)
      // Who sends a page, or nothing that can be read, has not looked at the login: a proxy, or the
      // page of a hotel.
      if error.kind != .protocolError(transient: false) { forgetLogin(fetch.scope) }
      return token
    }
  }

  /// What was asked ahead; it ends with whoever waits for it.
  private func answerAhead(_ fetch: Fetch) async -> Token? {
    guard let asked = askedAhead.removeValue(forKey: fetch) else { return nil }
    return await withTaskCancellationHandler {
      await asked.value
    } onCancel: {
      asked.cancel()
    }
  }

  private func fetchToken(_ fetch: Fetch) async -> Result<String, RegistryError> {
    do throws(RegistryError) {
      let token: Token
      if let ahead = await answerAhead(fetch), time.seconds() < ahead.refreshAt {
        token = ahead
      } else {
        token = try await newToken(fetch)
      }
      entries[fetch.scope] = .bearer(fetch.form, token, at: time.seconds())
      return .success(token.header)
    } catch {
      return .failure(error)
    }
  }

  /// Seconds from which a token is valid by the clock of any registry that is kept well.
  private static let ripeSeconds = 1.5
  /// Seconds within which a token has just been given.
  private static let newSeconds = 10.0

  /// Waits until a token that was refused, and has just been given, is no longer new.
  ///
  /// Where the clocks of a registry and of its token service are apart, it is not valid yet.
  ///
  /// - Returns: false where it is old, or refused for what it is good for.
  func ripens(_ rejected: String, _ denial: Denial, _ scope: Scope) async throws(RegistryError)
    -> Bool
  {
    guard denial.status == 401, !denial.wantsOtherScope, !scope.isAnonymous,
      case .bearer(_, let token, let at)? = entries[scope], token.header == rejected
    else { return false }
    let age = time.seconds() - at
    guard age < Self.ripeSeconds else { return false }
    do {
      try await time.sleep(Self.ripeSeconds - age)
    } catch {
      throw .cancelled
    }
    return true
  }

  /// The token service that has just given what is shown; nil: none has.
  func giver(of header: String?, for scope: Scope) -> String? {
    guard case .bearer(let form, let token, let at)? = entries[scope], token.header == header,
      time.seconds() - at < Self.newSeconds
    else { return nil }
    return form.realm.origin.authority
  }
}
