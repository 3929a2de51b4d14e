import OCI
import Text
import Transfer

/// The verdict on an answer that is no success and no redirect, by its status and what it says.
extension ResponseJudge {
  /// An answer that is no success and no redirect, as all pieces of the verdict look at it.
  private struct Answer {
    let response: TransferResponse
    /// As its error code means it.
    let status: Int
    let what: String
    let host: String
    let isNamed: Bool
    let body: ErrorBody
    /// What else it says, as the end of a sentence.
    let said: String
  }

  static func verdict(
    _ response: TransferResponse, meaning status: Int, what: String, origin: RemoteURL.Origin,
    isNamed: Bool, hiding secrets: Secrets, now: Double
  ) -> RegistryError {
    let body = ErrorBody(response, hiding: secrets)
    let own = response.head.status == status ? "" : " (it calls that \(response.head.status))"
    let answer = Answer(
      response: response, status: status, what: what, host: origin.authority, isNamed: isNamed,
      body: body, said: own + (body.words.map { ": \($0)" } ?? ""))
    if let limit = limit(answer, now: now) { return limit }
    return switch status {
    case 401, 403: denial(answer)
    case 404, 410: absence(answer)
    case 407, 511: loginOnTheWay(answer)
    case 416:
      RegistryError(.rangeRefused, "\(answer.host) does not serve this range of \(what)")
    case 500...599: failure(answer)
    default: oddity(answer)
    }
  }

  /// A 404 or 410.
  private static func absence(_ answer: Answer) -> RegistryError {
    if answer.isNamed, answer.what.hasPrefix("manifest "), PageRule.isPage(answer.response) {
      // A web site says nothing of what a registry has: whoever leads there may lead elsewhere soon.
      var error = RegistryError(
        .serverError(transient: false),
        "\(answer.host) has a web page in place of \(answer.what) (\(answer.status))\(answer.said)")
      error.secondLooks = 2
      return error
    }
    var error = RegistryError(.notFound, "\(answer.host) has no \(answer.what)\(answer.said)")
    error.deniesRepository = answer.body.codes.contains { $0.uppercased() == "NAME_UNKNOWN" }
    return error
  }

  /// That it limits requests; nil: it does not say so.
  private static func limit(_ answer: Answer, now: Double) -> RegistryError? {
    let (status, what) = (answer.status, answer.what)
    let retryAfter = wait(answer.response.head, now: now)
    guard speaksOfLimits(status, answer.response, retryAfter) else { return nil }
    let asked = retryAfter.map { " and asks to wait \(seconds($0)) s" } ?? ""
    return RegistryError(
      .overloaded(retryAfter: retryAfter),
      "\(answer.host) is limiting requests (\(status)) for \(what)\(asked)\(answer.said)",
      hint: limitHint(status, what))
  }

  /// A 401 or 403: who wants or denies what.
  private static func denial(_ answer: Answer) -> RegistryError {
    let (host, what, said) = (answer.host, answer.what, answer.said)
    let isPage = answer.status == 403 && PageRule.isPage(answer.response)
    let hasChallenge =
      answer.status == 401 && answer.response.head.fields["www-authenticate"] != nil
    if answer.isNamed, !isPage, !hasChallenge {
      // No login is for that place. The way there was signed, and that may expire on the way; who is
      // refused by new ones, too, is refused for good.
      var error = RegistryError(
        .protocolError(transient: false),
        "\(host) denies access to \(what) (\(answer.status))\(said)",
        hint: "the registry names that place; who runs it may know why it is closed")
      error.secondLooks = 2
      return error
    }
    if isPage {
      // A guard in front of the registry, not the registry: it passes, as a rule.
      var error = RegistryError(
        .protocolError(transient: false),
        "something in front of \(host) sent a page in place of \(what) (403)",
        hint:
          "a web application firewall or a proxy may want a browser, or know this address too well")
      error.secondLooks = 2
      return error
    }
    return answer.status == 401
      ? RegistryError(
        .unauthorised, "\(host) wants credentials for \(what)\(said)",
        hint: "log in with \"skopeo login\", \"podman login\" or \"docker login\", or use --creds")
      : RegistryError(
        .unauthorised, "\(host) denies access to \(what)\(said)",
        hint: hint(ofStale: answer.body) ?? hintOfRights)
  }

  /// A 407 or 511: somebody before the server wants a login.
  private static func loginOnTheWay(_ answer: Answer) -> RegistryError {
    answer.status == 407
      ? RegistryError(
        .protocolError(transient: false),
        "a proxy on the way to \(answer.host) wants a login (407)\(answer.said)",
        hint: "it takes one, or another than it was given, as "
          + "HTTP_PROXY=http://USER:PASSWORD@HOST:PORT")
      : RegistryError(
        .protocolError(transient: false),
        "\(answer.host) was not reached: the network wants a login first (511)\(answer.said)",
        hint: "open a web page and log in to the network")
  }

  /// Any other 5xx.
  private static func failure(_ answer: Answer) -> RegistryError {
    let (status, host, what) = (answer.status, answer.host, answer.what)
    if status == 503 || status == 529 {
      let meaning = status == 503 ? "not available" : "overloaded"
      return RegistryError(
        .overloaded(retryAfter: nil),
        "\(host) answered \(status) (\(meaning)) for \(what)\(answer.said)", hint: outageHint)
    }
    var error = RegistryError(
      .serverError(transient: !neverTransient.contains(status)),
      "\(host) answered \(status) for \(what)\(answer.said)")
    if !error.isTransient { error.secondLooks = 1 }
    return error
  }

  /// What nothing else is said of.
  private static func oddity(_ answer: Answer) -> RegistryError {
    var error = RegistryError(
      .protocolError(transient: transientStatuses.contains(answer.status)),
      "\(answer.host) answered \(answer.status) for \(answer.what)\(answer.said)",
      hint: hint(answer.response, answer.body))
    if !error.isTransient, !meant4xx.contains(answer.status) { error.secondLooks = 1 }
    return error
  }

  /// What may help where a login was good for some hours, as those of clouds are; nil: nothing says so.
  static func hint(ofStale body: ErrorBody) -> String? {
    guard body.words?.lowercased().contains("expired") ?? false else { return nil }
    return
      "the stored login is over: log in again; a credential helper of the cloud gets new ones itself"
  }

  /// What may help against a 4xx that is about how the server was asked.
  private static func hint(_ response: TransferResponse, _ body: ErrorBody) -> String? {
    if wantsTLS(response) { return "the server speaks HTTPS there: leave out --plain-http" }
    // nginx has 400 for that, once the handshake is over.
    let words = body.words?.lowercased() ?? ""
    if words.contains("ssl certificate error") { return RegistryError.hintOfRefusedCertificate }
    return words.contains("ssl certificate") ? RegistryError.hintOfCertificate : nil
  }

  /// Whether these are the words of a server of TLS for a request that came without.
  static func wantsTLS(_ response: TransferResponse) -> Bool {
    guard response.head.status == 400 else { return false }
    let words = String(outside: response.words.prefix(4096)).uppercased()
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
    "limit exceeded", "exceeded your", "abuse detection", "quota exceeded", "bandwidth limit",
    "too many concurrent", "too many connections",
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
    let text = String(outside: response.words.prefix(16 << 10)).lowercased()
    return isSpent || limitWords.contains { text.contains($0) }
  }

  private static func wait(_ head: ResponseHead, now: Double) -> Double? {
    // A date is of the server's clock; ours may be years off.
    let sentAt = head.fields["date"].flatMap { HTTPDate.secondsSince1970($0, now: now) } ?? now
    return head.fields["retry-after"].flatMap { RetryAfter.seconds($0, now: sentAt) }
  }

  private static func seconds(_ wait: Double) -> Int { Int(clamping: wait.rounded(.up)) }
}
