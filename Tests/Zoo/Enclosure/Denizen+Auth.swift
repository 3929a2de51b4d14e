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
      let good = [Self.tokenOfKeeper, Self.tokenOfAnybody].map {
        Self.token($0, for: scope(of: visit))
      }
      if let token, good.contains(token) { return nil }
      if bearer.takesBasic, header == Keeper.basic { return nil }
      let status = token == Self.powerlessToken ? bearer.powerless : 401
      return dialect.errors.answer(status, status == 401 ? challenge(bearer, visit) : [])
    }
  }

  private func scope(of visit: Visit) -> String { "repository:\(visit.repository):pull" }

  private func challenge(_ bearer: Auth.Bearer, _ visit: Visit) -> [(String, String)] {
    let realm = visit.url(bearer.isElsewhere ? .tokens : .registry, bearer.path)
    return [
      (
        "WWW-Authenticate",
        bearer.challenge.replacing("REALM", with: realm)
          .replacing("HOST", with: visit.hosts[.registry] ?? "")
          .replacing("SCOPE", with: scope(of: visit))
      )
    ]
  }

  /// A token is good for what it was asked for.
  private static func token(_ name: String, for scope: String) -> String {
    "\(name).\(Data(scope.utf8).base64EncodedString())"
  }

  /// The token service.
  func token(_ visit: Visit) -> Answer {
    guard case .bearer(let bearer) = dialect.auth else { return dialect.errors.answer(404) }
    let request = visit.request
    guard request.method == "GET" || bearer.knowsOAuth else { return dialect.errors.answer(404) }
    guard let scope = request.query["scope"] else { return dialect.errors.answer(400) }
    let token: String
    switch request["authorization"] {
    case Keeper.basic: token = Self.token(Self.tokenOfKeeper, for: scope)
    case nil:
      switch bearer.anonymous {
      case .token: token = Self.token(Self.tokenOfAnybody, for: scope)
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
