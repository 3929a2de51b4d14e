/// What a prior says about a path: how many workers are enough, and what they bring.
struct KnownPath: Sendable, Equatable {
  /// The smallest pool size about as fast as the best.
  let poolSize: Int
  /// Bytes per second of the best.
  let rate: Double
  /// The largest pool size that is not known to hurt.
  let ceiling: Int
  /// The largest pool size that was measured and about as fast.
  let safe: Int
  /// Whether a larger pool was slower, surely.
  let isHarmed: Bool
  /// Whether the largest pool that was measured still gained in proportion: more may bring more.
  let isGaining: Bool
  /// Whether nothing but one pool size was measured.
  let isOnly: Bool
  /// A smaller pool that no pull has tried and that may be enough; nil: there is none.
  let untried: Int?

  /// What is gained in proportion, at least: part of what the workers added would bring alone.
  private static let proportional = 0.75
  /// What a pool size may bring less than the best to be as good.
  private static let tolerance = 0.97
  /// What a pool size brings at least that does no harm.
  private static let safeShare = 0.9
  /// What a larger pool size brings less when it hurts.
  private static let harm = 0.93
  /// Least scatter of the logarithm of throughput.
  private static let scatter = 0.1
  /// Standard errors that make harm sure.
  private static let sigmas = 2.0
  /// Seconds measured below which a size is neither the best nor enough, where others have more.
  private static let longEnough = 1.0
  /// What all workers share: where it is full, fewer may fill it.
  private static let shared: Set<PullRecord.Limit> = [.line, .server, .cpu, .disk]
  /// Part of the workers that is tried next where no smaller pool was.
  private static let part = 0.6
  /// So few are few enough.
  private static let few = 5
  /// A size that brings less than this part of the best is at the edge: fewer would be too few.
  private static let edge = 0.985
  /// A size less than so many times one that was too few is not worth another look.
  private static let worthwhile = 1.5

  init?(_ prior: Prior) {
    let estimate = PathEstimate(prior)
    var points = prior.points.filter { $0.weight >= Prior.Point.enough }
    if points.isEmpty, let estimate, case .sweep(let sweep) = estimate.source {
      points = sweep.points.map {
        Prior.Point(
          poolSize: $0.poolSize, logRate: $0.logRate, variance: $0.variance,
          weight: Prior.Point.enough)
      }
    }
    let long = points.filter { $0.weight >= Self.longEnough }
    let sure = long.isEmpty ? points : long
    guard let best = sure.max(by: { $0.logRate < $1.logRate }) else { return nil }
    rate = best.rate
    let chosen = sure.first { $0.rate >= Self.tolerance * best.rate } ?? best
    let size = estimate.flatMap { $0.gap == nil ? $0.optimum : nil } ?? chosen.poolSize
    let harmful = points.first {
      $0.poolSize > best.poolSize && !$0.isBound
        && $0.logRate + Self.sigmas * $0.standardError(scatter: Self.scatter) < best.logRate
          + log(Self.harm)
    }
    isHarmed = harmful != nil
    ceiling = min(
      prior.ceiling ?? .max, harmful.map { max(best.poolSize, $0.poolSize - 1) } ?? .max)
    poolSize = min(ceiling, size)
    safe = points.last { $0.rate >= Self.safeShare * best.rate }?.poolSize ?? size
    isOnly = points.count == 1
    isGaining = Self.isGaining(points, best: best)
    let isShared = prior.limitedBy.map(Self.shared.contains) ?? false
    untried = isShared ? Self.untried(below: poolSize, sure, best) : nil
  }

  /// The next smaller size to look at, pull by pull, until one is too few: then halfway to that.
  private static func untried(below size: Int, _ points: [Prior.Point], _ best: Prior.Point) -> Int?
  {
    guard size > few, let here = points.first(where: { $0.poolSize == size }),
      here.rate >= edge * best.rate
    else { return nil }
    let tooFew = points.last { $0.poolSize < size && !$0.isBound }.map { Double($0.poolSize) } ?? 1
    guard Double(size) >= worthwhile * tooFew else { return nil }
    let halfway = (tooFew * Double(size)).squareRoot()
    let next = whole(max(part * Double(size), halfway).rounded(.up))
    return next < size ? next : nil
  }

  private static func isGaining(_ points: [Prior.Point], best: Prior.Point) -> Bool {
    let sure = points.filter { $0.busyWeight >= 2 * Prior.Point.enough }
    guard let last = sure.last, last.poolSize == best.poolSize, let before = sure.dropLast().last
    else { return false }
    let growth = Double(last.poolSize) / Double(before.poolSize) - 1
    return last.rate / before.rate - 1 >= proportional * growth
  }
}
