/// How an engine reaches servers.
package struct TransferSettings: Sendable, Equatable {
  /// Seconds to connect, TLS included.
  package var connectTimeout = 15.0
  /// Seconds below `minimumRate` after which a transfer has stalled.
  package var stallTimeout = 30.0
  /// Bytes per second that count as progress.
  package var minimumRate = 512.0
  /// Bytes per second for all transfers together; nil: no limit.
  package var rateLimit: Double?
  /// Connections that are open at the same time, what is asked for beyond them waits; nil: no limit.
  package var maximumConnections: Int?
  /// False accepts any certificate of a server; a proxy's is checked in any case.
  package var verifiesTLS = true
  /// Which certificate authorities are trusted.
  package var trust = TrustSettings()
  /// Which servers are reached through which proxy.
  package var proxies = ProxyRule()
  /// The `User-Agent`.
  package var userAgent = "cairn"

  /// The defaults.
  package init() {}

  /// Takes proxies and trusted authorities from environment variables.
  ///
  /// - Parameter environment: for example the process's own.
  package mutating func read(environment: [String: String]) {
    proxies = ProxyRule(environment: environment)
    trust.read(environment: environment)
  }
}
