import Transfer

extension FailoverRunner {
  /// One race of endpoints; its state belongs to the task that runs it.
  actor Race<Answer: Sendable> {
    let candidates: [Endpoint]
    let key: String
    let patience: Double
    let runner: FailoverRunner
    let inbox: AsyncStream<Event<Answer>>.Continuation
    let ask: Asking<Answer>
    var failover: Failover<Answer>
    var asks: [Int: Ask] = [:]
    var asked = 0
    var tasks: [Int: Task<Void, Never>] = [:]
    var timers: [Int: Task<Void, Never>] = [:]
    var unanswered: Set<Int> = []
    var outcome: Result<Answer, RegistryError>?

    init(
      candidates: [Endpoint], key: String, patience: Double, runner: FailoverRunner,
      inbox: AsyncStream<Event<Answer>>.Continuation,
      ask: @escaping Asking<Answer>
    ) {
      self.candidates = candidates
      self.key = key
      self.patience = patience
      self.runner = runner
      self.inbox = inbox
      self.ask = ask
      failover = Failover(count: candidates.count, hedges: runner.hedges)
    }

    func run(_ events: AsyncStream<Event<Answer>>) async -> Result<Answer, RegistryError> {
      perform(failover.begin())
      if outcome == nil {
        for await event in events {
          take(event)
          if outcome != nil { break }
        }
      }
      for index in Array(tasks.keys) { stop(index) }
      let cancelled = RegistryError(
        .transfer(TransferError(.cancelled, "cancelled")), "cancelled")
      return outcome ?? .failure(cancelled)
    }

    private func take(_ event: Event<Answer>) {
      switch event {
      case .late(let ask):
        guard asks[ask.index] == ask, unanswered.contains(ask.index) else { return }
        let (endpoint, isMirror) = (candidates[ask.index], isMirror(ask.index))
        runner.sayLate(endpoint, patience, isMirror: isMirror)
        if isMirror, runner.hedges {
          runner.ledger.late(endpoint, now: runner.time.seconds())
        }
        perform(failover.late(ask.index))
      case .answered(let ask):
        guard asks[ask.index] == ask else { return }
        hear(ask.index)
        perform(failover.answered(ask.index))
      case .ended(let ask, let attempt):
        guard asks[ask.index] == ask else { return }
        asks[ask.index] = nil
        tasks[ask.index] = nil
        learn(ask.index, attempt)
        perform(failover.ended(ask.index, attempt.result, isFinal: attempt.isFinal))
      }
    }

    private func perform(_ actions: [Failover<Answer>.Action]) {
      for action in actions {
        switch action {
        case .ask(let index): start(index)
        case .cancel(let index): stop(index)
        case .end(let result): outcome = result
        }
      }
    }

    private func start(_ index: Int) {
      let (endpoint, inbox, ask) = (candidates[index], inbox, ask)
      asked += 1
      let own = Ask(index: index, number: asked)
      asks[index] = own
      unanswered.insert(index)
      if isMirror(index) { runner.ledger.asked(endpoint) }
      tasks[index] = Task {
        let attempt = await ask(endpoint) { inbox.yield(.answered(own)) }
        inbox.yield(.ended(own, attempt))
      }
      timers[index] = runner.time.whenLate { inbox.yield(.late(own)) }
    }

    /// Takes a request back; one that was never answered may say something about its server.
    private func stop(_ index: Int) {
      asks[index] = nil
      tasks.removeValue(forKey: index)?.cancel()
      timers.removeValue(forKey: index)?.cancel()
      guard unanswered.remove(index) != nil, isMirror(index) else { return }
      let reason = runner.ledger.overtaken(candidates[index], now: runner.time.seconds())
      reason.map { giveUp(index, $0) }
    }

    private func hear(_ index: Int) {
      timers.removeValue(forKey: index)?.cancel()
      guard unanswered.remove(index) != nil, isMirror(index) else { return }
      runner.ledger.answered(candidates[index])
    }

    private func learn(_ index: Int, _ attempt: Attempt<Answer>) {
      hear(index)
      guard isMirror(index) else { return }
      switch attempt.result {
      case .success: runner.ledger.succeeded(candidates[index], now: runner.time.seconds())
      case .failure(let error):
        if case .transfer(let cause) = error.kind, cause.isOurs { return }
        let reason = runner.ledger.failed(
          candidates[index], error, for: key, now: runner.time.seconds())
        if let reason {
          giveUp(index, reason)
        } else {
          runner.tell(.detail("mirror \(candidates[index].origin): \(error); trying the next"))
        }
      }
    }

    private func giveUp(_ index: Int, _ reason: String) {
      runner.tell(.mirrorGivenUp(candidates[index].origin.authority, because: reason))
    }

    private func isMirror(_ index: Int) -> Bool { index < candidates.count - 1 }
  }
}
