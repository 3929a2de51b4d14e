/// For whom the owner's own credentials are used (`--own-credentials`).
package struct OwnerRule: Sendable, Equatable {
  /// Whether they are used at all.
  let isOn: Bool
  /// The user who runs this endpoint.
  let owner: UInt32

  /// The kernel's number for users of other user namespaces that have none in this one.
  private static let nobodyKnown: UInt32 = 65_534

  /// - Parameters:
  ///   - isOn: whether `--own-credentials` was given.
  ///   - owner: the user who runs this endpoint.
  ///   - places: every `--listen`.
  /// - Throws: `ServeRefusal` where one of those is beyond this machine: whoever comes from there
  ///   cannot be told apart.
  package init(isOn: Bool, owner: UInt32, places: [HostGuard]) throws(ServeRefusal) {
    guard !isOn || places.allSatisfy({ !$0.isBeyondLoopback }) else {
      throw .forbidden(
        "--own-credentials is for callers of this machine: it goes with --listen on loopback or a unix socket only"
      )
    }
    (self.isOn, self.owner) = (isOn, owner)
  }

  /// Whether a caller gets what the owner would get.
  ///
  /// - Parameter user: at the other end of the connection; nil: not known.
  func includes(user: UInt32?) -> Bool {
    // Users that the kernel has no number for here are all the same one.
    guard isOn, let user, user != Self.nobodyKnown else { return false }
    return user == owner || user == 0
  }
}
