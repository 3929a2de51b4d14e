/// Tells whether a queue stands in front of the line, from round trips.
///
/// The idle round trip is the smallest reading of all; what a reading lies above it is queue, plus noise.
/// Noise only ever adds, so of many readings at one moment the smallest is used.
///
/// The kernel's readings come all the time, but a sender that is held back by something else makes them
/// too long (they then count the time until it sends again). The time to a first byte has no such flaw,
/// but comes only with a new request. So a queue stands where the former say so and the latter do not
/// deny it.
struct QueueSense: Sendable {
  private(set) var idle: Double?
  /// Round trips at the last samples, queues included, newest last, in seconds.
  private var recent: [(at: Moment, roundTrip: Double)] = []

  /// Smallest time to a first byte of all, in seconds: a round trip and the server's thinking.
  private var idleAnswer: Double?
  /// Times to first bytes of late, newest last, in seconds.
  private var answers: [(at: Moment, seconds: Double)] = []

  /// Samples are kept for this many seconds.
  private static let memory = 6.0

  /// A hint that the first readings exceed by so much belongs to another place.
  private static let hintFactor = 3.0
  private static let hintSlack = 0.05

  /// A round trip for timing only, until there is a reading.
  private let guess: Double

  /// - Parameters:
  ///   - idle: the path's idle round trip as it was known before, in seconds.
  ///   - guess: a round trip of about that length, in seconds.
  init(idle: Double?, guess: Double? = nil) {
    self.idle = idle
    self.guess = guess ?? idle ?? 0.05
  }

  mutating func observe(_ sample: Sample) {
    if let fastest = sample.firstByteSeconds.min() {
      idleAnswer = min(idleAnswer ?? fastest, fastest)
      answers.append((sample.now, fastest))
      answers.removeAll { sample.now - $0.at > Self.memory }
    }
    let readings = sample.readings
    guard let now = readings.roundTripSeconds.min() else { return }
    let smallest = min(now, readings.smallestRoundTripSeconds ?? now)
    if recent.isEmpty, let hint = idle, smallest > Self.hintFactor * hint + Self.hintSlack {
      idle = nil
    }
    idle = min(idle ?? smallest, smallest)
    recent.append((sample.now, now))
    recent.removeAll { sample.now - $0.at > Self.memory }
  }

  /// The idle round trip, or a guess while there is none.
  var roundTrip: Double { idle ?? guess }

  /// The last reading, queue included.
  var roundTripNow: Double { recent.last?.roundTrip ?? roundTrip }

  /// A queue longer than this, in seconds, means that the line is full.
  var threshold: Double { max(0.003, 0.06 * roundTrip) }

  /// Mean queue over a time, in seconds; nil: nothing was read then.
  func mean(since start: Moment) -> Double? {
    var sum = 0.0
    var count = 0.0
    for reading in recent.reversed() {
      guard reading.at > start else { break }
      sum += max(0, reading.roundTrip - roundTrip)
      count += 1
    }
    return count > 0 ? sum / count : nil
  }

  /// Smallest queue over a time, in seconds; nil: nothing was read then.
  func floor(since start: Moment) -> Double? {
    var least: Double?
    for reading in recent.reversed() {
      guard reading.at > start else { break }
      least = min(least ?? .infinity, reading.roundTrip - roundTrip)
    }
    return isDenied(since: start) ? 0 : least
  }

  /// True where a queue stood, on average, since a moment; nil: it cannot be known.
  func stands(since start: Moment) -> Bool? {
    guard let mean = mean(since: start) else { return nil }
    // Queues come and go: only what a first byte said of late counts.
    let lately = (recent.last?.at ?? start) + -max(0.3, 2 * roundTrip)
    return mean > threshold && !isDenied(since: max(start, lately))
  }

  /// Whether a first byte came too soon for a queue to stand.
  private func isDenied(since start: Moment) -> Bool {
    guard let idleAnswer else { return false }
    return answers.contains { $0.at > start && $0.seconds - idleAnswer < threshold / 2 }
  }
}
