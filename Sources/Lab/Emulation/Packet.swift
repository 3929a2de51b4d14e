/// A packet as the emulated link sees it; its bytes stay with the caller.
public struct Packet: Sendable, Equatable {
  /// The caller's name for its bytes.
  public var handle: Int
  /// Bytes of the whole IP packet.
  public var size: Int
  /// The TCP connection that it belongs to; 0: none.
  public var flow: UInt64

  /// Makes a packet.
  ///
  /// - Parameters:
  ///   - handle: the caller's name for its bytes.
  ///   - size: bytes of the whole IP packet.
  ///   - flow: the TCP connection; 0: none.
  public init(handle: Int, size: Int, flow: UInt64 = 0) {
    self.handle = handle
    self.size = size
    self.flow = flow
  }
}
