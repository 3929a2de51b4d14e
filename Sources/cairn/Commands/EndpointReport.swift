import FoundationEssentials
import OCI
import Registry
import Transfer

/// What `cairn inspect --explain-endpoints` prints: who will be asked for an image, in which order,
/// with what, and which file says so.
///
/// Nobody is asked, and no secret is in it: of header fields it has the names, of credentials the place.
struct EndpointReport: Encodable {
  /// A server.
  struct Row: Encodable {
    /// What stands before `/manifests/` and `/blobs/`, with the query.
    var url: String
    /// What it is asked for: `tags`, `content`.
    var asks: [String]
    /// `checked`, `not checked` or `none`, which is plain HTTP.
    var tls: String
    /// Whether plain HTTP is spoken if it turns out not to speak TLS.
    var mayBePlain: Bool
    /// Authorities that are trusted beside the system's, or in their place where `trustsOnlyThem`.
    var caFiles: [String]
    /// Whether the system's authorities are not.
    var trustsOnlyThem: Bool
    /// The certificate that proves to it who asks.
    var clientCertificate: String?
    var clientKey: String?
    /// Names of further fields of requests.
    var fields: [String]
    /// Where credentials would come from, first to be asked first.
    var credentials: [String]
    /// Between this machine and it.
    var proxy: String?
    /// Seconds to connect.
    var connectTimeout: Double
    /// The file that names it; nil: the image's name does.
    var source: String?
  }

  var reference: String
  /// The file that speaks of its mirrors; nil: none does.
  var source: String?
  /// Why the registry itself is not asked; nil: it is.
  var blocked: String?
  var endpoints: [Row]

  init(
    _ reference: Reference, _ plan: EndpointPlan, _ credentials: CredentialChain,
    _ settings: TransferSettings
  ) {
    self.reference = reference.description
    source = plan.source
    blocked = plan.blocks
    endpoints = plan.endpoints.map { Self.row(reference, $0, credentials, settings) }
  }

  private static func row(
    _ reference: Reference, _ endpoint: Endpoint, _ credentials: CredentialChain,
    _ settings: TransferSettings
  ) -> Row {
    let repository = endpoint.repository(of: reference)
    let isTLS = endpoint.origin.scheme == "https"
    let isChecked = settings.verifiesTLS && !endpoint.access.skipsVerification
    let asks = (endpoint.resolvesTags ? ["tags"] : []) + (endpoint.servesContent ? ["content"] : [])
    let authorities = settings.trust.files(beside: endpoint.access.caFiles)
    let found = credentials.sources(
      registry: endpoint.registry(of: reference), repository: repository)
    let names = endpoint.fields.all.map { $0.name.lowercased() }
    return Row(
      url: "\(endpoint.origin)\(endpoint.pathPrefix)/\(repository)"
        + (endpoint.namespace.map { "?ns=\($0)" } ?? ""),
      asks: asks, tls: !isTLS ? "none" : isChecked ? "checked" : "not checked",
      mayBePlain: endpoint.allowsPlainFallback, caFiles: isTLS ? authorities.files : [],
      trustsOnlyThem: isTLS && authorities.standAlone,
      clientCertificate: isTLS ? endpoint.access.clientCertificate?.certificate : nil,
      clientKey: isTLS ? endpoint.access.clientCertificate?.key : nil,
      fields: names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.element),
      credentials: found.map(words),
      proxy: endpoint.access.proxy?.description ?? proxy(settings, endpoint.origin),
      connectTimeout: endpoint.access.connectTimeout ?? settings.connectTimeout,
      source: endpoint.source)
  }

  private static func words(_ source: CredentialSource) -> String {
    switch source {
    case .option: "--creds"
    case .environment: "$DOCKER_AUTH_CONFIG"
    case .file(let path): path
    case .helper(let name, let file):
      "docker-credential-\(name.shownSafely(limit: 60)), which \(file) names, would be asked"
    }
  }

  private static func proxy(_ settings: TransferSettings, _ origin: RemoteURL.Origin) -> String? {
    do throws(TransferError) {
      return try settings.proxies.proxy(for: origin)?.description
    } catch {
      return error.message
    }
  }

  // MARK: Printing

  /// One document of them all.
  static func json(_ reports: [EndpointReport]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(["images": reports])).map { String(decoding: $0, as: UTF8.self) }
      ?? "{}"
  }

  var text: String {
    var lines = [
      "image        \(reference)", "mirrors      \(source.map { "by \($0)" } ?? "none")",
    ]
    if let blocked { lines.append("not asked    its registry: \(blocked)") }
    for (number, row) in endpoints.enumerated() { lines += Self.lines(number + 1, row) }
    return lines.map { $0.shownSafely(limit: 1_000) }.joined(separator: "\n")
  }

  private static func lines(_ number: Int, _ row: Row) -> [String] {
    var tls = row.tls == "none" ? "plain HTTP" : "TLS, certificates \(row.tls)"
    if row.mayBePlain { tls += "; plain HTTP where it speaks no TLS" }
    var lines = [
      "\(number)  \(row.url)",
      "asked for    \(row.asks.isEmpty ? "nothing" : row.asks.joined(separator: ", "))",
      "connection   \(tls)",
    ]
    lines += row.caFiles.map { "trusts       \($0)" }
    if row.trustsOnlyThem { lines.append("             and no other authority") }
    if let certificate = row.clientCertificate {
      lines.append("shows        \(certificate)" + (row.clientKey.map { ", key \($0)" } ?? ""))
    }
    if !row.fields.isEmpty { lines.append("fields       \(row.fields.joined(separator: ", "))") }
    lines += [
      "credentials  \(row.credentials.isEmpty ? "none" : row.credentials.joined(separator: "; then "))",
      "proxy        \(row.proxy ?? "none")",
      "connects in  \(row.connectTimeout) s",
      "named by     \(row.source ?? "the image's name")",
    ]
    return [lines[0]] + lines.dropFirst().map { "   " + $0 }
  }
}
