import OCI
import Transfer
import TOML
import Text

/// What a `hosts.toml` says about one server: a `[host]` table, or the keys at the file's root.
struct HostSettings: Sendable, Equatable {
  /// A value that is none of those which a key may have.
  struct Invalid: Error, Equatable {
    let reason: String
  }

  /// Whether it may say what a tag means; nil: the file does not say.
  private(set) var resolves: Bool?
  /// Whether it serves content; nil: the file does not say.
  private(set) var serves: Bool?
  private(set) var access = ServerAccess()
  private(set) var fields = HTTPFields()
  private(set) var overridesPath = false
  /// Whether `ca`, `client` or `skip_verify` is there, whatever it says: then even a server that is
  /// named by `http` is tried by TLS.
  private(set) var speaksOfTLS = false
  /// What cannot be honoured, in words without secrets.
  private(set) var warnings: [String] = []

  /// The keys of a `[host]` table.
  static let keys: Set<String> = [
    "capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout",
    "proxy",
  ]

  /// The longest time to connect, in seconds.
  private static let longestDial = 86_400.0

  init() {}

  /// Reads a table.
  ///
  /// - Parameters:
  ///   - table: of the file.
  ///   - folder: where the file is, which paths are relative to.
  ///   - others: keys that belong to somebody else.
  /// - Throws: `Invalid` for a value without which the server must not be asked: a proxy that would
  ///   be gone around, capabilities that nobody knows, other names. What else makes no sense is passed
  ///   over, or taken for what they must mean, with a warning.
  /// - Source: containerd's docs/hosts.md and core/remotes/docker/config/hosts.go.
  init(_ table: TOMLTable, folder: String, besides others: Set<String> = []) throws(Invalid) {
    // Whoever wrote that said that the plain name is something else there.
    guard table["rewrite"] == nil else {
      throw Invalid(reason: "rewrite, which k3s and RKE2 have, is not supported")
    }
    for key in table.keys where !Self.keys.contains(key) && !others.contains(key) {
      warnings.append("\(key.shownSafely(limit: 60)) is not supported and passed over")
    }
    try readCapabilities(table)
    access.caFiles = paths("ca", table, folder)
    readClient(table, folder)
    access.skipsVerification = flag("skip_verify", table) ?? false
    overridesPath = flag("override_path", table) ?? false
    speaksOfTLS = ["ca", "client", "skip_verify"].contains { table[$0] != nil }
    readHeader(table)
    readDialTimeout(table)
    access.proxy = try Self.proxy(table)
  }

  /// The `proxy` of a table, which stands over those of the environment, and over their exceptions.
  static func proxy(_ table: TOMLTable) throws(Invalid) -> Proxy? {
    guard let value = table["proxy"] else { return nil }
    // Never repeated: it may hold a password.
    let invalid = Invalid(reason: "proxy is no address such as \"http://proxy.example:3128\"")
    guard let text = value.string else { throw invalid }
    guard !text.isEmpty else { return nil }
    let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
    guard !rest.drop(while: { $0 != "/" }).dropFirst().contains(where: { $0 != "/" }),
      let proxy = try? Proxy(text), [.http, .https, .socks5h].contains(proxy.scheme)
    else { throw invalid }
    return proxy
  }

  private mutating func readCapabilities(_ table: TOMLTable) throws(Invalid) {
    guard let value = table["capabilities"] else { return }
    if value.string != nil { warn("capabilities is no array of strings, and taken for one") }
    guard let names = value.strings ?? value.string.map({ [$0] }) else {
      throw Invalid(reason: "capabilities is no array of strings")
    }
    // An empty list means all, as with containerd.
    guard !names.isEmpty else { return }
    let known = ["pull", "resolve", "push", "referrers"]
    let lower = names.map { $0.lowercased() }
    for other in lower where !known.contains(other) {
      let words = "there is no capability \"\(other.shownSafely(limit: 60))\""
      guard lower.contains(where: known.contains) else { throw Invalid(reason: words) }
      warn(words)
    }
    resolves = lower.contains("resolve")
    serves = lower.contains("pull")
  }

  /// A file, files, or pairs of files.
  private mutating func readClient(_ table: TOMLTable, _ folder: String) {
    guard let value = table["client"] else { return }
    var found: [ServerAccess.ClientCertificate] = []
    for entry in value.array ?? [value] {
      if let path = entry.string {
        found.append(.init(certificate: Self.path(path, folder)))
      } else if let pair = entry.strings, pair.count == 2 {
        // The documentation has a pair with an empty second half: the key is with the certificate.
        found.append(
          .init(
            certificate: Self.path(pair[0], folder),
            key: pair[1].isEmpty ? nil : Self.path(pair[1], folder)))
      } else {
        warn("client is no path, array of paths or array of pairs of paths, and passed over")
        return
      }
    }
    access.clientCertificate = found.first
    if found.count > 1 {
      warnings.append("client names \(found.count) certificates, of which the first is shown")
    }
  }

  private mutating func readHeader(_ table: TOMLTable) {
    guard let value = table["header"] else { return }
    guard let header = value.table else { return warn("header is no table, and passed over") }
    for name in header.keys {
      // Never the value, which may be a secret.
      let shown = "header \"\(name.shownSafely(limit: 60))\""
      guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
        warn("\(shown) is no name of a field, and passed over")
        continue
      }
      guard let texts = header[name]?.string.map({ [$0] }) ?? header[name]?.strings else {
        warn("\(shown) is no string or array of strings, and passed over")
        continue
      }
      for text in texts {
        guard text.unicodeScalars.allSatisfy({ $0 == "\t" || $0.value >= 32 && $0.value != 127 })
        else {
          warn("\(shown) has a control character, and is passed over")
          continue
        }
        fields.append(name, text)
      }
    }
  }

  /// What a field's name may have (RFC 9110, 5.6.2).
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private mutating func readDialTimeout(_ table: TOMLTable) {
    guard let value = table["dial_timeout"] else { return }
    var known = value.string.flatMap { $0.isEmpty ? 0 : GoDuration.seconds($0) }
    if known == nil, let seconds = (value.string ?? value.other).flatMap({ Double($0) }),
      seconds >= 0
    {
      known = seconds
      warn("dial_timeout is no time such as \"3s\", and taken for seconds")
    }
    guard let seconds = known, (0...).contains(seconds) else {
      return warn("dial_timeout is no time such as \"3s\", and passed over")
    }
    guard seconds > 0 else { return }
    access.connectTimeout = min(max(seconds, 0.001), Self.longestDial)
  }

  // MARK: Values

  private mutating func warn(_ words: String) { warnings.append(words) }

  private mutating func flag(_ key: String, _ table: TOMLTable) -> Bool? {
    guard let value = table[key] else { return nil }
    if let flag = value.boolean { return flag }
    switch value.string?.lowercased() {
    case "true":
      warn("\(key) is a string, and taken for true")
      return true
    case "false":
      warn("\(key) is a string, and taken for false")
      return false
    default:
      warn("\(key) is not true or false, and passed over")
      return nil
    }
  }

  private mutating func paths(_ key: String, _ table: TOMLTable, _ folder: String) -> [String] {
    guard let value = table[key] else { return [] }
    guard let paths = value.string.map({ [$0] }) ?? value.strings else {
      warn("\(key) is no path or array of paths, and passed over")
      return []
    }
    return paths.map { Self.path($0, folder) }
  }

  private static func path(_ path: String, _ folder: String) -> String {
    path.begins(with: "/") ? path : "\(folder)/\(path)"
  }
}
