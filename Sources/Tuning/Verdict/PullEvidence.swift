/// What a pull saw that bears on what limited it: sums over its samples, and nothing that it believed.
public struct PullEvidence: Sendable, Equatable, Codable {
  /// What came while so many connections carried data.
  public struct Level: Sendable, Equatable, Codable {
    /// Connections that carried data, on average.
    public var connections: Double
    /// Seconds of that.
    public var seconds: Double
    /// Useful bytes in them.
    public var bytes: Double

    /// Bytes per second.
    public var rate: Double { seconds > 0 ? bytes / seconds : 0 }
    /// Bytes per second of one connection.
    public var each: Double { connections > 0 ? rate / connections : 0 }

    /// Makes a level.
    public init(connections: Double, seconds: Double, bytes: Double) {
      self.connections = connections
      self.seconds = seconds
      self.bytes = bytes
    }
  }

  /// Parts of the time from the first byte to the end, each from 0 to 1.
  public struct Shares: Sendable, Equatable, Codable {
    /// A queue stood in front of the line.
    public var queue = 0.0
    /// The engine had no time left, for other things than writing.
    public var cpu = 0.0
    /// It had none because of writing.
    public var disk = 0.0
    /// A worker that was allowed had nothing to fetch.
    public var idle = 0.0
    /// One waited because the server had refused, or failed.
    public var waiting = 0.0
    /// Bytes came in bursts, with nothing in between.
    public var bursts = 0.0
    /// The pool was as large as the limits allow.
    public var atMost = 0.0
    /// The pool was as large as a server that had refused more would serve.
    public var atServed = 0.0

    /// All of them 0.
    public init() {}
  }

  /// Seconds from the first request to the end.
  public var seconds = 0.0
  /// Seconds of them from the first byte.
  public var flowing = 0.0
  /// Useful bytes.
  public var bytes: Int64 = 0
  /// What nobody may exceed.
  public var limits = PullLimits()
  /// Parts of the time.
  public var shares = Shares()
  /// Rates by connections, fewest first, while all workers were busy.
  public var levels: [Level] = []
  /// The same of earlier pulls over the path, by pool size.
  public var earlier: [Level] = []
  /// Requests refused for load.
  public var refusals = 0
  /// Fewest other requests in flight when one was refused.
  public var servedAtRefusal: Int?
  /// Round trip of the idle path, in seconds.
  public var roundTrip: Double?
  /// Mean queue while one stood, in seconds.
  public var queueSeconds: Double?
  /// Half of the responses began within so many seconds.
  public var firstByteSeconds: Double?
  /// Share of the requests' time that passed before their first byte, 0 to 1.
  public var asking = 0.0
  /// How unlike the rates of requests at the same time were: the standard deviation of their logarithms.
  public var spread: Double?
  /// Times that packets came out of order, in a second of one connection; nil: it cannot be known.
  public var disorder: Double?

  /// Useful bytes per second, from the first byte on.
  public var rate: Double { flowing > 0 ? Double(bytes) / flowing : 0 }

  /// Knows nothing.
  public init() {}
}
