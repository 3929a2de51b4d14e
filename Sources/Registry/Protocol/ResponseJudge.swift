import OCI
import Text
import Transfer

/// What a response's status means, for any request to a registry.
enum ResponseJudge {
  /// The error of a 401 that came although a token was got: what is not there looks like this too.
  ///
  /// - Parameters:
  ///   - response: the 401.
  ///   - what: what was asked for.
  ///   - origin: who answered.
  ///   - giver: the token service that had just given the token; nil: that does not matter.
  ///   - secrets: what the request carried.
  static func refusedInSpiteOfToken(
    _ response: TransferResponse, what: String, origin: RemoteURL.Origin, giver: String?,
    hiding secrets: Secrets
  ) -> RegistryError {
    let body = ErrorBody(response, hiding: secrets)
    let said = body.words.map { ": \($0)" } ?? ""
    let refused =
      giver.map { "; it refuses a token that its own token service \($0) has just given" } ?? ""
    let clocks =
      giver == nil ? "" : "; or the clocks of the registry and of its token service are apart"
    return RegistryError(
      .unauthorised,
      "\(origin.authority) has no \(what), or wants credentials for it\(refused)\(said)",
      hint: "check the name; for a private image log in with \"skopeo login\" or use --creds"
        + clocks)
  }

  /// The error of a 401 to a name and a password.
  static func refusedLogin(
    _ response: TransferResponse, what: String, origin: RemoteURL.Origin, hiding secrets: Secrets
  ) -> RegistryError {
    let body = ErrorBody(response, hiding: secrets)
    let said = body.words.map { ": \($0)" } ?? ""
    return RegistryError(
      .unauthorised,
      "\(origin.authority) does not take the name and password it was shown for \(what)\(said)",
      hint: hint(ofStale: body)
        ?? "check --creds, or the login in the file that --explain-endpoints of inspect names")
  }

  /// The error of a response that is no success and no redirect.
  ///
  /// - Parameters:
  ///   - response: status, fields and a capped body.
  ///   - what: what was asked for, for example `manifest library/ubuntu:latest`.
  ///   - origin: who answered.
  ///   - isNamed: whether another server, or a manifest, named the place, and not the user.
  ///   - secrets: what the request carried.
  ///   - now: seconds since 1970, for a `Retry-After` date of a server that does not send its own time.
  static func error(
    _ response: TransferResponse, what: String, origin: RemoteURL.Origin, isNamed: Bool = false,
    hiding secrets: Secrets = Secrets(), now: Double
  ) -> RegistryError {
    var error = verdict(
      response, what: what, origin: origin, isNamed: isNamed, hiding: secrets, now: now)
    let meaning = response.meaning
    error.status = meaning
    // The status says that it may pass, the code that it will not.
    if meaning != response.head.status, !error.isTransient {
      error.secondLooks = max(1, error.secondLooks)
    }
    return error
  }

  private static func verdict(
    _ response: TransferResponse, what: String, origin: RemoteURL.Origin, isNamed: Bool,
    hiding secrets: Secrets, now: Double
  ) -> RegistryError {
    let status = response.meaning
    let body = ErrorBody(response, hiding: secrets)
    let own = response.head.status == status ? "" : " (it calls that \(response.head.status))"
    let said = own + (body.words.map { ": \($0)" } ?? "")
    let host = origin.authority
    let retryAfter = wait(response.head, now: now)
    if speaksOfLimits(status, response, retryAfter) {
      let asked = retryAfter.map { " and asks to wait \(seconds($0)) s" } ?? ""
      return RegistryError(
        .overloaded(retryAfter: retryAfter),
        "\(host) is limiting requests (\(status)) for \(what)\(asked)\(said)",
        hint: limitHint(status, what))
    }
    switch status {
    case 503, 529:
      let meaning = status == 503 ? "not available" : "overloaded"
      return RegistryError(
        .overloaded(retryAfter: nil), "\(host) answered \(status) (\(meaning)) for \(what)\(said)",
        hint: outageHint)
    case 401 where isNamed && response.head.fields["www-authenticate"] == nil,
      403 where isNamed && !PageRule.isPage(response):
      // No login is for that place. The way there was signed, and that may expire on the way; who is
      // refused by new ones, too, is refused for good.
      var error = RegistryError(
        .protocolError(transient: false), "\(host) denies access to \(what) (\(status))\(said)",
        hint: "the registry names that place; who runs it may know why it is closed")
      error.secondLooks = 2
      return error
    case 401:
      return RegistryError(
        .unauthorised, "\(host) wants credentials for \(what)\(said)",
        hint: "log in with \"skopeo login\", \"podman login\" or \"docker login\", or use --creds")
    case 403 where PageRule.isPage(response):
      // A guard in front of the registry, not the registry: it passes, as a rule.
      var error = RegistryError(
        .protocolError(transient: false),
        "something in front of \(host) sent a page in place of \(what) (403)",
        hint:
          "a web application firewall or a proxy may want a browser, or know this address too well")
      error.secondLooks = 2
      return error
    case 403:
      return RegistryError(
        .unauthorised, "\(host) denies access to \(what)\(said)",
        hint: hint(ofStale: body) ?? "the credentials in use may not be allowed to pull it")
    case 407:
      return RegistryError(
        .protocolError(transient: false),
        "a proxy on the way to \(host) wants a login (407)\(said)",
        hint: "it takes one, or another than it was given, as "
          + "HTTP_PROXY=http://USER:PASSWORD@HOST:PORT")
    case 404, 410:
      return RegistryError(.notFound, "\(host) has no \(what)\(said)")
    case 416:
      return RegistryError(.rangeRefused, "\(host) does not serve this range of \(what)")
    case 511:
      return RegistryError(
        .protocolError(transient: false),
        "\(host) was not reached: the network wants a login first (511)\(said)",
        hint: "open a web page and log in to the network")
    case 500...599:
      var error = RegistryError(
        .serverError(transient: !neverTransient.contains(status)),
        "\(host) answered \(status) for \(what)\(said)")
      if !error.isTransient { error.secondLooks = 1 }
      return error
    default:
      var error = RegistryError(
        .protocolError(transient: transientStatuses.contains(status)),
        "\(host) answered \(status) for \(what)\(said)",
        hint: hint(response, body))
      if !error.isTransient, !meant4xx.contains(status) { error.secondLooks = 1 }
      return error
    }
  }

  /// What may help where a login was good for some hours, as those of clouds are; nil: nothing says so.
  private static func hint(ofStale body: ErrorBody) -> String? {
    guard body.words?.lowercased().contains("expired") ?? false else { return nil }
    return
      "the stored login is over: log in again; a credential helper of the cloud gets new ones itself"
  }

  /// What may help against a 4xx that is about how the server was asked.
  private static func hint(_ response: TransferResponse, _ body: ErrorBody) -> String? {
    if wantsTLS(response) { return "the server speaks HTTPS there: leave out --plain-http" }
    // nginx has 400 for that, once the handshake is over.
    let isOfCertificate = body.words?.lowercased().contains("ssl certificate") ?? false
    return isOfCertificate
      ? "the server may want a client certificate: --cert PEM --key PEM, or Docker's certs.d" : nil
  }

  /// Whether these are the words of a server of TLS for a request that came without.
  static func wantsTLS(_ response: TransferResponse) -> Bool {
    guard response.head.status == 400 else { return false }
    let words = String(outside: response.body.prefix(4096)).uppercased()
    return words.contains("HTTPS") || words.contains("SSL-ENABLED")
  }

  /// What registries mean as they say it; others come from something in front of them, and may pass.
  private static let meant4xx: Set<Int> = [400, 402, 405, 406, 411, 412, 413, 414, 415, 422, 451]
  /// Server errors that say of themselves that they stay, which is believed the second time: not
  /// implemented, version not supported, loop, not extended.
  private static let neverTransient: Set<Int> = [501, 505, 506, 508, 510]
  /// Others that pass: time-outs, a request that came too early or to the wrong connection, a
  /// conflict; and successes that are none: not ready yet, nothing, a part or no change that nobody
  /// asked for.
  private static let transientStatuses: Set<Int> = [408, 409, 421, 425, 202, 204, 206, 304]
  /// What servers call a limit on requests, in bodies of other statuses than 429.
  private static let limitWords = [
    "rate limit", "rate-limit", "ratelimit", "rate_limit", "rate exceeded", "too many requests",
    "toomanyrequests", "throttl", "slowdown", "slow down", "request limit", "requests limit",
    "limit exceeded", "exceeded your", "abuse detection",
  ]

  private static let outageHint =
    "the server has a bad moment: run it again in a while, or with more --retries"

  /// What may help against a limit: workers ask only for blobs.
  private static func limitHint(_ status: Int, _ what: String) -> String {
    if [503, 529].contains(status) { return outageHint }
    return what.hasPrefix("blob ")
      ? "fewer --workers ask less often, and who is logged in may have a higher limit"
      : "who is logged in may have a higher limit; otherwise run it again in a while"
  }

  private static func speaksOfLimits(
    _ status: Int, _ response: TransferResponse, _ retryAfter: Double?
  ) -> Bool {
    if status == 429 { return true }
    // What is not there, or may not be asked for like this, does not come back by waiting.
    guard ![404, 405, 410, 416].contains(status) else { return false }
    if retryAfter != nil, status != 401 { return true }
    guard [400, 401, 402, 403, 420, 503, 509, 529].contains(status) else { return false }
    let isSpent = response.head.fields["x-ratelimit-remaining"].map { $0 == "0" } ?? false
    let text = String(outside: response.body.prefix(16 << 10)).lowercased()
    return isSpent || limitWords.contains { text.contains($0) }
  }

  private static func wait(_ head: ResponseHead, now: Double) -> Double? {
    // A date is of the server's clock; ours may be years off.
    let sentAt = head.fields["date"].flatMap(HTTPDate.secondsSince1970) ?? now
    return head.fields["retry-after"].flatMap { RetryAfter.seconds($0, now: sentAt) }
  }

  private static func seconds(_ wait: Double) -> Int { Int(clamping: wait.rounded(.up)) }
}

extension ResponseHead {
  /// Whether the body is all of what was asked for: as the server has it, or as something on the
  /// way passed it on (203).
  var isWhole: Bool { [200, 203].contains(status) }
}
