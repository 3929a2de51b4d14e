/// Which of several servers is asked next for one document or one range.
///
/// | from | to | when |
/// |---|---|---|
/// | not asked | asked | in their order, the next one when all that are being asked are late or slow, or failed |
/// | asked | answers | its head is here: others that said nothing yet are taken back, and a slow one goes on beside it |
/// | asked | not asked | taken back, because another one answers well |
/// | answers | passed | it was slower by far than another one, or no better: asked again if nobody else is left |
/// | asked, answers | failed | the next one that was not asked has its turn |
///
/// It ends with the first success, or when everybody failed with the principal's error.
struct Failover<Answer: Sendable> {
  enum Action {
    /// Ask this one, and say when it is late.
    case ask(Int)
    /// Take the request back.
    case cancel(Int)
    case end(Result<Answer, RegistryError>)
  }

  private enum State: Equatable { case notAsked, asked, answers, passed, failed }

  private var states: [State]
  private let hedges: Bool
  private let principal: Int
  /// Those that answer so slowly that others are asked, too.
  private var slow: Set<Int> = []
  /// Those that were late with their answer when last asked.
  private var late: Set<Int> = []
  private var failures: [Int: RegistryError] = [:]
  private var isOver = false

  /// - Parameters:
  ///   - count: how many servers there are; at least one.
  ///   - hedges: whether the next one is asked, too, when one is late or slow.
  ///   - principal: whose word counts where all fail; nil: the last one's.
  init(count: Int, hedges: Bool, principal: Int? = nil) {
    states = Array(repeating: .notAsked, count: max(1, count))
    self.hedges = hedges
    self.principal = principal ?? states.count - 1
  }

  /// Whether there is somebody who was not asked.
  var othersAreLeft: Bool { states.contains(.notAsked) }

  mutating func begin() -> [Action] { askNext() }

  /// One that was asked has not answered for longer than a good server takes.
  mutating func late(_ index: Int) -> [Action] {
    guard hedges, !isOver, states[index] == .asked else { return [] }
    late.insert(index)
    return isAnsweredWell ? [] : askNext()
  }

  /// The head of an answer with content came.
  mutating func answered(_ index: Int) -> [Action] {
    guard !isOver, states[index] == .asked else { return [] }
    guard !isAnsweredWell else {
      states[index] = .notAsked
      return [.cancel(index)]
    }
    states[index] = .answers
    return takeBackOthers(than: index, in: [.asked])
  }

  /// What one brings comes so slowly that another one is worth a try beside it.
  mutating func slow(_ index: Int) -> [Action] {
    guard hedges, !isOver, states[index] == .answers else { return [] }
    slow.insert(index)
    return states.contains(.asked) || isAnsweredWell ? [] : askNext()
  }

  /// Of several that answer, this one is left.
  mutating func passed(_ index: Int) -> [Action] {
    guard !isOver, states[index] == .answers, states.count(where: { $0 == .answers }) > 1 else {
      return []
    }
    states[index] = .passed
    slow.remove(index)
    return [.cancel(index)]
  }

  /// Nobody is faster: the one that answers is not slow, as things are.
  mutating func settled(_ index: Int) { slow.remove(index) }

  /// A request ended.
  ///
  /// - Parameters:
  ///   - index: whose.
  ///   - result: how.
  ///   - isFinal: true for a failure that no other server can mend.
  mutating func ended(_ index: Int, _ result: Result<Answer, RegistryError>, isFinal: Bool = false)
    -> [Action]
  {
    guard !isOver, states[index] == .asked || states[index] == .answers else { return [] }
    switch result {
    case .success:
      states[index] = .answers
      isOver = true
      return takeBackOthers(than: index, in: [.asked, .answers]) + [.end(result)]
    case .failure(let error):
      states[index] = .failed
      failures[index] = error
      if isFinal {
        isOver = true
        return takeBackOthers(than: index, in: [.asked, .answers]) + [.end(result)]
      }
      // Others are at it: one more is asked only where all of them are late or slow.
      if states.contains(.asked) || states.contains(.answers) {
        return isInGoodHands ? [] : askNext()
      }
      let next = askNext(or: .passed)
      if !next.isEmpty { return next }
      isOver = true
      return [.end(.failure(verdict(or: index)))]
    }
  }

  /// Whether one answers well, or may still do so.
  private var isInGoodHands: Bool {
    isAnsweredWell || states.indices.contains { states[$0] == .asked && !late.contains($0) }
  }

  private var isAnsweredWell: Bool {
    states.indices.contains { states[$0] == .answers && !slow.contains($0) }
  }

  /// The principal's own word, with what the others did.
  private func verdict(or index: Int) -> RegistryError {
    let speaker = failures[principal] == nil ? index : principal
    let others = failures.keys.sorted().filter { $0 != speaker }.compactMap { failures[$0] }
    return (failures[speaker] ?? RegistryError(.notFound, "nobody has it")).after(others)
  }

  private mutating func askNext(or other: State = .notAsked) -> [Action] {
    guard let next = states.firstIndex(of: .notAsked) ?? states.firstIndex(of: other) else {
      return []
    }
    states[next] = .asked
    late.remove(next)
    return [.ask(next)]
  }

  private mutating func takeBackOthers(than index: Int, in those: Set<State>) -> [Action] {
    var actions: [Action] = []
    for other in states.indices where other != index && those.contains(states[other]) {
      states[other] = .notAsked
      actions.append(.cancel(other))
    }
    return actions
  }
}
