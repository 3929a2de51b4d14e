/// What a runner measures of its connections and of itself, beside the bytes.
package struct Readings: Sendable, Equatable, Codable {
  /// Present round trip of each connection that carries data, queues included, in seconds.
  ///
  /// As the kernel measures it; empty where it cannot be known.
  package var roundTripSeconds: [Double]
  /// Smallest round trip that those connections ever had, in seconds; nil where it cannot be known.
  package var smallestRoundTripSeconds: Double?
  /// Share of the time since the last reading in which the transfer engine was at work, 0 to 1: near
  /// 1, this machine is what limits the pull.
  package var engineBusy: Double
  /// The part of `engineBusy` that it slept over writing to disk, 0 to 1.
  package var diskBusy: Double
  /// Connections whose packets came out of order since the last reading, once for each; nil where
  /// it cannot be known.
  package var disordered: Int?
  /// Share of the time since the last reading in which the user's `--limit-rate` held transfers
  /// back, 0 to 1; nil: there is no such limit.
  package var held: Double?

  /// Makes readings; without arguments, nothing is known.
  package init(
    roundTripSeconds: [Double] = [], smallestRoundTripSeconds: Double? = nil,
    engineBusy: Double = 0, diskBusy: Double = 0, disordered: Int? = nil, held: Double? = nil
  ) {
    self.roundTripSeconds = roundTripSeconds
    self.smallestRoundTripSeconds = smallestRoundTripSeconds
    self.engineBusy = engineBusy
    self.diskBusy = diskBusy
    self.disordered = disordered
    self.held = held
  }
}

/// What a pull did since the sample before; all that a policy may know.
package struct Sample: Sendable, Equatable, Codable {
  /// Seconds between two samples of one pool, wherever it runs: what a rule calls the newest sample
  /// alone depends on it.
  package static let interval = 0.05

  /// Why the pool could not use its workers; such a sample teaches nothing about the path.
  package enum AppLimit: String, Sendable, Equatable, Codable {
    /// Nothing was left to hand out.
    case nothingLeft
    /// Every piece left waits: for the end of a back-off or a Retry-After, or for somebody who reads
    /// another one.
    case backingOff
  }

  /// A request that the server refused for load, whatever status it has for that.
  package struct Refusal: Sendable, Equatable, Codable {
    /// When the refusal arrived.
    package var at: Moment
    /// How many other requests were in flight then; after the last refusal of a burst, those served.
    package var served: Int
    /// Seconds the server asked to wait, where it said.
    package var retryAfter: Double?

    /// Makes a refusal.
    package init(at: Moment, served: Int, retryAfter: Double?) {
      self.at = at
      self.served = served
      self.retryAfter = retryAfter
    }
  }

  /// Seconds between two samples from which on whoever takes them stood still (stopped, or the
  /// machine asleep): what came then says nothing about the path.
  static let pause = 2.0

  /// When the sample was taken.
  package var now: Moment
  /// Workers allowed at that moment.
  package var poolSize: Int
  /// Requests in flight.
  package var open: Int
  /// Requests in flight that have brought data.
  package var carrying: Int
  /// Useful bytes since the pull began; a byte that arrives twice counts once.
  package var bytesDone: Int64
  /// Bytes not yet here.
  package var bytesLeft: Int64
  /// Seconds from a request on an open connection to its first byte, of each response that began since
  /// the last sample; time to connect is left out.
  package var firstByteSeconds: [Double]
  /// Seconds to connect (TCP and TLS), of each connection opened since the last sample.
  package var connectSeconds: [Double]
  /// Bytes per second, from first byte to last, of each request that ended since the last sample
  /// and had lasted long enough to say; nil: none did.
  package var endedRates: [Double]?
  /// Refusals since the last sample.
  package var refusals: [Refusal]
  /// Why workers stood idle, if any did.
  package var appLimit: AppLimit?
  /// What was measured of the connections and of this machine.
  package var readings: Readings

  /// Part of a pool's workers that must carry data: with fewer, the rate still grows into its size.
  private static let carryingShare = 0.7

  /// Whether enough workers of a pool of a size carry data for its rate to be the pool's.
  func isCarried(by size: Int) -> Bool { Double(carrying) >= Self.carryingShare * Double(size) }

  /// Whether a pool of a size is what it was set to: enough workers carry data, none is left to retire.
  func hasLanded(at size: Int) -> Bool { isCarried(by: size) && open <= size }

  /// Makes a sample; lists are empty and nothing is limited until set.
  package init(
    now: Moment, poolSize: Int, open: Int, carrying: Int, bytesDone: Int64, bytesLeft: Int64,
    firstByteSeconds: [Double] = [], connectSeconds: [Double] = [], refusals: [Refusal] = [],
    appLimit: AppLimit? = nil, readings: Readings = .init(), endedRates: [Double]? = nil
  ) {
    self.now = now
    self.poolSize = poolSize
    self.open = open
    self.carrying = carrying
    self.bytesDone = bytesDone
    self.bytesLeft = bytesLeft
    self.firstByteSeconds = firstByteSeconds
    self.connectSeconds = connectSeconds
    self.refusals = refusals
    self.appLimit = appLimit
    self.readings = readings
    self.endedRates = endedRates
  }
}
