/// What the policy is about, with what belongs to it alone.
///
/// ```
/// start    -> growing    nothing is known of the path
/// start    -> settling   earlier pulls say what is enough
/// growing  -> growing    there is room
/// growing  -> settling   something is full, the last step brought little, or there may be no more
/// settling -> holding    throughput no longer grows
/// settling -> trying     far fewer should bring as much, or more did harm
/// settling -> growing    what looked full were bursts, or a known path has become another
/// holding  -> trying     it is time for another size
/// holding  -> growing    the path has changed
/// trying   -> holding    kept, or taken back
/// trying   -> trying     what one experiment found is the next one's question
/// trying   -> growing    more brought their part, or fewer were not to blame
/// any      -> holding    the server refused: as many as it was serving
/// ```
enum Phase: Sendable {
  /// More workers, while nothing is full.
  case growing
  /// The size is found, throughput still changes.
  case settling
  /// A size is kept.
  case holding(Hold)
  /// Another size is looked at.
  case trying(Trial)

  /// Whether a phase may follow this one.
  func allows(_ next: Phase) -> Bool {
    switch (self, next) {
    // A server may refuse at any moment.
    case (_, .holding): true
    case (.growing, .growing), (.growing, .settling): true
    case (.settling, .growing), (.settling, .trying): true
    case (.holding, .growing), (.holding, .trying): true
    // What one experiment finds is the next one's question: fewer were too few, so do others share the line?
    case (.trying, .growing), (.trying, .trying): true
    case (.growing, .trying), (.settling, .settling): false
    case (.holding, .settling), (.trying, .settling): false
    }
  }
}

/// What belongs to holding a size.
struct Hold: Sendable {
  /// The rate that the hold began with: the one to compare with.
  let rate: Double
  let since: Moment
}

/// An experiment: a proposal is kept only if throughput bears it out.
struct Trial: Sendable {
  /// What is thought to be so, and what throughput must then do.
  enum Belief: Sendable {
    /// There is room: more workers bring more.
    case room
    /// The line, the CPU or the disk is full: fewer bring as much.
    case full(PullRecord.Limit)
    /// The last workers brought nothing: fewer bring as much.
    case flat
    /// The last workers did harm: fewer bring more.
    case harm
    /// What looks like a queue is a path that has become longer: more workers bring more.
    case longer
    /// Others are on the line, which gives each of its connections a part: more bring as much more.
    case others

    /// Why another size is tried.
    var proposal: Reason {
      switch self {
      case .room: .trying
      case .longer: .tryingLonger
      case .full(let limit): .tryingFewer(limit)
      case .flat: .tryingFlat
      case .harm: .fewerMayBeFaster
      case .others: .mayShare
      }
    }
  }

  let belief: Belief
  /// Whether the first look was not enough: then there is one more, when its time has come.
  var isExtended = false
  /// Whether more workers may have been slower: a line that was full and became faster was another line.
  var isOfHarm: Bool {
    switch belief {
    case .flat, .harm: true
    case .room, .longer, .full, .others: false
    }
  }
  /// Whether nothing was full before.
  var isFromRoom: Bool { if case .room = belief { true } else { false } }
  /// Whether fewer workers are to bring as much as more did.
  var expectsAsMuch: Bool {
    switch belief {
    case .full, .flat: true
    case .room, .longer, .harm, .others: false
    }
  }
  /// What it is compared with.
  let from: Level
}
