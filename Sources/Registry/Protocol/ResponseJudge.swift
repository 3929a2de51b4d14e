import Transfer

/// What a response's status means, for any request to a registry.
enum ResponseJudge {
  /// The error of a 401 that came although a token was got: what is not there looks like this too.
  static func refusedInSpiteOfToken(
    _ response: TransferResponse, what: String, origin: RemoteURL.Origin, hiding secrets: Secrets
  ) -> RegistryError {
    let body = ErrorBody(response, hiding: secrets)
    let said = body.words.map { ": \($0)" } ?? ""
    return RegistryError(
      .unauthorised, "\(origin.authority) has no \(what), or wants credentials for it\(said)",
      hint: "check the name; for a private image log in with \"skopeo login\" or use --creds")
  }

  /// The error of a response that is no success and no redirect.
  ///
  /// - Parameters:
  ///   - response: status, fields and a capped body.
  ///   - what: what was asked for, for example `manifest library/ubuntu:latest`.
  ///   - origin: who answered.
  ///   - secrets: what the request carried.
  ///   - now: seconds since 1970, for a `Retry-After` date of a server that does not send its own time.
  static func error(
    _ response: TransferResponse, what: String, origin: RemoteURL.Origin,
    hiding secrets: Secrets = Secrets(), now: Double
  ) -> RegistryError {
    let status = response.head.status
    let body = ErrorBody(response, hiding: secrets)
    let said = body.words.map { ": \($0)" } ?? ""
    let host = origin.authority
    switch status {
    case 401:
      return RegistryError(
        .unauthorised, "\(host) wants credentials for \(what)\(said)",
        hint: "log in with \"skopeo login\", \"podman login\" or \"docker login\", or use --creds")
    case 403:
      return RegistryError(
        .unauthorised, "\(host) denies access to \(what)\(said)",
        hint: "the credentials in use may not be allowed to pull it")
    case 404, 410:
      return RegistryError(.notFound, "\(host) has no \(what)\(said)")
    case 408, 425, 500, 502, 504:
      return RegistryError(
        .protocolError(transient: true), "\(host) answered \(status) for \(what)\(said)")
    case 429, 503:
      let fields = response.head.fields
      // A date is of the server's clock; ours may be years off.
      let sentAt = fields["date"].flatMap(HTTPDate.secondsSince1970) ?? now
      let wait = fields["retry-after"].flatMap { RetryAfter.seconds($0, now: sentAt) }
      let asked = wait.map { " and asks to wait \(Int($0.rounded(.up))) s" } ?? ""
      return RegistryError(
        .overloaded(retryAfter: wait),
        "\(host) is limiting requests (\(status)) for \(what)\(asked)\(said)",
        hint: status == 429 ? "fewer --workers, or logging in, may raise the limit" : nil)
    case 416:
      return RegistryError(.rangeRefused, "\(host) does not serve this range of \(what)")
    default:
      let isTLSMixUp =
        status == 400
        && String(decoding: response.body.prefix(4096), as: UTF8.self).uppercased().contains(
          "HTTPS")
      return RegistryError(
        .protocolError(transient: false), "\(host) answered \(status) for \(what)\(said)",
        hint: isTLSMixUp ? "the server speaks HTTPS there: leave out --plain-http" : nil)
    }
  }
}
