/// Which of several servers is asked next for one document or one range.
///
/// ```
/// not asked -> asked        in their order, the next one when the one before failed, or is late
/// asked     -> answers      its head is here: it has won, and others on their way are taken back
/// asked     -> not asked    taken back, because another one won
/// answers, asked -> failed  the next one that was not asked has its turn
/// ```
/// It ends with the first success, or when everybody failed with the last one's error.
struct Failover<Answer: Sendable> {
  enum Action {
    /// Ask this one, and say when it is late.
    case ask(Int)
    /// Take the request back.
    case cancel(Int)
    case end(Result<Answer, RegistryError>)
  }

  private enum State: Equatable { case notAsked, asked, answers, failed }

  private var states: [State]
  private let hedges: Bool
  private var failures: [Int: RegistryError] = [:]
  private var isOver = false

  /// - Parameters:
  ///   - count: how many servers there are; at least one.
  ///   - hedges: whether the next one is asked, too, when one is late.
  init(count: Int, hedges: Bool) {
    states = Array(repeating: .notAsked, count: max(1, count))
    self.hedges = hedges
  }

  mutating func begin() -> [Action] { askNext() }

  /// One that was asked has not answered for longer than a good server takes.
  mutating func late(_ index: Int) -> [Action] {
    guard hedges, !isOver, states[index] == .asked, !states.contains(.answers) else { return [] }
    return askNext()
  }

  /// The head of an answer with content came.
  mutating func answered(_ index: Int) -> [Action] {
    guard !isOver, states[index] == .asked else { return [] }
    guard !states.contains(.answers) else {
      states[index] = .notAsked
      return [.cancel(index)]
    }
    states[index] = .answers
    return takeBackOthers(than: index)
  }

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
      return takeBackOthers(than: index) + [.end(result)]
    case .failure(let error):
      states[index] = .failed
      failures[index] = error
      if isFinal {
        isOver = true
        return takeBackOthers(than: index) + [.end(result)]
      }
      // Somebody else is on it already.
      if states.contains(.asked) || states.contains(.answers) { return [] }
      let next = askNext()
      if !next.isEmpty { return next }
      isOver = true
      return [.end(.failure(verdict(or: error)))]
    }
  }

  /// The last server's own word, with what those before it did.
  private func verdict(or error: RegistryError) -> RegistryError {
    let last = failures[states.count - 1] ?? error
    let earlier = failures.keys.sorted().dropLast().compactMap { failures[$0] }
    return last.after(earlier)
  }

  private mutating func askNext() -> [Action] {
    guard let next = states.firstIndex(of: .notAsked) else { return [] }
    states[next] = .asked
    return [.ask(next)]
  }

  private mutating func takeBackOthers(than index: Int) -> [Action] {
    var actions: [Action] = []
    for other in states.indices where other != index && states[other] == .asked {
      states[other] = .notAsked
      actions.append(.cancel(other))
    }
    return actions
  }
}
