import OCI
package import Pull
package import Store

/// Why something did not go well: what kind of failure it is, one sentence, and what may help.
///
/// Its words are safe to show: what came from servers was cleaned and cut where it was read, and no
/// secret is in them.
public struct CairnError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The request itself makes no sense: a name, an option.
    case usage
    /// There is no such image, tag or platform.
    case notFound
    /// The registry wants other credentials, or `registries.conf` blocks it.
    case unauthorised
    /// The network, or the registry, failed for longer than retries last.
    case network
    /// Content does not match its digest, or is no usable image.
    case integrity
    /// The store, an output or their disk.
    case disk
    /// The task was cancelled; what arrived is kept.
    case interrupted
    /// Something that should not happen.
    case internalFailure
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// What happened, where and why, in one sentence.
  public internal(set) var message: String
  /// What may help; nil: nothing is known to.
  public let hint: String?

  package init(kind: Kind, message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message.linesShownSafely
    self.hint = hint
  }

  package static func usage(_ message: String) -> CairnError {
    CairnError(kind: .usage, message: message)
  }

  static func internalFailure(_ message: String) -> CairnError {
    CairnError(kind: .internalFailure, message: message)
  }

  package init(_ error: PullError) {
    let kind: Kind =
      switch error.category {
      case .usage: .usage
      case .notFound: .notFound
      case .unauthorised: .unauthorised
      case .network: .network
      case .integrity: .integrity
      case .disk: .disk
      case .interrupted: .interrupted
      }
    self.init(kind: kind, message: error.description, hint: error.hint)
  }

  package init(_ error: StoreError) { self.init(.store(error)) }

  /// The message, and the hint where there is one.
  public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
