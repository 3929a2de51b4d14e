/// More: from time to time, a larger size is proposed; throughput decides.
enum MoreRule {
  /// Seconds of a hold before the first proposal.
  static let shortPatience = 0.6
  /// What comes after one that failed is twice as long, up to this.
  static let longPatience = 24.0
  /// Seconds to the first proposal where fewer were seen to do, or more to have no work.
  static let settledPatience = 6.0
  /// A first proposal doubles; later ones, after more than so many seconds, add a half.
  static let boldPatience = 1.0
  /// Where more were once slower, the first part of the pool is added; twice as much after each that
  /// gained, up to the second.
  static let carefulShare = 0.125
  static let boldShare = 0.5
}

/// When sizes are to be proposed.
struct Proposals: Sendable {
  /// Seconds to hold before the next larger size; doubled by each that failed.
  var patience = MoreRule.shortPatience
  /// The part of the pool that is added where more were once slower.
  private(set) var share = MoreRule.carefulShare
  /// No smaller size before.
  var fewerAt = Moment.zero

  /// A larger size gained though more were once slower: the best may be far away.
  mutating func growBolder() { share = min(MoreRule.boldShare, 2 * share) }

  /// A larger size was not worth it: the next one comes later.
  mutating func waitLonger() {
    share = MoreRule.carefulShare
    patience = min(MoreRule.longPatience, 2 * max(1, patience))
  }
}

extension ClimbPolicy {
  /// Proposes a larger pool where it is due.
  mutating func tryMore(
    _ hold: Hold, rate: Double, _ view: PathView, belief: Trial.Belief = .room
  ) {
    guard view.now - hold.since >= proposals.patience, pool.size < bounds.ceiling
    else { return }
    enter(
      .trying(Trial(belief: belief, from: Level(poolSize: pool.size, rate: rate))),
      because: belief.proposal)
    let more =
      if bounds.wasHarmful {
        max(1, whole((proposals.share * Double(pool.size)).rounded(.down)))
      } else if proposals.patience > MoreRule.boldPatience {
        max(2, pool.size / 2)
      } else {
        pool.size
      }
    set(min(bounds.ceiling, pool.size + more), now: view.now, because: belief.proposal)
  }
}
