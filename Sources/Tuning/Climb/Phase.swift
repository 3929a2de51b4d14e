/// What the policy is about, with what belongs to it alone.
///
/// ```
///            +--> growing --> settling --> holding <--> probing
///            |      ^  ^         |          |  |           |
///  start ----+      |  +---------+          |  |           |
///            |      +-----------------------+  |           |
///            |      +--------------------------|-----------+
///            +--> settling (a path that is known)
/// ```
/// Growing goes on while there is room; settling waits until throughput says something; holding keeps a
/// size, goes down politely and notices changes; probing looks at a larger size. A refusal ends any phase
/// in holding.
enum Phase: Sendable {
  /// More workers, while nothing is full.
  case growing
  /// The size is found, throughput still changes.
  case settling
  /// A size is kept.
  case holding(Hold)
  /// A larger size is looked at.
  case probing(from: Level)

  /// Whether a phase may follow this one.
  func allows(_ next: Phase) -> Bool {
    switch (self, next) {
    // A server may refuse at any moment.
    case (_, .holding): true
    case (.growing, .growing), (.growing, .settling): true
    case (.settling, .growing): true
    case (.holding, .growing), (.holding, .probing): true
    case (.probing, .growing): true
    case (.growing, .probing), (.settling, .settling), (.settling, .probing): false
    case (.holding, .settling), (.probing, .settling), (.probing, .probing): false
    }
  }
}

/// What belongs to holding a size.
struct Hold: Sendable {
  /// A pool size that seemed to hurt, until it is known whether fewer workers are faster.
  struct Suspicion: Sendable {
    /// What was better.
    let best: Level
    /// The ceiling before it.
    let ceiling: Int
  }

  /// The rate that the hold began with: the one to compare with.
  var reference: Level
  var since: Moment
  /// No descent before.
  var descendAt: Moment
  /// What the last descent came from, until it is judged.
  var descended: Level?
  var suspicion: Suspicion?
}
