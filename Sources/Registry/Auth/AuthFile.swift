public import FoundationEssentials

/// Docker's `config.json` or containers' `auth.json`, as far as it speaks of credentials.
public struct AuthFile: Sendable, Equatable {
  /// What a file says about a registry.
  public enum Answer: Sendable, Equatable {
    case credential(Credential)
    /// Ask `docker-credential-<name>` for this server.
    case helper(name: String, server: String)
  }

  private struct Document: Decodable {
    struct Entry: Decodable {
      var auth: String?
      var username: String?
      var password: String?
      var identitytoken: String?
      var registrytoken: String?
    }
    var auths: [String: Entry]?
    var credHelpers: [String: String]?
    var credsStore: String?
  }

  private let credentials: [String: Credential]
  private let emptyEntries: Set<String>
  private let helpers: [String: String]
  private let store: String?

  /// Reads a file's content.
  ///
  /// - Parameter data: JSON; fields that are of no concern are ignored.
  /// - Throws: `DecodingError` when it is not that.
  public init(_ data: Data) throws {
    let document = try JSONDecoder().decode(Document.self, from: data)
    var credentials: [String: Credential] = [:]
    var empty: Set<String> = []
    for (key, entry) in document.auths ?? [:] {
      let name = Self.normalise(key)
      if let credential = Self.credential(entry) {
        // A key without a scheme is the newer spelling and wins over a legacy one.
        if credentials[name] == nil || !key.contains("://") { credentials[name] = credential }
      } else {
        empty.insert(name)
      }
    }
    self.credentials = credentials
    emptyEntries = empty
    helpers = Dictionary(
      (document.credHelpers ?? [:]).map { (Self.normalise($0), $1) }, uniquingKeysWith: { $1 })
    store = document.credsStore.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// What this file offers for a repository, best first.
  ///
  /// - Parameters:
  ///   - registry: as in a reference, for example `docker.io`, `localhost:5000`.
  ///   - repository: for containers' per-namespace keys.
  public func answers(registry: String, repository: String) -> [Answer] {
    var answers: [Answer] = []
    let names = Self.names(of: registry)
    for name in names {
      if let helper = helpers[name] {
        answers.append(.helper(name: helper, server: Self.serverName(registry)))
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
    if let store { answers.append(.helper(name: store, server: Self.serverName(registry))) }
    return answers
  }

  private static func credential(_ entry: Document.Entry) -> Credential? {
    if let token = entry.identitytoken, !token.isEmpty { return .identityToken(token) }
    if let token = entry.registrytoken, !token.isEmpty { return .registryToken(token) }
    if let auth = entry.auth, let data = Data(base64Encoded: auth) {
      // Old files pad the password with NUL bytes.
      let text = String(decoding: data, as: UTF8.self).filter { $0 != "\0" }
      if let credential = Credential(userAndPassword: text) { return credential }
    }
    if let user = entry.username, let password = entry.password, !user.isEmpty {
      return .basic(user: user, password: password)
    }
    return nil
  }

  /// Docker's legacy keys are URLs: keep host and port, and the path of containers' namespace keys.
  private static func normalise(_ key: String) -> String {
    var name = key
    for scheme in ["https://", "http://"] where name.hasPrefix(scheme) {
      name = String(name.dropFirst(scheme.count).prefix { $0 != "/" })
    }
    while name.hasSuffix("/") { name.removeLast() }
    for suffix in ["/v1", "/v2"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
    return name
  }

  /// Docker Hub's names, all of which mean the same credentials.
  private static let dockerHub = ["docker.io", "index.docker.io", "registry-1.docker.io"]

  private static func names(of registry: String) -> [String] {
    dockerHub.contains(registry) ? dockerHub : [registry]
  }

  private static func serverName(_ registry: String) -> String {
    dockerHub.contains(registry) ? "https://index.docker.io/v1/" : registry
  }
}
