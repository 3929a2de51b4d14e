import Foundation
import Support

/// Who may have the image.
extension Denizen {
  private static let tokenOfKeeper = "token-of-the-keeper"
  private static let tokenOfAnybody = "token-of-anybody"
  private static let powerlessToken = "token-without-power"

  /// The refusal of a visit; nil where it may have what it wants.
  func refusal(_ visit: Visit) -> Answer? {
    let header = visit.request["authorization"]
    switch dialect.auth {
    case .open: return nil
    case .basic(let basic):
      guard header != Keeper.basic else { return nil }
      let challenge = basic.challenge.replacing("HOST", with: visit.hosts[.registry] ?? "")
      return dialect.errors.answer(401, [("WWW-Authenticate", challenge)] + basic.fields)
    case .bearer(let bearer):
      let token = header.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
      if let token, isGood(token, bearer, for: visit) { return nil }
      if bearer.takesBasic, header == Keeper.basic { return nil }
      let status = token == Self.powerlessToken ? bearer.powerless : 401
      return dialect.errors.answer(status, status == 401 ? challenge(bearer, visit) : [])
    }
  }

  private func scope(of visit: Visit, _ bearer: Auth.Bearer) -> String {
    let path = bearer.omitsPathPrefix ? Self.repository : visit.repository
    return "repository:\(path):pull"
  }

  private func challenge(_ bearer: Auth.Bearer, _ visit: Visit) -> [(String, String)] {
    let realm = visit.url(bearer.isElsewhere ? .tokens : .registry, bearer.path)
    return [
      (
        "WWW-Authenticate",
        bearer.challenge.replacing("REALM", with: realm)
          .replacing("HOST", with: visit.hosts[.registry] ?? "")
          .replacing("SCOPE", with: scope(of: visit, bearer))
      )
    ]
  }

  /// A token is good for what it was asked for, and no two are the same.
  private func token(_ name: String, for scope: String, _ visit: Visit) -> String {
    "\(name).\(Data(scope.utf8).base64EncodedString()).\(visit.tokens)"
  }

  private func isGood(_ token: String, _ bearer: Auth.Bearer, for visit: Visit) -> Bool {
    let scope = scope(of: visit, bearer)
    let parts = token.split(separator: ".")
    return parts.count == 3 && [Self.tokenOfKeeper, Self.tokenOfAnybody].contains("\(parts[0])")
      && (!bearer.mindsScope || parts[1] == Data(scope.utf8).base64EncodedString())
  }

  /// The token service.
  func token(_ visit: Visit) -> Answer {
    guard case .bearer(let bearer) = dialect.auth else { return dialect.errors.answer(404) }
    let request = visit.request
    guard request.method == "GET" || bearer.knowsOAuth else { return dialect.errors.answer(404) }
    guard let scope = request.query["scope"] else { return dialect.errors.answer(400) }
    let token: String
    switch request["authorization"] {
    case Keeper.basic: token = self.token(Self.tokenOfKeeper, for: scope, visit)
    case nil:
      switch bearer.anonymous {
      case .token: token = self.token(Self.tokenOfAnybody, for: scope, visit)
      case .powerlessToken: token = Self.powerlessToken
      case .refused(let status): return dialect.errors.answer(status)
      }
    default: return dialect.errors.answer(bearer.wrongPassword)
    }
    return Answer(
      200, [("Content-Type", "application/json" + bearer.typeSuffix)],
      bearer.document.replacing("TOKEN", with: token))
  }
}
