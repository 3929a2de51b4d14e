public import Transfer

/// Why a registry did not give what was asked for.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
  /// What kind of thing went wrong.
  public enum Kind: Sendable, Equatable {
    /// The repository, tag or blob is not there.
    case notFound
    /// Credentials are missing, wrong or do not suffice.
    case unauthorised
    /// Refused for load (429, 503); seconds to wait where the server said.
    case overloaded(retryAfter: Double?)
    /// The server does not serve the range.
    case rangeRefused
    /// Another status, or a response that breaks the protocol; `transient` where a retry can help.
    case protocolError(transient: Bool)
    /// What the server has is not what the manifest says.
    case integrity
    /// The request or its answer did not get through.
    case transfer(TransferError)
    /// The server pointed to a place that is not followed.
    case refusedTarget
  }

  /// What kind of thing went wrong.
  public let kind: Kind
  /// One clause: what happened, with the registry's own words, capped and redacted.
  public let message: String
  /// What the user could do, where something helps.
  public let hint: String?

  /// Makes an error.
  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// The message.
  public var description: String { message }

  /// True where trying again can help.
  public var isTransient: Bool {
    switch kind {
    case .overloaded, .rangeRefused: true
    case .protocolError(let transient): transient
    case .transfer(let error): error.isTransient
    case .notFound, .unauthorised, .integrity, .refusedTarget: false
    }
  }

  /// True where nobody answered at all: the next request would wait in vain too.
  var isDeadServer: Bool {
    guard case .transfer(let error) = kind else { return false }
    switch error.kind {
    case .resolve, .connect, .proxy, .tls, .notTLS: return true
    default: return false
    }
  }

  /// The error of a transfer to a server.
  ///
  /// - Parameters:
  ///   - error: the transfer's.
  ///   - origin: the server.
  ///   - what: what was asked for; nil: the server alone says it.
  public static func transfer(
    _ error: TransferError, from origin: RemoteURL.Origin, fetching what: String? = nil
  ) -> RegistryError {
    let hint: String? =
      switch error.kind {
      case .notTLS:
        "the server does not speak TLS there; if it is a plain HTTP registry, add --plain-http"
      case .tls:
        "for a private certificate authority add --ca-file PEM; to accept any certificate, --tls-verify=false"
      case .resolve: "check the registry's name and the network"
      case .stalled: "the limits are --stall-timeout and --min-rate"
      default: nil
      }
    let place = origin.authority + (what.map { ", \($0)" } ?? "")
    return RegistryError(.transfer(error), "\(place): \(error.message)", hint: hint)
  }
}
