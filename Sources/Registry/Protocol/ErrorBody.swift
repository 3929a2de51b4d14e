import FoundationEssentials
import OCI
import Text
import Transfer

/// What a registry said went wrong, in the form of the distribution specification, or storage in its own.
struct ErrorBody {
  /// The registry's words, capped, safe for a terminal and without secrets; nil where it had none.
  let words: String?
  /// Its error codes, for example `MANIFEST_UNKNOWN`.
  let codes: [String]

  private static let limit = 200
  /// The most characters that are looked at: what is behind them is not shown anyway.
  private static let mostRead = 1_000
  /// The most bytes that are taken for a document.
  private static let mostParsed = 64 << 10

  /// Reads a response's body; `secrets` are what the request carried.
  init(_ response: TransferResponse, hiding secrets: Secrets = Secrets()) {
    self.init(
      response.words, contentType: response.head.fields["content-type"], hiding: secrets)
  }

  init(_ body: [UInt8], contentType: String?, hiding secrets: Secrets = Secrets()) {
    let found = LooseJSON(Data(body.prefix(Self.mostParsed)))
    let document = found?.members == nil ? nil : found
    let entries = (document?["errors"]?.elements ?? []).prefix(Self.mostEntries)
      .flatMap { Self.origins(of: $0) }.prefix(Self.mostEntries)
    codes = entries.compactMap {
      $0["code"]?.string.map { secrets.redact($0.prefix(Self.mostRead)).shownSafely(limit: 60) }
    }
    var parts = entries.compactMap(Self.words)
    if parts.isEmpty {
      parts = ["message", "details", "error_description", "error"]
        .compactMap { document?[$0]?.string }.prefix(1).map { String($0.prefix(Self.mostRead)) }
    }
    if parts.isEmpty, document == nil {
      parts = StorageError(body).parts.map { String($0.prefix(Self.mostRead)) }
    }
    if parts.isEmpty, document == nil { parts = PageRule.title(body).map { [$0] } ?? [] }
    if parts.isEmpty, document == nil, contentType?.hasPrefix("text/plain") == true {
      parts = [String(outside: body.prefix(1000))]
    }
    let text = parts.filter { !$0.isEmpty }.joined(separator: "; ")
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    words = text.isEmpty ? nil : secrets.redact(text).shownSafely(limit: Self.limit)
  }

  /// The entries that an entry without a meaning of its own hands on: a cache's, of what its upstream said.
  ///
  /// One cache may have another one before it.
  private static func origins(of entry: LooseJSON, depth: Int = mostEntries) -> [LooseJSON] {
    guard depth > 0, ErrorCode.saysNothing(entry["code"]?.string), let detail = entry["detail"]
    else { return [entry] }
    let inner = (detail["errors"]?.elements ?? detail.elements ?? [])
      .prefix(mostEntries).filter { $0["code"]?.string != nil }
    return inner.isEmpty ? [entry] : inner.flatMap { origins(of: $0, depth: depth - 1) }
  }

  /// The most entries that are looked at, and the most caches behind each other.
  private static let mostEntries = 3

  /// What an entry says: its message, else its code; where that is nothing, with what it adds to it.
  private static func words(_ entry: LooseJSON) -> String? {
    let code = entry["code"]?.string
    let message = entry["message"]?.string ?? ""
    let isNothing = message.isEmpty || ErrorCode.saysNothing(code)
    let parts = [
      message.isEmpty ? code : message, isNothing ? entry["detail"].flatMap(detail) : nil,
    ]
    let said = parts.compactMap { $0 }.filter { !$0.isEmpty }.map { String($0.prefix(mostRead)) }
    return said.isEmpty ? nil : said.joined(separator: ": ")
  }

  /// What a detail says, which may be anything: strings and numbers, by their names where they have some.
  private static func detail(_ value: LooseJSON) -> String? {
    var leaves: [String] = []
    func gather(_ value: LooseJSON, _ name: String?) {
      guard leaves.count < mostLeaves else { return }
      switch value {
      case .string(let text) where !text.isEmpty:
        leaves.append((name.map { "\($0) " } ?? "") + text.prefix(mostRead))
      case .number(let number):
        let text = Int(exactly: number).map { "\($0)" } ?? "\(number)"
        leaves.append((name.map { "\($0) " } ?? "") + text)
      case .array(let elements): for element in elements { gather(element, name) }
      case .object(let members):
        for (name, value) in members.sorted(by: { $0.key < $1.key }) where !isSecret(name) {
          gather(value, String(name.prefix(mostNamed)))
        }
      case .string, .other: break
      }
    }
    gather(value, nil)
    return leaves.isEmpty ? nil : leaves.joined(separator: ", ")
  }

  /// The most values of a detail that are told.
  private static let mostLeaves = 8
  /// The most characters of a name of theirs.
  private static let mostNamed = 40

  /// Whether what has this name may be a secret, whatever it looks like.
  private static func isSecret(_ name: String) -> Bool {
    let name = name.prefix(mostRead).lowercased()
    return ["token", "secret", "password", "auth", "credential", "signature", "key", "cookie"]
      .contains { name.contains($0) }
  }
}
