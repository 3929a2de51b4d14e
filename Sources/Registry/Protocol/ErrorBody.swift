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

  private struct Document: Decodable {
    struct Entry: Decodable {
      var code: String?
      var message: String?
    }
    var errors: [Entry]?
    var message: String?
    var details: String?
    var error: String?
    var errorDescription: String?

    enum CodingKeys: String, CodingKey {
      case errors, message, details, error
      case errorDescription = "error_description"
    }
  }

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
    let document = try? OutsideJSON.decode(
      Document.self, from: Data(body.prefix(Self.mostParsed)))
    let entries = (document?.errors ?? []).prefix(3)
    codes = entries.compactMap {
      $0.code.map { secrets.redact($0.prefix(Self.mostRead)).shownSafely(limit: 60) }
    }
    var parts = entries.compactMap { $0.message ?? $0.code }.map {
      String($0.prefix(Self.mostRead))
    }
    if parts.isEmpty {
      parts = [document?.message, document?.details, document?.errorDescription, document?.error]
        .compactMap { $0 }.prefix(1).map { String($0.prefix(Self.mostRead)) }
    }
    if parts.isEmpty, document == nil {
      parts = StorageError(body).parts.map { String($0.prefix(Self.mostRead)) }
    }
    if parts.isEmpty, document == nil { parts = PageRule.title(body).map { [$0] } ?? [] }
    if parts.isEmpty, document == nil, contentType?.hasPrefix("text/plain") == true {
      parts = [String(outside: body.prefix(1000))]
    }
    let text = parts.filter { !$0.isEmpty }.joined(separator: "; ")
      .split(whereSeparator: \.isNewline).joined(separator: " ")
    words = text.isEmpty ? nil : secrets.redact(text).shownSafely(limit: Self.limit)
  }
}
