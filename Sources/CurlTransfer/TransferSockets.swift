internal import CCurl

/// The sockets that a transfer opens and uses, among all that the loop knows.
struct TransferSockets {
  /// What a kernel knows of a connection's round trips.
  struct RoundTrips {
    /// Seconds, as of late.
    let now: Double
    /// Seconds of the shortest.
    let smallest: Double
    /// Whether packets came out of order since the last reading.
    let isDisordered: Bool
  }

  private let table: OpaquePointer
  /// Sockets opened for it.
  private var opened: [Int32] = []
  /// The connection's socket, once it was asked for; negative: unknown.
  ///
  /// It is the transfer's own until its end.
  private var used: Int32?
  /// Packets of its connection that came out of order, up to the last reading; nil: there was none.
  private var disordered: UInt32?

  /// Makes it for a transfer without any.
  ///
  /// - Parameter table: of all sockets of the loop.
  init(table: OpaquePointer) { self.table = table }

  /// Opens one.
  mutating func open(_ address: UnsafePointer<curl_sockaddr>) -> Int32 {
    let socket = cairn_sockets_open(table, address)
    if socket >= 0 { opened.append(socket) }
    return socket
  }

  /// Those that it opened, or uses.
  ///
  /// - Parameter port: this end of its connection.
  func all(usingPort port: Int) -> [Int32] {
    opened + [cairn_sockets_find(table, Int32(truncatingIfNeeded: port))]
  }

  /// Reads the round trips of its connection; nil where nothing is known of them.
  ///
  /// - Parameter port: this end of its connection.
  mutating func roundTrips(usingPort port: Int) -> RoundTrips? {
    let socket = used ?? cairn_sockets_find(table, Int32(truncatingIfNeeded: port))
    used = socket
    guard socket >= 0 else { return nil }
    let trips = cairn_socket_round_trips(socket)
    guard trips.now > 0, trips.smallest > 0 else { return nil }
    defer { disordered = trips.disordered }
    // What came before belongs to an earlier response on the connection.
    let isDisordered = trips.disordered > disordered ?? trips.disordered
    return RoundTrips(
      now: Double(trips.now) / 1e6, smallest: Double(trips.smallest) / 1e6,
      isDisordered: isDisordered)
  }
}
