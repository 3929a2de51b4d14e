package import FoundationEssentials
import Text

/// Docker's `config.json` or containers' `auth.json`, as far as it speaks of credentials.
package struct AuthFile: Sendable, Equatable {
  /// What a file says about a registry.
  package enum Answer: Sendable, Equatable {
    case credential(Credential)
    /// Ask `docker-credential-<name>` for the server by these names, until it knows one.
    case helper(name: String, servers: [String])
  }

  private let credentials: [String: Credential]
  private let helpers: [String: String]
  private let store: String?

  /// What of it cannot be used: names of entries, no secrets.
  package let oddities: [String]

  /// The names of entries whose password ends in a line break, as `echo u:p | base64` makes them.
  package let brokenLines: [String]

  /// The file is no JSON object.
  package struct Invalid: Error {}

  /// Reads a file's content: what is needed of it, whatever else is in it.
  ///
  /// - Parameter data: JSON; an empty file says nothing.
  /// - Throws: `Invalid`.
  package init(_ data: Data) throws(Invalid) {
    let isEmpty = data.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    guard let document = isEmpty ? .object([:]) : LooseJSON(data), document.members != nil else {
      throw Invalid()
    }
    var credentials: [String: Credential] = [:]
    var (oddities, brokenLines): ([String], [String]) = ([], [])
    if let auths = document["auths"], auths.members == nil { oddities.append("auths") }
    let entries = document["auths"]?.members ?? Self.oldEntries(document) ?? [:]
    for (key, entry) in entries.sorted(by: { $0.key < $1.key }) {
      let name = Self.normalise(key)
      if let credential = Self.credential(entry) {
        // A key without a scheme is the newer spelling and wins over a legacy one.
        if credentials[name] == nil || !key.contains("://") { credentials[name] = credential }
        if case .basic(_, let password) = credential, password.last?.isNewline == true {
          brokenLines.append(key)
        }
      } else if entry.members == nil || entry["auth"]?.string?.isEmpty == false {
        oddities.append(key)
      }
    }
    self.credentials = credentials
    var helpers: [String: String] = [:]
    for (key, value) in document["credHelpers"]?.members ?? [:] {
      guard let helper = value.string else {
        oddities.append(key)
        continue
      }
      if !helper.isEmpty { helpers[Self.normalise(key)] = helper }
    }
    self.helpers = helpers
    store = document["credsStore"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    self.oddities = oddities.sorted()
    self.brokenLines = brokenLines
  }

  /// The entries of a `.dockercfg`, Docker's file before 1.7, which has nothing around them; nil: it is none.
  private static func oldEntries(_ document: LooseJSON) -> [String: LooseJSON]? {
    guard let members = document.members, !members.isEmpty,
      members.values.allSatisfy({ $0["auth"]?.string != nil })
    else { return nil }
    return members
  }

  /// What this file offers for a repository, best first.
  ///
  /// - Parameters:
  ///   - registry: as in a reference, for example `docker.io`, `localhost:5000`.
  ///   - repository: for containers' per-namespace keys.
  package func answers(registry: String, repository: String) -> [Answer] {
    var answers: [Answer] = []
    let registry = registry.lowercased()
    let names = Self.names(of: registry)
    for name in names {
      if let helper = helpers[name] {
        answers.append(.helper(name: helper, servers: Self.serverNames(registry)))
        break
      }
    }
    var path = repository
    while true {
      for name in names {
        if let credential = credentials[path.isEmpty ? name : "\(name)/\(path)"] {
          answers.append(.credential(credential))
        }
      }
      guard !path.isEmpty else { break }
      path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
    if let store { answers.append(.helper(name: store, servers: Self.serverNames(registry))) }
    return answers
  }

  private static func credential(_ entry: LooseJSON) -> Credential? {
    func text(_ name: String) -> String? { entry[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    let basic = Self.basic(text)
    if let token = text("identitytoken") {
      guard case .basic(let user, let password)? = basic, !password.isEmpty else {
        return .identityToken(token)
      }
      return .identityTokenOrBasic(token, user: user, password: password)
    }
    return text("registrytoken").map { .registryToken($0) } ?? basic
  }

  private static func basic(_ text: (String) -> String?) -> Credential? {
    if let auth = text("auth"), let data = Self.base64(auth) {
      // Old files pad the password with NUL bytes.
      let bytes = [UInt8](data.trimmingPrefix { $0 == 0 }.reversed().drop { $0 == 0 }.reversed())
      if let text = String(validatingOutside: bytes) {
        if let credential = Credential(userAndPassword: text) { return credential }
      } else if bytes.firstIndex(of: UInt8(ascii: ":")) ?? 0 > 0 {
        return .encoded(Data(bytes).base64EncodedString())
      }
    }
    if let user = text("username"), let password = text("password") {
      return .basic(user: user, password: password)
    }
    return nil
  }

  /// Base64 as people paste it: with line ends, without padding, or of the URL's alphabet.
  private static func base64(_ text: String) -> Data? {
    var plain = text.filter { !$0.isWhitespace && $0 != "=" }
      .replacing("-", with: "+").replacing("_", with: "/")
    plain += String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
    return Data(base64Encoded: plain)
  }

  /// Docker's legacy keys are URLs: keep host and port, and the path of containers' namespace keys.
  private static func normalise(_ key: String) -> String {
    var name = key
    for scheme in ["https://", "http://"] where name.hasPrefix(scheme) {
      name = String(name.dropFirst(scheme.count).prefix { $0 != "/" })
    }
    // A URL without its scheme has at least its last slash; a namespace may be called v1, too.
    if let slash = name.firstIndex(of: "/"), ["/v1/", "/v2/"].contains(name[slash...]) {
      name = String(name[..<slash])
    }
    while name.hasSuffix("/") { name.removeLast() }
    return name.withPlainHost
  }

  /// Docker Hub's names, all of which mean the same credentials.
  private static let dockerHub = ["docker.io", "index.docker.io", "registry-1.docker.io"]

  private static func names(of registry: String) -> [String] {
    if dockerHub.contains(registry) { return dockerHub }
    // The exact name, then the same place with or without the port that goes without saying.
    if registry.hasSuffix(":443") { return [registry, String(registry.dropLast(4))] }
    let hasPort = registry.hasSuffix("]") ? false : registry.contains(":")
    return hasPort && !registry.hasPrefix("[") ? [registry] : [registry, registry + ":443"]
  }

  /// What those who log in call a registry when they have a helper store the login: docker has a URL
  /// for Docker Hub, podman and skopeo its name, and some old ones a URL for any registry.
  private static func serverNames(_ registry: String) -> [String] {
    dockerHub.contains(registry)
      ? ["https://index.docker.io/v1/"] + dockerHub : [registry, "https://" + registry]
  }
}
