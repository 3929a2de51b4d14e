import Text
import Transfer

/// An answer that is not what was asked for, read for what it says about how one is let in.
struct Denial: Sendable {
  /// As its error code means it.
  let status: Int
  /// Bearer and Basic challenges, realms as absolute URLs where they can be.
  let challenges: [Challenge]
  /// Whether there were challenges of any kind.
  let hasOthers: Bool
  /// Whether its words or its challenge say that a token is not liked any more.
  let dislikesToken: Bool
  /// Whether its challenge says that the token is one, and good for something else.
  let wantsOtherScope: Bool
  private let isPage: Bool

  /// The most bytes of a body that are read for words.
  private static let wordLimit = 16 << 10

  /// Reads an answer.
  ///
  /// - Parameters:
  ///   - response: a denial, or a page in place of content.
  ///   - url: what was asked for.
  init(_ response: TransferResponse, at url: RemoteURL) {
    status = response.meaning
    let all = response.head.fields.values("www-authenticate").flatMap { Challenge.parse($0) }
    challenges = all.compactMap { challenge in
      guard challenge.scheme == "bearer" else {
        return challenge.scheme == "basic" ? challenge : nil
      }
      var challenge = challenge
      if case .place(let place) = TokenService.realm(challenge.parameters["realm"], at: url) {
        challenge.parameters["realm"] = place
      } else {
        challenge.parameters["realm"] = nil
      }
      return challenge
    }
    hasOthers = !all.isEmpty
    wantsOtherScope = all.contains { $0.parameters["error"] == "insufficient_scope" }
    isPage = PageRule.isPage(response)
    let text = String(outside: response.words.prefix(Self.wordLimit)).lowercased()
    let speaksOfToken = ["token", "jwt", "bearer"].contains { text.contains($0) }
    dislikesToken =
      all.contains { $0.parameters["error"] == "invalid_token" }
      || (speaksOfToken
        && ["expire", "invalid", "not valid", "no longer", "not yet", "revoked", "malformed"]
          .contains { text.contains($0) })
  }

  /// A page of a place that a registry sends those who showed nothing: what it says itself is not
  /// about the registry.
  static let loginPage = Denial()

  private init() {
    status = 200
    challenges = []
    hasOthers = false
    dislikesToken = false
    wantsOtherScope = false
    isPage = true
  }

  /// Whether its status is one that registries have for who shows nothing.
  var isRefusal: Bool { [400, 401, 403, 404].contains(status) }

  /// Whether something else might be shown.
  ///
  /// - Parameter shown: what was shown already.
  func wantsMore(than shown: String?) -> Bool {
    guard let shown else { return isRefusal || (isPage && (200..<300).contains(status)) }
    // Who was shown something and says no to the thing itself means it.
    switch status {
    case 401: return true
    case 400, 403: return !challenges.isEmpty || (dislikesToken && shown.hasPrefix("Bearer "))
    default: return false
    }
  }
}
