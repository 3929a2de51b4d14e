/// How a line was in one step, as all senders meet it.
struct LineStep {
  /// When the step ends.
  let end: Double
  /// Seconds of a round trip, the queue included.
  let roundTrip: Double
  /// Share of each sender's demand that it carried.
  let share: Double
  /// Share of what was offered that found no room.
  let lossShare: Double
  /// Bytes that the queue has room for.
  let room: Double
  /// Bytes that senders in slow start have in the queue at once.
  let bursts: Double
  /// Whether its delay ends slow start.
  let leavesSlowStart: Bool
}
