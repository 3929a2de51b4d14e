import Tuning

extension Flow {
  /// Share of the other connections' bursts of slow start that meets one's own.
  private static let overlap = 0.4

  /// Draws after how many packets the next one is lost at random.
  ///
  /// - Parameter loss: share of packets that are.
  mutating func drawLoss(_ loss: Double, _ random: inout RandomSource) {
    guard loss > 0 else {
      packetsToLoss = .infinity
      return
    }
    packetsToLoss = -log(1 - Double.random(in: 0..<1, using: &random)) / loss
  }

  /// What became of a sender's packets in a step, and what it does about it.
  ///
  /// - Parameters:
  ///   - packets: that arrived.
  ///   - offered: bytes that it sent.
  ///   - loss: share of packets that are lost at random.
  mutating func follow(
    _ step: LineStep, packets: Double, offered: Double, loss: Double, _ random: inout RandomSource
  ) {
    var isLost = false
    packetsToLoss -= packets
    if packetsToLoss <= 0 {
      isLost = true
      drawLoss(loss, &random)
    }
    if step.lossShare > 0 {
      let expected = offered / Self.packet * step.lossShare
      isLost = isLost || random.happens(expected: expected)
    }
    let window = window
    if beginsWithBurst {
      // After a pause a window is sent at once, without acknowledgements to pace it.
      beginsWithBurst = false
      isLost = isLost || random.happens(expected: window - max(step.room / Self.packet, 4))
    }
    if isSlowStart {
      // Connections that began together burst together, more or less.
      let own = window * Self.packet / 2
      let burst = own + Self.overlap * (step.bursts - own)
      let share = 1 - max(step.room, 4 * Self.packet) / burst
      isLost = isLost || random.happens(expected: packets * share)
      if step.leavesSlowStart, window >= 16 { leaveSlowStart() }
    }
    if isLost {
      lose(now: step.end, roundTrip: step.roundTrip)
      return
    }
    // A sender that something else holds back does not grow its window.
    let isWindowLimited = demand >= 0.6 * window * Self.packet / step.roundTrip
    if isWindowLimited { grow(acknowledged: packets, now: step.end) }
  }
}

extension RandomSource {
  /// Whether at least one of so many expected losses happens.
  fileprivate mutating func happens(expected: Double) -> Bool {
    expected > 0 && Double.random(in: 0..<1, using: &self) > exp(-expected)
  }
}
