import FoundationEssentials
import Transfer

/// Asks token services for tokens.
struct TokenClient: Sendable {
  let engine: any TransferEngine
  let time: Timekeeper
  let watch: SlowAnswerWatch
  private let identities = IdentityTokens()

  init(engine: any TransferEngine, time: Timekeeper, watch: SlowAnswerWatch) {
    (self.engine, self.time, self.watch) = (engine, time, watch)
  }

  /// The most bytes of a token service's answer.
  static let bodyLimit = 1 << 20
  /// Times that a service is asked again that sent a page, or nothing, and called it a success; one
  /// that says it does not understand, or has no tokens, which challenges promise, once.
  private static let secondLooks = 2

  /// A new token; where something that is none at all came in its place, it is asked for again, with a pause.
  ///
  /// - Parameters:
  ///   - form: what to ask whom.
  ///   - credential: shown to the token service itself; a place that it redirects to gets none.
  ///   - scope: what the token is for.
  /// - Throws: `RegistryError`.
  func token(_ form: TokenForm, _ credential: Credential?, for scope: Authorizer.Scope)
    async throws(RegistryError) -> Token
  {
    for look in 0..<Self.secondLooks {
      do throws(RegistryError) {
        if case .token(let token) = try await ask(form, credential, scope) { return token }
      } catch {
        guard look == 0, !error.isTransient, [400, 404].contains(error.status) else { throw error }
      }
      guard (try? await time.sleep(0.5 * Double(1 << look) * (0.5 + 0.5 * time.random()))) != nil
      else { break }
    }
    let service = "the token service \(form.realm.origin.authority)"
    switch try await ask(form, credential, scope) {
    case .token(let token): return token
    case .nothing:
      throw RegistryError(
        .protocolError(transient: false), "\(service) sent nothing that can be read as a token")
    case .page(let url):
      throw RegistryError(
        .protocolError(transient: false), "\(service): \(PageRule.words(url))",
        hint: PageRule.hint)
    }
  }

  /// What one try brought.
  private enum Found {
    case token(Token)
    /// No document at all.
    case nothing
    case page(RemoteURL)

    var isToken: Bool { if case .token = self { true } else { false } }
  }

  private func ask(_ form: TokenForm, _ credential: Credential?, _ scope: Authorizer.Scope)
    async throws(RegistryError) -> Found
  {
    guard let refresh = credential?.refreshToken else {
      return try await askPlainly(form, credential, scope)
    }
    do throws(RegistryError) {
      let (answer, shown) = try await identities.show(refresh, to: form.realm) {
        (newest) async throws(RegistryError) in
        let answer = try await perform(form.oauthRequest(refreshToken: newest), scope)
        return ((answer, credential?.showing(newest)), newer: Self.newIdentity(in: answer))
      }
      // Servers without the OAuth2 endpoint say so in many ways; they take the plain request.
      if [404, 405, 415, 501].contains(answer.response.head.status) {
        return try await askPlainly(form, credential, scope)
      }
      let token = try token(in: answer, shown, scope)
      if token.isToken || credential?.basicHeader == nil { return token }
    } catch {
      // Whatever becomes of the identity token: the name and password beside it may do. Who is not
      // there is not there for those either.
      guard credential?.basicHeader != nil, !error.isStall, error.lesson != .nobodyThere,
        error.kind != RegistryError.cancelled.kind, !Self.asksToWait(error)
      else { throw error }
      // A transfer that breaks off may be the POST's own fault; where not, that is what is to be said.
      guard error.isBrokenTransfer else { return try await askPlainly(form, credential, scope) }
      do throws(RegistryError) {
        return try await askPlainly(form, credential, scope)
      } catch _ { throw error }
    }
    return try await askPlainly(form, credential, scope)
  }

  private static func newIdentity(in answer: Answer) -> String? {
    guard (200..<300).contains(answer.response.head.status), let body = try? decoded(answer) else {
      return nil
    }
    return Token.newIdentity(body)
  }

  /// Whether a service wants to be left alone: who is asked again at once limits for longer.
  private static func asksToWait(_ error: RegistryError) -> Bool {
    guard case .overloaded(let wait) = error.kind else { return false }
    return wait != nil || error.status == 429
  }

  /// The GET of the token specification.
  private func askPlainly(
    _ form: TokenForm, _ credential: Credential?, _ scope: Authorizer.Scope
  ) async throws(RegistryError) -> Found {
    try token(in: try await perform(form.getRequest(credential), scope), credential, scope)
  }

  private func token(
    in answer: Answer, _ credential: Credential?, _ scope: Authorizer.Scope
  ) throws(RegistryError) -> Found {
    let status = answer.response.head.status
    guard (200..<300).contains(status) else {
      var error = ResponseJudge.error(
        answer.response, what: "token for \(scope.repository)", origin: answer.origin,
        hiding: Secrets(credential), now: time.unixSeconds())
      // Who showed nothing was not refused for what was shown.
      if error.kind == .unauthorised, credential == nil { error.secondLooks = 2 }
      throw Self.refusal(error, answer, credential)
    }
    let body = try Self.decoded(answer)
    if let token = Token(body, now: time.seconds()) { return .token(token) }
    guard LooseJSON(Data(body))?.members == nil else {
      throw Self.tokenless(body, answer.origin, credential)
    }
    return PageRule.isPage(answer.response) ? .page(answer.url) : .nothing
  }

  private static let hintOfLogin =
    "it may want a login: \"skopeo login\", \"podman login\" or \"docker login\", or --creds"

  /// A document without a token: where it says why, it is a refusal that is called a success.
  private static func tokenless(
    _ body: [UInt8], _ origin: RemoteURL.Origin, _ credential: Credential?
  ) -> RegistryError {
    let (error, secrets) = (unusable(origin), Secrets(credential))
    guard let words = ErrorBody(body, contentType: nil, hiding: secrets).words else { return error }
    return RegistryError(
      .unauthorised, "\(error.message): \(words)",
      hint: credential == nil
        ? hintOfLogin
        : "check the user's name and password; --creds takes them, or \"skopeo login\"")
  }

  /// That a token service has no such thing says nothing of the image.
  private static func refusal(
    _ error: RegistryError, _ answer: Answer, _ credential: Credential?
  ) -> RegistryError {
    let status = answer.response.head.status
    var refusal = error
    switch status {
    case _ where credential != nil && [400, 401, 403].contains(status) && !error.isTransient:
      let body = ErrorBody(answer.response, hiding: Secrets(credential))
      refusal = RegistryError(
        .unauthorised, error.message,
        hint: ResponseJudge.hint(ofStale: body) ?? ResponseJudge.hintOfLogin)
    case 404, 405, 410:
      let said =
        ErrorBody(answer.response, hiding: Secrets(credential)).words.map { ": \($0)" } ?? ""
      refusal = RegistryError(
        .unauthorised, "the token service \(answer.origin.authority) answered \(status)\(said)",
        hint: error.hint)
    // It is asked for nothing but whether somebody may have it.
    case _ where [400, 402, 451].contains(status) && !error.isTransient:
      refusal = RegistryError(.unauthorised, error.message, hint: error.hint ?? hintOfLogin)
      refusal.secondLooks = error.secondLooks
    default: break
    }
    refusal.status = status
    return refusal
  }

  private struct Answer: Sendable {
    var response: TransferResponse
    var url: RemoteURL
    var origin: RemoteURL.Origin { url.origin }
  }

  private func answer(to request: TransferRequest) async throws(TransferError) -> TransferResponse {
    try await watch.over("the token service \(request.url.origin.authority)") {
      () async throws(TransferError) in
      try await engine.perform(request) { head, _ in
        // Of a page and of an error only the words count.
        (200..<300).contains(head.status) && !PageRule.isPage(head)
          ? .memory(limit: Self.bodyLimit) : .beginning(limit: RepositoryClient.asideLimit)
      }
    }
  }

  private static func unusable(_ origin: RemoteURL.Origin) -> RegistryError {
    RegistryError(.protocolError(transient: false), "\(origin.authority) sent no usable token")
  }

  private static func decoded(_ answer: Answer) throws(RegistryError) -> [UInt8] {
    do throws(TransferError) {
      return try answer.response.documentBody(limit: bodyLimit)
    } catch {
      throw .transfer(error, from: answer.origin, fetching: "a token")
    }
  }

  /// One request, and where redirects lead from it: what is secret stays at the origin that the
  /// registry named.
  private func perform(_ first: TransferRequest, _ scope: Authorizer.Scope)
    async throws(RegistryError) -> Answer
  {
    var request = first
    for _ in 0...RedirectRule.limit {
      // The user named the registry; what else it names is its own word, and so is all that the
      // place names to which it redirects.
      let isNamedByUser = request.url.origin == scope.origin && !scope.isAnonymous
      request.addresses = isNamedByUser ? .anywhere : .notLinkLocal
      let response: TransferResponse
      do throws(TransferError) {
        response = try await answer(to: request)
      } catch {
        let plain = RegistryError.transfer(
          error, from: request.url.origin, isNamed: request.url.origin != scope.origin)
        var failure = RegistryError(plain.kind, "token server \(plain.message)", hint: plain.hint)
        failure.secondLooks = plain.secondLooks
        throw failure
      }
      guard RedirectRule.isRedirect(response.head.status) else {
        return Answer(response: response, url: request.url)
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
