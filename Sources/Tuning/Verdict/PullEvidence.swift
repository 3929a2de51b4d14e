/// What a pull saw that bears on what limited it: sums over its samples, and nothing that it believed.
package struct PullEvidence: Sendable, Equatable, Codable {
  /// What came while so many connections carried data.
  package struct Level: Sendable, Equatable, Codable {
    /// Connections that carried data, on average.
    package var connections: Double
    /// Seconds of that.
    package var seconds: Double
    /// Useful bytes in them.
    package var bytes: Double

    /// Bytes per second.
    package var rate: Double { seconds > 0 ? bytes / seconds : 0 }
    /// Bytes per second of one connection.
    package var each: Double { connections > 0 ? rate / connections : 0 }

    /// Makes a level.
    package init(connections: Double, seconds: Double, bytes: Double) {
      self.connections = connections
      self.seconds = seconds
      self.bytes = bytes
    }
  }

  /// Parts of the time from the first byte to the end, each from 0 to 1.
  package struct Shares: Sendable, Equatable, Codable {
    /// A queue stood in front of the line.
    package var queue = 0.0
    /// The engine had no time left, for other things than writing.
    package var cpu = 0.0
    /// It had none because of writing.
    package var disk = 0.0
    /// A worker that was allowed had nothing to fetch.
    package var idle = 0.0
    /// One waited because the server had refused, or failed.
    package var waiting = 0.0
    /// Bytes came in bursts, with nothing in between.
    package var bursts = 0.0
    /// The pool was as large as the limits allow.
    package var atMost = 0.0
    /// The pool was as large as a server that had refused more would serve.
    package var atServed = 0.0
    /// Of the requests' time: no byte of their answers had come.
    package var asking = 0.0

    /// All of them 0.
    package init() {}
  }

  /// Seconds from the first request to the end.
  package var seconds = 0.0
  /// Seconds of them from the first byte, without outages.
  package var flowing = 0.0
  /// Seconds of outages: nothing came over any connection; nil: there was none.
  package var silent: Double?
  /// Useful bytes.
  package var bytes: Int64 = 0
  /// What nobody may exceed.
  package var limits = PullLimits()
  /// Parts of the time.
  package var shares = Shares()
  /// Rates by connections, fewest first, while all workers were busy.
  package var levels: [Level] = []
  /// The same of earlier pulls over the path, by pool size.
  package var earlier: [Level] = []
  /// Requests refused for load.
  package var refusals = 0
  /// Fewest other requests in flight when one was refused.
  package var servedAtRefusal: Int?
  /// Round trip of the idle path, in seconds.
  package var roundTrip: Double?
  /// Mean queue while one stood, in seconds.
  package var queueSeconds: Double?
  /// Half of the responses began within so many seconds.
  package var firstByteSeconds: Double?
  /// How unlike the rates of requests at the same time were: the standard deviation of their logarithms.
  package var spread: Double?
  /// Times that packets came out of order, in a second of one connection; nil: it cannot be known.
  package var disorder: Double?

  /// Useful bytes per second, from the first byte on.
  package var rate: Double { flowing > 0 ? Double(bytes) / flowing : 0 }

  /// Knows nothing.
  package init() {}
}
