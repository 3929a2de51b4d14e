/// The endpoints of this kind that a request came through, by `Via` (RFC 9110, 7.6.3).
///
/// Two that have each other as mirrors would ask each other until connections or patience end. Each
/// adds a name that only its process has, passes on those of others, and answers no request that
/// has its own.
package struct ViaChain: Hashable, Sendable {
  /// In order; nothing that others than endpoints of this kind wrote.
  let names: [String]

  /// Nobody.
  package static let empty = ViaChain([])

  /// So many endpoints may ask each other in a row.
  private static let most = 8
  private static let prefix = "cairn-"

  private init(_ names: [String]) { self.names = names }

  /// Reads every `Via` of a request.
  init(fields: [String]) {
    let hops = fields.flatMap { $0.split(separator: ",") }
    names = hops.compactMap { hop in
      let words = hop.split(separator: " ")
      guard words.count >= 2, words[1].hasPrefix(Self.prefix),
        words[1].utf8.count == Self.prefix.utf8.count + 16,
        words[1].dropFirst(Self.prefix.count).allSatisfy(\.isHexDigit)
      else { return nil }
      return String(words[1])
    }
  }

  /// A name for an endpoint.
  static func newName() -> String {
    let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
    return prefix + String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Whether a request with it is to go no further.
  ///
  /// - Parameter name: of the endpoint that has it.
  func isRing(for name: String) -> Bool { names.contains(name) || names.count >= Self.most }

  /// The value of `Via` that an endpoint sends.
  ///
  /// - Parameter name: its own.
  func field(adding name: String) -> String {
    (names + [name]).map { "1.1 \($0)" }.joined(separator: ", ")
  }
}
