/// A stretch of a pull at one pool size, over which throughput was measured.
package struct Epoch: Sendable, Equatable, Codable {
  /// The pool size.
  package var poolSize: Int
  /// Seconds since the pull's start at which measuring began.
  package var startedAt: Double
  /// Seconds measured; what it takes to open connections is left out.
  package var seconds: Double
  /// Useful bytes in that time.
  package var bytes: Int64
  /// Smallest round trip read in that time, in seconds; nil: none was read.
  package var roundTripSeconds: Double?
  /// True when the pool could not use its workers: such an epoch teaches nothing about the path.
  package var isAppLimited: Bool
  /// Why the pool had this size.
  package var reason: String

  /// Makes an epoch.
  package init(
    poolSize: Int, startedAt: Double, seconds: Double, bytes: Int64,
    roundTripSeconds: Double? = nil, isAppLimited: Bool = false, reason: String = ""
  ) {
    self.poolSize = poolSize
    self.startedAt = startedAt
    self.seconds = seconds
    self.bytes = bytes
    self.roundTripSeconds = roundTripSeconds
    self.isAppLimited = isAppLimited
    self.reason = reason
  }

  /// Useful bytes per second.
  package var rate: Double { seconds > 0 ? Double(bytes) / seconds : 0 }
}

/// What there is to learn from a pull.
package struct PullRecord: Sendable, Equatable, Codable {
  /// Seconds that its downloads took.
  package var seconds: Double
  /// Useful bytes that it fetched.
  package var bytes: Int64
  /// Its epochs, by time.
  package var epochs: [Epoch]
  /// Round trip of the idle path, in seconds: the smallest reading of all.
  package var idleRoundTripSeconds: Double?
  /// Requests being served at each moment when another was refused for load.
  package var servedAtRefusals: [Int]
  /// Most requests that brought data at one moment.
  package var mostCarrying = 0
  /// What limited it, where its evidence says so.
  package var limitedBy: Limit?
  /// What bears on that.
  package var evidence = PullEvidence()

  /// What limited a pull.
  package enum Limit: String, Sendable, Equatable, Codable, CaseIterable {
    /// The line is full: more workers only queue.
    case line
    /// The server gives each connection a rate, and the pool has as many as it may.
    case perConnection
    /// The server refuses more requests for load, whatever status it has for that.
    case refusals
    /// More workers made it slower: the server or the path is overloaded.
    case overload
    /// This machine's CPU.
    case cpu
    /// This machine's disk.
    case disk
    /// The server, or something on the way, gives all connections together a rate, and no queue stands.
    case server
    /// Packets were lost on the way: connections stayed slower than the line and the server would let them;
    /// no verdict says so any more, histories of earlier versions do.
    case loss
    /// Waiting for answers: the blobs are too small for the round trips that they cost.
    case roundTrips
    /// The user's `--limit-rate`.
    case limitRate
    /// The number of workers that the user, the default or the limit on open files allows.
    case maxWorkers
    /// For most of the time nothing was left for a worker that was allowed; only histories of
    /// earlier versions say so.
    case shape

    /// For people, after "limited by".
    package var words: String {
      switch self {
      case .line: "the line"
      case .perConnection: "the server's rate per connection"
      case .refusals: "the server's refusals"
      case .overload: "an overloaded server or path"
      case .cpu: "this machine's CPU"
      case .disk: "this machine's disk"
      case .shape: "the image's shape"
      case .server: "the server's limit for all connections"
      case .loss: "lost packets"
      case .roundTrips: "the round trips of many small blobs"
      case .limitRate: "--limit-rate"
      case .maxWorkers: "the number of workers allowed"
      }
    }
  }

  /// Most requests that the server was willing to serve, where it refused one.
  ///
  /// The fewest in flight at a refusal, but no fewer than an epoch of this pull had carried.
  package var ceiling: Int? {
    guard let served = servedAtRefusals.filter({ $0 > 0 }).min() else { return nil }
    return max(served, mostCarrying)
  }

  /// Makes a record.
  package init(
    seconds: Double, bytes: Int64, epochs: [Epoch] = [], idleRoundTripSeconds: Double? = nil,
    servedAtRefusals: [Int] = [], mostCarrying: Int = 0, limitedBy: Limit? = nil
  ) {
    self.seconds = seconds
    self.bytes = bytes
    self.epochs = epochs
    self.idleRoundTripSeconds = idleRoundTripSeconds
    self.servedAtRefusals = servedAtRefusals
    self.mostCarrying = mostCarrying
    self.limitedBy = limitedBy
  }
}
