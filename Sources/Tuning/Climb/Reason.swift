/// Why a pool has its size: one case for each thing that a rule can say.
enum Reason: Sendable, Equatable, CustomStringConvertible {
  typealias Limit = PullRecord.Limit

  // Open
  case openedByRoundTrip(seconds: Double)
  case nothingKnown
  case didBest(Int)
  case stillGained(at: Int)
  // Grow
  case room
  case bursts
  case filled(Int, Limit)
  case littleMore(from: Int, to: Int)
  case allAllowed
  case tooLate
  case fed(Int)
  // Settle
  case settled
  case settledBursts
  case knee(Int)
  case asKnown
  case slowerThanKnown
  // Probe
  case trying
  case tryingLonger
  case probeFilled(from: Int, to: Int, Limit)
  case probeGained(from: Int, to: Int, percent: Int)
  case probeHurt(Int, percent: Int)
  case probeInVain(Int, percent: Int)
  // Hold
  case pathChanged
  case fewerWillDo
  case tryingFewer
  case tryingFlat
  case tooFew(Int, percent: Int)
  // Harm
  case harmed(Int, percent: Int)
  case fewerMayBeFaster
  case acquitted
  // Share
  case shares
  case sharesNot(Int)
  // Refuse
  case refused(beyond: Int)
  case contended
  case oneMore

  /// For people.
  var description: String {
    switch self {
    case .openedByRoundTrip(let seconds): "opened by a round trip of \(Self.ms(seconds))"
    case .nothingKnown: "nothing is known of the path"
    case .didBest(let size): "earlier pulls did best with \(size)"
    case .stillGained(let size): "earlier pulls still gained at \(size)"
    case .room: "no queue stands: room for more"
    case .bursts: "bytes come in bursts and the line is idle between them: room for more"
    case .filled(let size, let limit): "\(size) workers fill it (\(limit.rawValue))"
    case .littleMore(let from, let to): "\(from) -> \(to) brought little more"
    case .allAllowed: "as many as may be"
    case .tooLate: "too little is left for more connections to get going"
    case .fed(let size): "there is work for \(size) only"
    case .settled: "settled"
    case .settledBursts: "settled; what came in bursts tells no knee"
    case .knee(let size): "the gain ends at about \(size) workers"
    case .asKnown: "as it was known"
    case .slowerThanKnown: "slower than it was known"
    case .tryingLonger: "a queue, or a longer path: trying more"
    case .trying: "no queue stands: trying more"
    case .probeFilled(let from, let to, let limit):
      "\(from) -> \(to) fills it (\(limit.rawValue))"
    case .probeGained(let from, let to, let percent):
      "\(from) -> \(to) gave +\(percent) %: growing"
    case .probeHurt(let size, let percent): "\(size) workers hurt: \(percent) %"
    case .probeInVain(let size, let percent): "\(size) gave \(percent) %: not worth it"
    case .pathChanged: "the path changed"
    case .fewerWillDo: "fewer bring as much"
    case .tryingFewer: "the line stays full: fewer may do"
    case .tryingFlat: "the last workers brought nothing: fewer may do"
    case .tooFew(let size, let percent): "\(size) workers are too few: -\(percent) %"
    case .harmed(let size, let percent): "\(size) workers were \(percent) % slower"
    case .fewerMayBeFaster: "fewer may be faster"
    case .acquitted: "fewer workers are no faster: they did no harm"
    case .shares: "others share the line: as many workers as they have"
    case .sharesNot(let size): "nobody shares the line: \(size) bring no more"
    case .refused(let served): "the server refused beyond \(served)"
    case .contended: "the server refuses what it served before: others need it too"
    case .oneMore: "nothing was refused for a while: one more"
    }
  }

  private static func ms(_ seconds: Double) -> String {
    seconds < 1e-3 ? "less than 1 ms" : "\(whole(seconds * 1e3)) ms"
  }
}
