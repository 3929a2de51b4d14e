import FoundationEssentials
import Text
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
    let query = url?.target.cut(at: "?")?.after ?? ""
    // `ns` tells a mirror whose image is meant.
    let signatures = query.parts(at: "&").filter { !$0.begins(with: "ns=") }.compactMap {
      ($0.cut(at: "=")?.after).map(String.init)
    }
    let token = authorization?.parts(at: " ").last.map(String.init)
    let decoded = token.flatMap { Data(base64Encoded: $0) }.map {
      String(decoding: $0, as: UTF8.self)
    }
    let password = (decoded?.cut(at: ":")?.after).map(String.init)
    self.init([token, password].compactMap { $0 } + signatures.filter { $0.count > 6 })
  }

  /// - Parameter credential: what a token server was given.
  init(_ credential: Credential?) {
    let basic = Secrets(authorization: credential?.basicHeader)
    self.init(basic.values + [credential?.refreshToken].compactMap { $0 })
  }

  // Longer ones first: one may be part of another. What is shorter than three characters stands in
  // every other word.
  private init(_ values: [String]) {
    let sorted = values.filter { $0.utf8.count > 2 }.sorted { $0.utf8.count > $1.utf8.count }
    self.values = Array(sorted.prefix(Self.mostValues))
  }

  /// The text without them; only its first few thousand bytes, since the work grows with the text
  /// and with what is hidden.
  func redact(_ text: some StringProtocol) -> String {
    let known = hiding(Array(text.utf8.prefix(Self.mostRead)))
    return known.parts(at: " ", keepingEmpty: true).map { word in
      // Signatures are in queries.
      if let (place, query) = word.cut(at: "?"), query.has("=") {
        return place + "?…"
      }
      let isTokenLike =
        word.utf8.count > 80
        && !["sha256:", "sha512:"].contains { word.utf8.firstRange(of: $0.utf8) != nil }
      return isTokenLike ? "…" : word
    }.joined(separator: " ")
  }

  /// The most values that are looked for; nobody signs with more, and the work grows with their number.
  private static let mostValues = 256
  /// The most bytes of a text that are of interest: what is shown of it is shorter.
  private static let mostRead = 4_096

  /// The text with `…` in place of each value: one look at every place, at the values that begin
  /// with what stands there.
  private func hiding(_ text: [UInt8]) -> String {
    let wanted = Dictionary(grouping: values.map { Array($0.utf8) }) { Self.start(of: $0[...]) }
    var result: [UInt8] = []
    var rest = text[...]
    while let byte = rest.first {
      // Longer values come first among those that begin alike.
      if let value = wanted[Self.start(of: rest)]?.first(where: { rest.starts(with: $0) }) {
        result += Array("…".utf8)
        rest = rest.dropFirst(value.count)
      } else {
        result.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The first bytes, by which values are found; none is shorter.
  private static func start(of bytes: ArraySlice<UInt8>) -> Int {
    bytes.prefix(3).reduce(0) { $0 << 8 | Int($1) }
  }
}
