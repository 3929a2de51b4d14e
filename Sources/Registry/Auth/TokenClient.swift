import Transfer

/// Asks token services for tokens.
struct TokenClient: Sendable {
  let engine: any TransferEngine
  let time: Timekeeper

  /// The most bytes of a token service's answer.
  static let bodyLimit = 1 << 20

  /// A new token.
  ///
  /// - Parameters:
  ///   - form: what to ask whom.
  ///   - credential: shown to the token service itself; a place that it redirects to gets none.
  ///   - scope: what the token is for.
  /// - Throws: `RegistryError`.
  func token(_ form: TokenForm, _ credential: Credential?, for scope: Authorizer.Scope)
    async throws(RegistryError) -> Token
  {
    var answer: Answer?
    if let refresh = credential?.refreshToken {
      let oauth = try await perform(form.oauthRequest(refreshToken: refresh), scope)
      // Servers without the OAuth2 endpoint say so in many ways; they take the plain request.
      let isLacking = [404, 405, 415, 501].contains(oauth.response.head.status)
      let isRefused = oauth.response.head.status != 200 && credential?.basicHeader != nil
      if !isLacking, !isRefused { answer = oauth }
    }
    if answer == nil { answer = try await perform(form.getRequest(credential), scope) }
    guard let answer else { throw Self.unusable(form.realm.origin) }
    let status = answer.response.head.status
    guard status == 200 || status == 201 else {
      var error = ResponseJudge.error(
        answer.response, what: "a token for \(scope.repository)", origin: answer.origin,
        hiding: Secrets(credential), now: time.unixSeconds())
      // Who showed nothing was not refused for what was shown.
      error.mayPass = error.kind == .unauthorised && credential == nil
      guard status == 400, credential != nil else { throw error }
      throw RegistryError(.unauthorised, error.message, hint: error.hint)
    }
    let body = try Self.decoded(answer)
    guard let token = Token(body, now: time.seconds()) else { throw Self.unusable(answer.origin) }
    return token
  }

  private struct Answer {
    var response: TransferResponse
    var origin: RemoteURL.Origin
  }

  private static func unusable(_ origin: RemoteURL.Origin) -> RegistryError {
    RegistryError(.protocolError(transient: false), "\(origin.authority) sent no usable token")
  }

  private static func decoded(_ answer: Answer) throws(RegistryError) -> [UInt8] {
    do throws(TransferError) {
      return try answer.response.decodedBody(limit: bodyLimit)
    } catch {
      throw .transfer(error, from: answer.origin, fetching: "a token")
    }
  }

  /// One request, and where redirects lead from it: what is secret stays at the origin that the registry named.
  private func perform(_ first: TransferRequest, _ scope: Authorizer.Scope)
    async throws(RegistryError) -> Answer
  {
    var request = first
    for _ in 0...RedirectRule.limit {
      // The user named the registry; what else it names is its own word.
      request.mayReachLinkLocal = request.url.origin == scope.origin
      let response: TransferResponse
      do {
        response = try await engine.perform(request, limit: Self.bodyLimit)
      } catch {
        let plain = RegistryError.transfer(error, from: request.url.origin)
        throw RegistryError(plain.kind, "token server \(plain.message)", hint: plain.hint)
      }
      guard RedirectRule.isRedirect(response.head.status) else {
        return Answer(response: response, origin: request.url.origin)
      }
      let target = try RedirectRule.target(response.head, of: request.url)
      let isElsewhere = target.origin != first.url.origin
      if request.method == .post, isElsewhere || ![307, 308].contains(response.head.status) {
        // A form holds a secret, or becomes a GET without it: neither brings a token.
        throw RegistryError(
          .refusedTarget, "the token server \(request.url.origin.authority) redirects a form")
      }
      request.url = target
      if isElsewhere {
        request.fields = HTTPFields(
          first.fields.all.filter { $0.name.lowercased() != "authorization" }
            .map { ($0.name, $0.value) })
      }
    }
    throw RegistryError(
      .protocolError(transient: false),
      "the token server \(first.url.origin.authority) redirects in a circle")
  }
}
