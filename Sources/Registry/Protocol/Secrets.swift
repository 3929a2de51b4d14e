import FoundationEssentials
import Transfer

/// Keeps secrets out of what is shown: those that a request carried, and whatever looks like one.
struct Secrets {
  private let values: [String]

  /// Nothing is known: only looks count.
  init() { values = [] }

  /// - Parameters:
  ///   - authorization: a request's field; of Basic the password alone is hidden, too.
  ///   - url: where to; signatures are in its query.
  init(authorization: String? = nil, url: RemoteURL? = nil) {
    let query = url?.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    // `ns` tells a mirror whose image is meant.
    let signatures = query.split(separator: "&").filter { !$0.hasPrefix("ns=") }.compactMap {
      $0.split(separator: "=", maxSplits: 1).dropFirst().first.map(String.init)
    }
    let token = authorization?.split(separator: " ").last.map(String.init)
    let decoded = token.flatMap { Data(base64Encoded: $0) }.map {
      String(decoding: $0, as: UTF8.self)
    }
    let password = decoded?.split(separator: ":", maxSplits: 1).dropFirst().first.map(String.init)
    self.init([token, password].compactMap { $0 } + signatures.filter { $0.count > 6 })
  }

  /// - Parameter credential: what a token server was given.
  init(_ credential: Credential?) {
    let basic = Secrets(authorization: credential?.basicHeader)
    self.init(basic.values + [credential?.refreshToken].compactMap { $0 })
  }

  // Longer ones first: one may be part of another. What is shorter than three characters stands in every other word.
  private init(_ values: [String]) {
    self.values = values.filter { $0.count > 2 }.sorted { $0.count > $1.count }
  }

  /// The text without them.
  func redact(_ text: some StringProtocol) -> String {
    let known = values.reduce(String(text)) { $0.replacing($1, with: "…") }
    return known.split(separator: " ", omittingEmptySubsequences: false).map { word in
      // Signatures are in queries.
      if let query = word.firstIndex(of: "?"), word[query...].contains("=") {
        return word[..<query] + "?…"
      }
      let isTokenLike =
        word.utf8.count > 80 && !word.contains("sha256:") && !word.contains("sha512:")
      return isTokenLike ? "…" : word
    }.joined(separator: " ")
  }
}
