import Disk
import FoundationEssentials
import Transfer

/// How registries are reached; the defaults are the command's.
///
/// What is not said here comes from where `skopeo`, `podman` and `docker` have it: credentials from
/// their files and helpers, mirrors and certificates from containerd's `hosts.toml`, podman's
/// `registries.conf` and Docker's `certs.d`, proxies and trusted authorities from ``environment``.
public struct RegistryAccess: Sendable {
  /// Which certificate authorities are trusted.
  public enum Authorities: Sendable, Hashable {
    /// Those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's.
    case standard
    /// Those in this PEM file, too.
    case also(String)
    /// Those in this PEM file, and no others.
    case only(String)
  }

  /// What a name without a registry means.
  public enum ShortNameStyle: String, Sendable, Hashable, CaseIterable {
    /// `docker.io/library`.
    case docker
    /// What podman's aliases and search registries say.
    case podman
  }

  /// How severe a message of the log is.
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// A request and its answer.
    case debug
    /// What is done about an answer: waiting, going elsewhere.
    case info
    /// Something that its user may want to change.
    case warning
  }

  /// Speak plain HTTP with the registry, no TLS; loopback needs no word.
  public var plainHTTP = false
  /// Whether certificates are checked.
  public var verifiesTLS = true
  /// Which certificate authorities are trusted.
  public var authorities = Authorities.standard
  /// Shown to the registry and to no mirror; nil: what the usual files and helpers have.
  public var login: RegistryLogin?
  /// The only file that credentials are read from; nil: the usual ones.
  public var authFile: String?
  /// Mirrors come from containerd's `hosts.toml` files in this folder, and not from
  /// `registries.conf`; nil: the usual one.
  public var hostsFolder: String?
  /// Mirrors come from this file of podman's, and not from `hosts.toml`; nil: the usual ones.
  public var registriesFile: String?
  /// What a name without a registry means.
  public var shortNames = ShortNameStyle.docker
  /// A PEM file with the certificate that proves to the registry who asks.
  public var certificate: String?
  /// Its key, where that is not in the same file.
  public var key: String?
  /// Seconds to connect, from 0.001 to a day.
  public var connectTimeout = 15.0
  /// Seconds below ``minimumRate`` after which a request is made again, from 0.001 to a day.
  public var stallTimeout = TransferSettings().stallTimeout
  /// Bytes a second that count as progress of a request.
  public var minimumRate = Int64(TransferSettings().minimumRate)
  /// Retries without progress before giving up, from 0 to 1000.
  public var retries = 8
  /// Whether the next server is asked, too, when a mirror is late.
  public var hedges = true
  /// The `User-Agent` of requests: one line, without control characters.
  public var userAgent = "cairn/\(Cairn.version)"
  /// The variables that say where files and proxies are; the process's own.
  public var environment = ProcessInfo.processInfo.environment
  /// Told messages of a log, on any thread; nil: nobody is.
  ///
  /// Secrets are in none of them.
  public var log: (@Sendable (Severity, String) -> Void)?
  /// The least severe kind of message that is logged.
  public var leastSeverity = Severity.warning

  /// What timeouts may be, in seconds.
  package static let timeouts = 0.001...86_400.0
  /// What ``retries`` may be.
  package static let retryRange = 0...1000

  /// The defaults.
  public init() {}

  /// - Throws: `CairnError` of the kind `usage` where a value is out of its range, or a file cannot be used.
  func check() throws(CairnError) {
    guard Self.timeouts.contains(connectTimeout), Self.timeouts.contains(stallTimeout) else {
      throw .usage("timeouts are more than 0 seconds and at most a day")
    }
    guard Self.retryRange.contains(retries) else {
      throw .usage("retries are a number from 0 to 1000")
    }
    // Whatever came after a line's end would be a field, or a request, of its own.
    guard userAgent.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw .usage("a user agent is one line of text")
    }
    guard minimumRate >= 0 else { throw .usage("a minimum rate is 0 bytes a second or more") }
    if key != nil, certificate == nil { throw .usage("a key needs a certificate") }
    if let authFile, let reason = InputFile.complaint(authFile) {
      throw .usage("\(authFile) cannot be read: \(reason)")
    }
    for (file, pipes) in [
      (registriesFile, InputFile.Pipes.refused), (certificate, .read), (key, .read),
    ] {
      if let file, let reason = InputFile.complaint(file, pipes: pipes) {
        throw .usage("\(file) cannot be read: \(reason)")
      }
    }
  }

  func note(_ severity: Severity, _ text: @autoclosure () -> String) {
    guard let log, severity >= leastSeverity else { return }
    log(severity, text())
  }
}

extension RegistryAccess.Severity: Comparable {
  /// Orders by severity, least severe first.
  public static func < (left: Self, right: Self) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .debug: 0
    case .info: 1
    case .warning: 2
    }
  }
}
