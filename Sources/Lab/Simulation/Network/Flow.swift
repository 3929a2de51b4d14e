/// One TCP connection's sender, as a fluid: its congestion window in packets, by CUBIC's rules.
///
/// Slow start doubles the window each round trip; after a loss it falls to 0.7 and grows along CUBIC's
/// curve (RFC 9438), never slower than a Reno sender would.
struct Flow {
  enum Phase: UInt8 {
    /// A slot without a connection.
    case free
    /// Connected, without a request.
    case idle
    /// A request is on its way or being answered.
    case busy
    /// The request was refused for load.
    case refused
  }

  /// Payload of a packet, in bytes.
  static let packet = 1448.0
  private static let scaling = 0.4
  private static let decrease = 0.7
  /// Windows smaller than this recover from a loss by a timeout.
  private static let timeoutWindow = 4.0
  private static let timeoutSeconds = 0.25

  var phase = Phase.free
  /// The client it belongs to; negative: other people's.
  var client = 0
  /// When the next byte can flow; all before it has arrived.
  var dataFrom = 0.0
  /// When the request reaches a server that may refuse it; nil: it has.
  var arrivesAt: Double?
  /// When the response's first byte could flow, and its bytes since then: what a server counts.
  var countedFrom = 0.0
  var counted = 0.0
  /// Whether its next window is sent at once: nothing is on its way that paces it.
  var beginsWithBurst = false
  /// Whether the server is busy with it.
  var isServed = false
  /// When the client notices that it was refused.
  var refusedAt = 0.0
  /// Bytes that arrived in this step.
  var delivered = 0.0
  /// Bytes per second in this step, before the queue.
  var demand = 0.0
  /// The round trip of its handshake, as the client's kernel keeps it.
  var smallestRoundTrip = 0.0
  /// When data last flowed, while idle.
  var idleSince = 0.0

  private(set) var window = 10.0
  private(set) var isSlowStart = true
  private var maximum = 0.0
  private var epochStart = -1.0
  private var inflection = 0.0
  private var renoWindow = 0.0
  private var recoveringUntil = 0.0
  /// Times that packets were lost, several within a round trip once.
  private(set) var losses = 0
  /// Packets until the next random loss.
  var packetsToLoss = Double.infinity

  /// A new connection's window.
  mutating func reset(initialWindow: Double) {
    window = initialWindow
    isSlowStart = true
    maximum = 0
    epochStart = -1
    recoveringUntil = 0
    arrivesAt = nil
    isServed = false
  }

  /// After a long idle time a sender starts again with a small window (RFC 5681, 4.1).
  mutating func restart(initialWindow: Double) {
    guard window > initialWindow else { return }
    window = initialWindow
    isSlowStart = true
    epochStart = -1
  }

  mutating func leaveSlowStart() {
    isSlowStart = false
    epochStart = -1
    maximum = window
  }

  /// Grows by what was acknowledged; only called while the window is what limits the flow.
  mutating func grow(acknowledged packets: Double, now: Double) {
    if isSlowStart {
      window += packets
      return
    }
    if epochStart < 0 {
      epochStart = now
      renoWindow = window
      inflection = maximum > window ? cbrt((maximum - window) / Self.scaling) : 0
      maximum = max(maximum, window)
    }
    let since = now - epochStart - inflection
    let target = maximum + Self.scaling * since * since * since
    renoWindow += 0.529 * packets / window
    let wanted = max(target, renoWindow)
    if wanted > window {
      window = min(wanted, window + packets / 2)
    } else {
      window += packets / (100 * window)
    }
  }

  /// A packet was lost; several within a round trip count once.
  mutating func lose(now: Double, roundTrip: Double) {
    guard now >= recoveringUntil else { return }
    recoveringUntil = now + roundTrip
    losses += 1
    if window < Self.timeoutWindow { dataFrom = max(dataFrom, now + Self.timeoutSeconds) }
    // Fast convergence: a flow that lost below its last maximum leaves room for others.
    maximum = window < maximum ? window * (1 + Self.decrease) / 2 : window
    window = max(2, window * Self.decrease)
    isSlowStart = false
    epochStart = -1
  }
}
