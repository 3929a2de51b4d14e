/// Decides which proxy, if any, a server is reached through.
///
/// The engine is told the decision, so that all who ask (what is connected to, what is measured,
/// which addresses are judged) know the same.
package struct ProxyRule: Equatable, Sendable {
  private enum Choice: Equatable {
    case none
    case proxy(Proxy)
    /// Its address makes no sense, which matters only to those who need it.
    case unusable(String)
  }

  private let plain: Choice
  private let secure: Choice
  private let exceptions: ProxyExceptions

  /// Makes a rule.
  ///
  /// - Parameters:
  ///   - plain: the proxy's address for `http` servers; nil: none.
  ///   - secure: the same for `https` servers.
  ///   - exceptions: servers without a proxy, in the form of `NO_PROXY`.
  package init(plain: String? = nil, secure: String? = nil, exceptions: String? = nil) {
    self.plain = Self.choice(plain)
    self.secure = Self.choice(secure)
    self.exceptions = ProxyExceptions(exceptions ?? "")
  }

  /// Takes the rule from environment variables, lower case before upper case.
  ///
  /// In a program that a web server runs (CGI), `HTTP_PROXY` is what its client's `Proxy:` field
  /// says, and counts for nothing (CVE-2016-5385, "httpoxy").
  ///
  /// - Parameter environment: for example the process's own.
  package init(environment: [String: String]) {
    let isClients = !(environment["REQUEST_METHOD"] ?? "").isEmpty
    func value(_ name: String) -> String? {
      let upper = name == "HTTP_PROXY" && isClients ? nil : environment[name]
      return [environment[name.lowercased()], upper].compactMap { $0 }
        .map { $0.trimmingBlanks }.first { !$0.isEmpty }
    }
    let all = value("ALL_PROXY")
    self.init(
      plain: value("HTTP_PROXY") ?? all, secure: value("HTTPS_PROXY") ?? all,
      exceptions: value("NO_PROXY"))
  }

  /// The proxy between this machine and a server.
  ///
  /// - Parameter origin: the server.
  /// - Returns: nil where it is reached straight. This very machine always is: a proxy's localhost
  ///   is another's.
  /// - Throws: `TransferError` of kind `invalidURL` when the proxy's address makes no sense.
  package func proxy(for origin: RemoteURL.Origin) throws(TransferError) -> Proxy? {
    let choice = origin.scheme == "https" ? secure : plain
    guard choice != .none, !origin.isLoopback, !exceptions.contains(origin) else { return nil }
    switch choice {
    case .none: return nil
    case .proxy(let proxy): return proxy
    case .unusable(let message): throw TransferError(.invalidURL, message)
    }
  }

  private static func choice(_ text: String?) -> Choice {
    guard let text, !text.isEmpty else { return .none }
    do {
      return .proxy(try Proxy(text))
    } catch {
      return .unusable(error.message)
    }
  }
}

extension String {
  fileprivate var trimmingBlanks: String {
    var text = drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
