/// Why a pool has its size: one case for each thing that a rule can say, in groups by the file of `Rules`.
enum Reason: Sendable, Equatable, CustomStringConvertible {
  typealias Limit = PullRecord.Limit

  // Open
  case opened(OpeningReason)
  // Grow
  case room
  case bursts
  case filled(Int, Limit)
  case littleMore(from: Int, to: Int)
  case allAllowed
  case allServed
  case allUnharmed
  case tooLate
  // Feed
  case fed(Int)
  // Settle
  case settled
  case settledBursts
  case knee(Int)
  case asKnown
  case slowerThanKnown
  case tryingUntried(Int)
  // Keep
  case pathChanged
  // More
  case trying
  case tryingLonger
  // Fewer
  case tryingFewer(Limit)
  case tryingFlat
  // Trial
  case trialFilled(from: Int, to: Int, Limit)
  case trialGained(from: Int, to: Int, percent: Int)
  case trialHurt(Int, percent: Int)
  case trialInVain(Int, percent: Int)
  case fewerWillDo
  case tooFew(Int, percent: Int)
  // Harm
  case harmed(Int, percent: Int)
  case fewerMayBeFaster
  case acquitted
  // Share
  case mayShare
  case lookingForOthers(Int)
  case shares
  case sharesNot(Int)
  case sharesNotWithFewer(Int)
  // Refuse
  case refused(beyond: Int)
  case contended
  case oneMore

  /// For people.
  var description: String {
    switch self {
    case .opened(let reason): reason.description
    case .room: "round trips are not growing, so no queue has built up: adding workers"
    case .bursts: "the server sends in bursts and the line is idle between them: adding workers"
    case .filled(let size, let limit): "\(size) workers are as much as it takes (\(limit.words))"
    case .littleMore(let from, let to): "going from \(from) to \(to) workers brought little more"
    case .allAllowed: "the most that --max-workers allows"
    case .allServed: "the most that the server takes"
    case .allUnharmed: "more workers were slower"
    case .tooLate: "too few bytes are left for new connections to get up to speed"
    case .fed(let size): "what is left keeps only \(size) busy"
    case .settled: "keeping the size that did best so far"
    case .settledBursts:
      "keeping this size; the server sends in bursts, so where more stops helping is unclear"
    case .knee(let size): "more than about \(size) workers brought nothing"
    case .asKnown: "the path is as earlier pulls found it"
    case .slowerThanKnown: "the path is slower than earlier pulls found it"
    case .tryingUntried(let size):
      "\(size) workers may be enough, and no earlier pull had so few: trying that"
    case .pathChanged: "the rate is not what it was here: measuring the path again"
    case .trying: "round trips are not growing: trying more workers"
    case .tryingLonger: "round trips grew, by a queue or by a longer route: trying more workers"
    case .tryingFewer(.limitRate): "--limit-rate is reached: trying fewer workers"
    case .tryingFewer(let limit): "\(limit.words) stays full: trying fewer workers"
    case .tryingFlat: "the workers added last brought nothing: trying fewer"
    case .trialFilled(let from, let to, let limit):
      "going from \(from) to \(to) workers is as much as it takes (\(limit.words))"
    case .trialGained(let from, let to, let percent):
      "going from \(from) to \(to) workers brought \(percent) % more: adding workers"
    case .trialHurt(let size, let percent): "\(size) workers changed the rate by \(percent) %: back"
    case .trialInVain(let size, let percent):
      "\(size) workers changed the rate by \(percent) %, too little for their cost"
    case .fewerWillDo: "fewer workers bring as much"
    case .tooFew(let size, let percent): "\(size) workers are too few: \(percent) % slower"
    case .harmed(let size, let percent): "\(size) workers were \(percent) % slower"
    case .fewerMayBeFaster: "more workers made it slower: trying fewer"
    case .acquitted: "fewer workers are no faster, so it was not their number"
    case .mayShare: "others may share the line: trying about as many connections as theirs"
    case .lookingForOthers(let size):
      "more workers brought more: \(size) again, to see whether others take the rest"
    case .shares: "others seem to share the line: about as many connections as theirs"
    case .sharesNot(let size): "the line is not shared: \(size) workers bring no more"
    case .sharesNotWithFewer(let size):
      "the line is not shared: \(size) workers bring less, and nobody took what they left"
    case .refused(let served): "the server refuses more than \(served) requests at a time"
    case .contended: "the server refuses what it served before: others are using it too"
    case .oneMore: "nothing was refused for a while: trying one more"
    }
  }
}
