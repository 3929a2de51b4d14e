import Transfer

/// A way to be let in that a challenge offers.
enum Way: Hashable {
  /// A token of this service.
  case bearer(TokenForm)
  /// User name and password.
  case basic
  /// The same token as before, a moment later.
  case again

  var isToken: Bool { realm != nil }

  /// The token service; nil: none is asked.
  var realm: RemoteURL? { if case .bearer(let form) = self { form.realm } else { nil } }

  /// Times that it is gone for one request: a token may have died, a password has not.
  private var limit: Int {
    switch self {
    case .bearer: 2
    case .basic, .again: 1
    }
  }

  /// Tokens that one answer may name, beside the usual ones: who names hundreds is asked for the first.
  private static let mostForms = 4

  /// The ways that challenges offer, tokens first; and why one that names a token service offers none.
  ///
  /// Behind the tokens that challenges name come those that who pulls has need of, from the same
  /// services: some name a placeholder, the catalog, or more than anybody may have.
  static func offered(by challenges: [Challenge], for scope: Authorizer.Scope) -> (
    [Way], RegistryError?
  ) {
    var (forms, failure): ([TokenForm], RegistryError?) = ([], nil)
    var offersBasic = challenges.contains { $0.scheme == "basic" }
    for challenge in challenges where challenge.scheme == "bearer" && forms.count < mostForms {
      do throws(RegistryError) {
        let form = try TokenForm(challenge, scope: scope)
        if !forms.contains(form) { forms.append(form) }
      } catch {
        failure = error
        // Who names no place for tokens may mean passwords.
        if error.kind != .refusedTarget { offersBasic = true }
      }
    }
    let usual = forms.map { $0.asking(for: TokenForm.usualScope(scope.repository)) }
    let ways = (forms + usual).map { Way.bearer($0) }
    return (ways + (offersBasic ? [.basic] : []), failure)
  }

  /// The ways still worth going, in order: what was tried least comes first.
  ///
  /// - Parameters:
  ///   - ways: in the order of preference.
  ///   - tried: how often each was gone for this request.
  static func open(_ ways: [Way], tried: [Way: Int]) -> [Way] {
    var seen: Set<Way> = []
    let open = ways.filter { seen.insert($0).inserted && tried[$0, default: 0] < $0.limit }
    return [0, 1].flatMap { count in open.filter { tried[$0, default: 0] == count } }
  }
}

/// What is shown from now on, and how it was come by.
struct Pass: Sendable {
  /// The `Authorization` field.
  var header: String
  /// nil: another request got it.
  var way: Way?
}
