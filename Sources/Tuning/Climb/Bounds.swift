/// Pool sizes that are not to be chosen, and why.
struct Bounds: Sendable {
  /// As the user allows.
  let maximum: Int
  /// Never to be exceeded: the server refused, or it was seen to hurt.
  var ceiling: Int
  /// Whether more workers were seen to hurt: then only fewer are tried.
  var isHarmed = false
  /// No descent below: a smaller pool was slower.
  var floor = 1
  /// When a smaller pool may be tried again; nil: not by the clock.
  private(set) var floorUntil: Moment?
  /// Seconds from one such try to the next.
  private var floorPatience = 8.0

  init(maximum: Int, ceiling: Int) {
    self.maximum = maximum
    self.ceiling = ceiling
  }

  /// Sets the floor after a descent that cost too much, for twice as long as the time before.
  mutating func raiseFloor(to size: Int, now: Moment, isTriedAgain: Bool) {
    floor = size
    floorUntil = isTriedAgain ? now + floorPatience : nil
    floorPatience *= 2
  }

  /// Forgets a floor whose time is over.
  mutating func dropFloor(at now: Moment) {
    guard let until = floorUntil, now > until else { return }
    floorUntil = nil
    floor = 1
  }

  /// A size within the largest and one.
  func clamped(_ size: Int) -> Int { max(1, min(size, maximum)) }
}
