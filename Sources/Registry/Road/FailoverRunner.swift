import Transfer

/// One try at one endpoint, as a `Failover` sees it.
struct Attempt<Answer: Sendable>: Sendable {
  var result: Result<Answer, RegistryError>
  /// True for a failure that no other server can mend.
  var isFinal = false
}

/// Performs what a `Failover` decides, and keeps the ledger.
struct FailoverRunner: Sendable {
  let ledger: EndpointLedger
  let time: Timekeeper
  let hedges: Bool
  let tell: @Sendable (RegistryNotice) -> Void

  /// Seconds without an answer after which the next endpoint is asked, too.
  static let patience = 2.0

  private enum Event<Answer: Sendable>: Sendable {
    case late(Ask)
    case answered(Ask)
    case ended(Ask, Attempt<Answer>)
  }

  /// One asking of one endpoint: one that was taken back may still say how it ended while it is asked again.
  private struct Ask: Hashable, Sendable {
    let index: Int
    let number: Int
  }

  /// Asks endpoints for something until one brings it.
  ///
  /// - Parameters:
  ///   - endpoints: those that serve such things, in order; the last one is the registry itself.
  ///   - key: the tag or digest that is asked for.
  ///   - ask: asks one of them; calls its second argument once the head of the content is here.
  /// - Throws: the last endpoint's error, with the words of those before it.
  func first<Answer: Sendable>(
    of endpoints: [Endpoint], for key: String,
    ask:
      @escaping @Sendable (Endpoint, _ answered: @escaping @Sendable () -> Void) async ->
      Attempt<Answer>
  ) async throws(RegistryError) -> Answer {
    let candidates = ledger.candidates(endpoints, for: key)
    guard let last = candidates.last else {
      throw RegistryError(.notFound, "no server is known that may be asked for \(key)")
    }
    do throws(RegistryError) {
      if candidates.count == 1 { return try await ask(last, {}).result.get() }
      return try await race(candidates, for: key, ask)
    } catch {
      // Those who are not asked any more have their part in it, too.
      let reasons = ledger.reasons(endpoints.filter { !candidates.contains($0) }, for: key)
      if error.lesson(wasSilent: true) == .nobodyThere { ledger.pardon(endpoints.dropLast()) }
      throw error.after(reasons)
    }
  }

  private func race<Answer: Sendable>(
    _ candidates: [Endpoint], for key: String,
    _ ask:
      @escaping @Sendable (Endpoint, _ answered: @escaping @Sendable () -> Void) async ->
      Attempt<Answer>
  ) async throws(RegistryError) -> Answer {
    let (events, inbox) = AsyncStream.makeStream(of: Event<Answer>.self)
    let race = Race(candidates: candidates, key: key, runner: self, inbox: inbox, ask: ask)
    return try await withTaskCancellationHandler {
      await race.run(events)
    } onCancel: {
      inbox.finish()
    }.get()
  }

  /// One race of endpoints; its state belongs to the task that runs it.
  private actor Race<Answer: Sendable> {
    let candidates: [Endpoint]
    let key: String
    let runner: FailoverRunner
    let inbox: AsyncStream<Event<Answer>>.Continuation
    let ask:
      @Sendable (Endpoint, _ answered: @escaping @Sendable () -> Void) async -> Attempt<Answer>
    var failover: Failover<Answer>
    var asks: [Int: Ask] = [:]
    var asked = 0
    var tasks: [Int: Task<Void, Never>] = [:]
    var timers: [Int: Task<Void, Never>] = [:]
    var unanswered: Set<Int> = []
    var outcome: Result<Answer, RegistryError>?

    init(
      candidates: [Endpoint], key: String, runner: FailoverRunner,
      inbox: AsyncStream<Event<Answer>>.Continuation,
      ask:
        @escaping @Sendable (Endpoint, _ answered: @escaping @Sendable () -> Void) async ->
        Attempt<Answer>
    ) {
      self.candidates = candidates
      self.key = key
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
        if isMirror(ask.index) {
          runner.ledger.late(candidates[ask.index], now: runner.time.seconds())
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
      let (endpoint, inbox, ask, time) = (candidates[index], inbox, ask, runner.time)
      asked += 1
      let own = Ask(index: index, number: asked)
      asks[index] = own
      unanswered.insert(index)
      if isMirror(index) { runner.ledger.asked(endpoint) }
      tasks[index] = Task {
        let attempt = await ask(endpoint) { inbox.yield(.answered(own)) }
        inbox.yield(.ended(own, attempt))
      }
      guard runner.hedges, isMirror(index) else { return }
      timers[index] = Task {
        guard (try? await time.sleep(FailoverRunner.patience)) != nil else { return }
        inbox.yield(.late(own))
      }
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
      let wasSilent = unanswered.contains(index)
      hear(index)
      guard isMirror(index) else { return }
      switch attempt.result {
      case .success: runner.ledger.succeeded(candidates[index])
      case .failure(let error):
        if case .transfer(let cause) = error.kind, cause.isOurs { return }
        let reason = runner.ledger.failed(
          candidates[index], error, for: key, wasSilent: wasSilent)
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

extension TransferError {
  /// True where this machine is the reason: its disk failed, or nobody wants the transfer any more.
  var isOurs: Bool {
    switch kind {
    case .disk, .cancelled, .setup: true
    default: false
    }
  }
}
