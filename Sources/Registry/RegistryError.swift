package import OCI
package import Transfer

/// Why a registry did not give what was asked for.
package struct RegistryError: Error, Sendable, CustomStringConvertible {
  /// What kind of thing went wrong.
  package enum Kind: Sendable, Equatable {
    /// The repository, tag or blob is not there.
    case notFound
    /// Credentials are missing, wrong or do not suffice.
    case unauthorised
    /// Refused for load (429, 503 and other words for it); seconds to wait where the server said.
    case overloaded(retryAfter: Double?)
    /// The server failed (5xx); `transient` where a retry can help.
    case serverError(transient: Bool)
    /// The server does not serve the range.
    case rangeRefused
    /// Another status, or a response that breaks the protocol; `transient` where a retry can help.
    case protocolError(transient: Bool)
    /// What the server sent is not what the manifest or the request says.
    case integrity
    /// The document that came is none that can be used; `isProven` where its digest is the one that
    /// was asked for.
    case unusable(OCIError, isProven: Bool)
    /// The request or its answer did not get through.
    case transfer(TransferError)
    /// The server pointed to a place that is not followed.
    case refusedTarget
  }

  /// What kind of thing went wrong.
  package let kind: Kind
  /// One clause: who did what, with the registry's own words, capped and redacted.
  package let message: String
  /// What the user could do, where something helps.
  package internal(set) var hint: String?
  /// The registry's own `WWW-Authenticate`, as they came with its first 401; of no mirror, and of
  /// nobody else.
  package internal(set) var challenges: [String] = []
  /// Times that it is asked for again, with a pause, though the answer is final as a rule: some
  /// such answers pass.
  var secondLooks = 0

  /// The status of the answer that it is about, as its error code means it; nil: another reason.
  package internal(set) var status: Int?

  /// True where the registry says that it has no such repository, which is what some say to whoever may
  /// not see it.
  var deniesRepository = false

  /// True where another server failed in a way that may pass, though this one's will not.
  var othersMayPass = false

  /// Makes an error.
  package init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// Nobody wants it any more.
  static var cancelled: RegistryError {
    RegistryError(.transfer(TransferError(.cancelled, "cancelled")), "cancelled")
  }

  /// What servers that were asked before had done.
  var earlier: [String] = []

  /// The message, with what came before it.
  package var description: String {
    guard !earlier.isEmpty else { return message }
    return "\(message) (also asked: \(earlier.prefix(4).joined(separator: "; ")))"
  }

  /// True where trying again can help.
  package var isTransient: Bool {
    if othersMayPass { return true }
    return switch kind {
    case .overloaded, .rangeRefused: true
    case .protocolError(let transient), .serverError(let transient): transient
    case .transfer(let error): error.isTransient
    case .notFound, .unauthorised, .integrity, .unusable, .refusedTarget: false
    }
  }

  /// True for what is final as a rule, but passes often enough to be asked for again.
  package var mayPass: Bool { secondLooks > 0 }

  /// True where content came that is not what was asked for: somebody on the way may have made it, once.
  package var isWrongContent: Bool { kind == .integrity }

  /// True where nothing, or next to nothing, came for a whole time limit, over a connection that was made.
  package var isStall: Bool { transferKind == .stalled || transferKind == .silentHandshake }

  /// True where it may be the range that a server did not like, whatever its word for that: all of
  /// a blob is worth asking for.
  ///
  /// Whoever was not reached, or said nothing, said nothing of ranges.
  var mayBeTheRange: Bool {
    switch kind {
    case .transfer(let error): error.kind == .broken || error.kind == .badResponse
    case .refusedTarget, .unusable: false
    case .notFound, .unauthorised, .overloaded, .serverError, .rangeRefused, .protocolError,
      .integrity:
      true
    }
  }

  /// What kind of transfer failed; nil: it is about something else.
  var transferKind: TransferError.Kind? {
    if case .transfer(let error) = kind { error.kind } else { nil }
  }

  /// After how many bytes a server breaks off that sends a blob from its beginning each time, and
  /// brought nothing new; nil: it does not.
  package var cut: Int64? { if case .transfer(let error) = kind { error.cut } else { nil } }

  /// True where a transfer broke off that was under way.
  var isBrokenTransfer: Bool {
    if case .transfer(let error) = kind { error.isTransient } else { false }
  }

  /// True where nobody is there at all, and nothing says that somebody will be.
  package var isAbsence: Bool {
    if case .transfer(let error) = kind { error.isAbsence && !othersMayPass } else { false }
  }

  /// True where no other server can do better.
  var isFinal: Bool {
    switch kind {
    case .transfer(let error): error.isOurs
    case .unusable(_, let isProven): isProven
    default: false
    }
  }

  /// The error with what servers that were asked before had done.
  func after(_ earlier: [String]) -> RegistryError {
    var error = self
    error.earlier += earlier
    return error
  }

  /// The error with those of servers that were asked before.
  ///
  /// Where nobody is at home at the last one, a mirror that is only out of breath is worth waiting for.
  func after(_ earlier: [RegistryError]) -> RegistryError {
    let error = after(earlier.map(\.message))
    return error.isAbsence && earlier.contains { $0.isTransient } ? error.passing : error
  }

  /// The error where somebody else, who was not at home either, may be soon.
  var passing: RegistryError {
    var error = self
    error.othersMayPass = true
    error.secondLooks = 0
    return error
  }

  /// The error of a transfer to a server.
  ///
  /// - Parameters:
  ///   - error: the transfer's.
  ///   - origin: the server.
  ///   - what: what was asked for; nil: the server alone says it.
  ///   - isNamed: whether another server, or a manifest, named it, and not the user.
  package static func transfer(
    _ error: TransferError, from origin: RemoteURL.Origin, fetching what: String? = nil,
    isNamed: Bool = false
  ) -> RegistryError {
    let place = origin.authority + (what.map { ", \($0)" } ?? "")
    let own = isNamed ? hint(ofNamed: error.kind, origin) : nil
    let ofProxy =
      error.failedProxy.map { Self.hint(ofProxy: $0, error.kind) } ?? hint(ofRefusal: error)
    let ofCut = error.cut.map { _ in
      "a server that serves ranges, or a mirror, may send the rest; what is here stays"
    }
    let hint = ofProxy ?? own ?? ofCut ?? hint(error, origin)
    var failure = RegistryError(.transfer(error), "\(place): \(error.message)", hint: hint)
    if error.isAbsence { failure.secondLooks = 1 }
    // Non-HTTP from the server repeats; from a middlebox it may be once.
    if error.kind == .badResponse { failure.secondLooks = 2 }
    return failure
  }
}
