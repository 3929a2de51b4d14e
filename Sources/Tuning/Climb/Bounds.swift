/// Pool sizes that are not to be chosen, and why.
struct Bounds: Sendable {
  /// As the user allows.
  let maximum: Int
  /// The server refused more.
  var served: Int
  /// From this size on, more workers were seen to be slower; nil: none was.
  private(set) var harmful: Int?
  /// Whether that was seen in earlier pulls only.
  private(set) var isRemembered = false
  /// Whether more workers were ever seen to be slower.
  private(set) var wasHarmful = false
  /// Fewer than this were seen to be slower.
  private(set) var floor = 1
  /// This many were too few when they were tried last; nil: nothing is known of fewer.
  private(set) var tooFew: Int?

  private var harmfulUntil = Moment.zero
  private var floorUntil: Moment?
  private var tooFewUntil = Moment.zero
  private var harmPatience = Self.firstHarmPatience
  private var floorPatience = Self.firstFloorPatience

  /// Seconds until what was rejected is tried again; doubled by each time that it is rejected again.
  private static let firstHarmPatience = 40.0
  private static let firstFloorPatience = 8.0
  /// Nothing below the floor is tried for a while; for so many times that long, a step down goes no
  /// further than halfway to what was too few.
  private static let tooFewFactor = 4.0

  init(maximum: Int, served: Int, harmful: Int?) {
    self.maximum = maximum
    self.served = served
    self.harmful = harmful
    wasHarmful = harmful != nil
    isRemembered = wasHarmful
    harmfulUntil = Moment(seconds: Self.firstHarmPatience)
  }

  /// Whether this pull saw more workers be slower.
  var harmWasSeen: Bool { wasHarmful && !isRemembered }

  /// Never to be exceeded.
  var ceiling: Int { max(1, min(served, unharmed)) }

  /// Why there may be no more.
  var top: Reason {
    if ceiling == maximum { return .allAllowed }
    return served <= unharmed ? .allServed : .allUnharmed
  }

  /// The most that the user allows and that is not known to hurt.
  var unharmed: Int { min(maximum, (harmful ?? .max) - 1) }

  /// A size within the largest and one.
  func clamped(_ size: Int) -> Int { max(1, min(size, maximum)) }

  /// More workers were slower.
  mutating func forbid(from size: Int, now: Moment) {
    // A lower bound than the one that holds is news, not the same again.
    if harmful == nil, wasHarmful, !isRemembered { harmPatience *= 2 }
    harmful = max(2, min(size, harmful ?? size))
    wasHarmful = true
    isRemembered = false
    harmfulUntil = now + harmPatience
  }

  /// More workers did no harm.
  mutating func acquit() {
    harmful = nil
    wasHarmful = false
    isRemembered = false
  }

  /// A smaller pool was slower.
  ///
  /// - Parameters:
  ///   - size: the smallest that is known to do.
  ///   - tooFew: those that did not.
  ///   - now: when that was seen.
  ///   - patience: seconds until it is tried again; nil: twice as long as the time before.
  mutating func keep(_ size: Int, tooFew: Int? = nil, now: Moment, patience: Double? = nil) {
    floor = size
    self.tooFew = tooFew ?? self.tooFew
    let wait = patience ?? floorPatience
    floorUntil = now + wait
    tooFewUntil = now + Self.tooFewFactor * wait
    if patience == nil { floorPatience *= 2 }
  }

  /// Nothing is known of smaller pools any more.
  mutating func forgetFewer() {
    floor = 1
    floorUntil = nil
    tooFew = nil
  }

  /// Forgets beliefs whose time is over.
  mutating func observe(_ now: Moment) {
    if harmful != nil, now > harmfulUntil { harmful = nil }
    if tooFew != nil, now > tooFewUntil { tooFew = nil }
    if let until = floorUntil, now > until {
      floor = 1
      floorUntil = nil
    }
  }
}
