/// A packet as the emulated link sees it; its bytes stay with the caller.
package struct Packet: Sendable, Equatable {
  /// The caller's name for its bytes.
  package var handle: Int
  /// Bytes of the whole IP packet.
  package var size: Int
  /// The TCP connection that it belongs to; 0: none.
  package var flow: UInt64

  /// Makes a packet.
  ///
  /// - Parameters:
  ///   - handle: the caller's name for its bytes.
  ///   - size: bytes of the whole IP packet.
  ///   - flow: the TCP connection; 0: none.
  package init(handle: Int, size: Int, flow: UInt64 = 0) {
    self.handle = handle
    self.size = size
    self.flow = flow
  }
}
