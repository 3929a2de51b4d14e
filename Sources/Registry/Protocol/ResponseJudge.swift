import OCI
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
      hint: hint(ofStale: body) ?? hintOfLogin)
  }

  /// What may help where a login is refused.
  static let hintOfLogin =
    "check --creds, or the login in the file that --explain-endpoints of inspect names"
  /// What may be wrong where a login is taken, and does not suffice.
  static let hintOfRights = "the credentials in use may not be allowed to pull it"

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
    let meaning = response.meaning
    var error = verdict(
      response, meaning: meaning, what: what, origin: origin, isNamed: isNamed, hiding: secrets,
      now: now)
    error.status = meaning
    // The status says something else than the code: that it may pass, or that nobody understood.
    if meaning != response.head.status, !error.isTransient {
      error.secondLooks = max(1, error.secondLooks)
    }
    return error
  }
}

extension ResponseHead {
  /// Whether the body is all of what was asked for: as the server has it, or as something on the
  /// way passed it on (203).
  var isWhole: Bool { [200, 203].contains(status) }
}
