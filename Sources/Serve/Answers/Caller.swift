/// Who asks, as far as a connection and a request show it.
package struct Caller: Sendable, Equatable {
  /// The other end of a connection.
  package enum Peer: Sendable, Equatable {
    /// Addresses and ports of the caller and of this end, as the kernel has them.
    case network(address: String, port: Int, own: String, ownPort: Int)
    /// The process at the other end of a socket in the file system, by `SO_PEERCRED`; nil: the
    /// kernel does not say.
    case process(uid: UInt32?)
  }

  /// The other end.
  package var peer: Peer
  /// Whether what is said comes by TLS.
  package var isEncrypted: Bool
  /// The endpoints of this kind that it came through.
  package var via: ViaChain
  /// The request's `Authorization`; never printed, and kept no longer than the request.
  package var authorization: String?

  /// Makes a caller.
  package init(
    _ peer: Peer, isEncrypted: Bool = false, via: ViaChain = .empty, authorization: String? = nil
  ) {
    self.peer = peer
    self.via = via
    self.isEncrypted = isEncrypted
    self.authorization = authorization
  }
}
