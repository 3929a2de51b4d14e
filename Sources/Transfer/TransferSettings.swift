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
  /// False accepts any certificate.
  public var verifiesTLS = true
  /// A PEM file of certificate authorities to trust in place of the system's.
  public var caFile: String?
  /// Proxy for `http` URLs.
  public var httpProxy: String?
  /// Proxy for `https` URLs.
  public var httpsProxy: String?
  /// Hosts that are reached without a proxy, in the form of `NO_PROXY`.
  public var noProxy: String?
  /// The `User-Agent`.
  public var userAgent = "cairn"

  /// The defaults.
  public init() {}

  /// Takes proxies from environment variables, lower case before upper case.
  ///
  /// - Parameter environment: for example the process's own.
  public mutating func readProxies(from environment: [String: String]) {
    func value(_ name: String) -> String? {
      [environment[name.lowercased()], environment[name]].compactMap { $0 }.first { !$0.isEmpty }
    }
    httpProxy = value("HTTP_PROXY") ?? value("ALL_PROXY")
    httpsProxy = value("HTTPS_PROXY") ?? value("ALL_PROXY")
    noProxy = value("NO_PROXY")
  }
}
