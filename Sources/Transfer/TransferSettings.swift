/// How an engine reaches servers.
public struct TransferSettings: Sendable, Equatable {
  /// Seconds to connect, TLS included.
  public var connectTimeout = 15.0
  /// Seconds below `minimumRate` after which a transfer has stalled.
  public var stallTimeout = 30.0
  /// Bytes per second that count as progress.
  public var minimumRate = 512.0
  /// Bytes per second for all transfers together; nil: no limit.
  public var rateLimit: Double?
  /// Connections that are open at the same time, what is asked for beyond them waits; nil: no limit.
  public var maximumConnections: Int?
  /// False accepts any certificate of a server; a proxy's is checked in any case.
  public var verifiesTLS = true
  /// Which certificate authorities are trusted.
  public var trust = TrustSettings()
  /// Which servers are reached through which proxy.
  public var proxies = ProxyRule()
  /// The `User-Agent`.
  public var userAgent = "cairn"

  /// The defaults.
  public init() {}

  /// Takes proxies and trusted authorities from environment variables.
  ///
  /// - Parameter environment: for example the process's own.
  public mutating func read(environment: [String: String]) {
    proxies = ProxyRule(environment: environment)
    trust.read(environment: environment)
  }
}
