/// What a pull did since the sample before; all that a policy may know.
public struct Sample: Sendable, Equatable {
  /// Why the pool could not use its workers; such a sample teaches nothing about the path.
  public enum AppLimit: Sendable, Equatable {
    /// Nothing was left to hand out.
    case nothingLeft
    /// Every piece left waits out a back-off or a Retry-After.
    case backingOff
  }

  /// A request that the server refused for load (429 or 503).
  public struct Refusal: Sendable, Equatable {
    /// When the refusal arrived.
    public var at: Moment
    /// How many requests were being served then.
    public var served: Int
    /// Seconds the server asked to wait, where it said.
    public var retryAfter: Double?

    /// Makes a refusal.
    public init(at: Moment, served: Int, retryAfter: Double?) {
      self.at = at
      self.served = served
      self.retryAfter = retryAfter
    }
  }

  /// When the sample was taken.
  public var now: Moment
  /// Workers allowed at that moment.
  public var poolSize: Int
  /// Requests in flight.
  public var open: Int
  /// Requests in flight that have brought data.
  public var carrying: Int
  /// Useful bytes since the pull began; a byte that arrives twice counts once.
  public var bytesDone: Int64
  /// Bytes not yet here.
  public var bytesLeft: Int64
  /// Seconds from request to first byte, of each response that began since the last sample.
  public var firstByteSeconds: [Double]
  /// Seconds to connect (TCP and TLS), of each connection opened since the last sample.
  public var connectSeconds: [Double]
  /// Refusals since the last sample.
  public var refusals: [Refusal]
  /// Why workers stood idle, if any did.
  public var appLimit: AppLimit?

  /// Makes a sample; lists are empty and nothing is limited until set.
  public init(
    now: Moment, poolSize: Int, open: Int, carrying: Int, bytesDone: Int64, bytesLeft: Int64,
    firstByteSeconds: [Double] = [], connectSeconds: [Double] = [], refusals: [Refusal] = [],
    appLimit: AppLimit? = nil
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
  }
}
