import Transfer

extension FailoverRunner {
  /// One race of endpoints; its state belongs to the task that runs it.
  actor Race<Answer: Sendable> {
    /// What is known of one that was asked.
    struct Running {
      let ask: Ask
      let lane: Lane
      let task: Task<Void, Never>
      /// When it was asked.
      let begin: Double
      var timer: Task<Void, Never>
      /// When its head came; nil: it has not.
      var answeredAt: Double?
      /// From when on, and from which byte on, its pace is measured.
      var mark: (seconds: Double, bytes: Int64)
      /// Seconds of looks since then.
      var looked = 0.0
      /// Seconds over which it is seen whether it is slow.
      var span = Pace.span
      /// How fast it was over the last whole span.
      var before: Pace?
    }

    let field: Field
    let key: String
    let patience: Double
    let runner: FailoverRunner
    let inbox: AsyncStream<Event<Answer>>.Continuation
    let ask: Asking<Answer>
    var failover: Failover<Answer>
    var running: [Int: Running] = [:]
    /// Those that this race has leave to compare.
    var compared: Set<Int> = []
    private var asked = 0
    /// The last asking that was answered.
    private var lastAnswered = 0
    /// Whether one of them said nothing in its turn: the others get short ones.
    private var isHurried = false
    private var outcome: Result<Answer, RegistryError>?

    init(
      field: Field, key: String, patience: Double, runner: FailoverRunner,
      inbox: AsyncStream<Event<Answer>>.Continuation, ask: @escaping Asking<Answer>
    ) {
      self.field = field
      self.key = key
      self.patience = patience
      self.runner = runner
      self.inbox = inbox
      self.ask = ask
      failover = Failover(
        count: field.candidates.count, hedges: runner.hedges,
        principal: field.candidates.firstIndex(of: field.registry))
    }

    var candidates: [Endpoint] { field.candidates }
    var now: Double { runner.time.seconds() }

    func run(_ events: AsyncStream<Event<Answer>>) async -> Result<Answer, RegistryError> {
      perform(failover.begin())
      if outcome == nil {
        for await event in events {
          take(event)
          if outcome != nil { break }
        }
      }
      for index in Array(running.keys) { stop(index) }
      // Nothing was seen where it ended before its time.
      for index in compared { runner.ledger.compared(candidates[index], at: nil) }
      return outcome ?? .failure(.cancelled)
    }

    private func take(_ event: Event<Answer>) {
      switch event {
      case .turnOver(let ask):
        guard let one = running[ask.index], one.ask == ask, one.answeredAt == nil else { return }
        isHurried = true
        perform(failover.late(ask.index))
      case .late(let ask):
        guard let one = running[ask.index], one.ask == ask, one.answeredAt == nil else { return }
        sayLate(ask.index)
      case .answered(let ask):
        guard running[ask.index]?.ask == ask else { return }
        hear(ask)
        perform(failover.answered(ask.index))
        watchPace(of: ask.index)
      case .look(let ask, let seconds):
        guard running[ask.index]?.ask == ask else { return }
        look(at: ask.index, after: seconds)
      case .ended(let ask, let attempt):
        guard running[ask.index]?.ask == ask else { return }
        if case .success = attempt.result { compareAtEnd(with: ask.index) }
        learn(ask, attempt)
        if let one = running.removeValue(forKey: ask.index) {
          notePace(of: one, at: ask.index)
          one.timer.cancel()
        }
        perform(failover.ended(ask.index, attempt.result, isFinal: attempt.isFinal))
      }
    }

    func perform(_ actions: [Failover<Answer>.Action]) {
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
      let lane = Lane(answered: { inbox.yield(.answered(own)) })
      if isMirror(index) { runner.ledger.asked(endpoint) }
      let isShort = runner.hedges && (isHurried || runner.ledger.isSilent(endpoint))
      let timer = runner.time.whenOver(
        turn: isShort ? Lateness.shortTurn : Lateness.patience,
        { inbox.yield(.turnOver(own)) }, late: { inbox.yield(.late(own)) })
      let task = Task {
        let attempt = await Whereabouts.$current.withValue(lane.place) {
          await ask(endpoint, lane)
        }
        inbox.yield(.ended(own, attempt))
      }
      running[index] = Running(
        ask: own, lane: lane, task: task, begin: now, timer: timer, mark: (now, 0))
    }

    /// Takes a request back; one that was never answered may say something about its server.
    private func stop(_ index: Int) {
      guard let one = running.removeValue(forKey: index) else { return }
      notePace(of: one, at: index)
      one.task.cancel()
      one.timer.cancel()
      guard one.answeredAt == nil, isMirror(index) else { return }
      let reason = runner.ledger.overtaken(
        candidates[index], byLaterOne: lastAnswered > one.ask.number, now: now)
      reason.map { giveUp(index, $0) }
    }

    /// It said something, if only that it has nothing.
    private func hear(_ ask: Ask) {
      guard let one = running[ask.index], one.answeredAt == nil else { return }
      one.timer.cancel()
      running[ask.index]?.answeredAt = now
      lastAnswered = max(lastAnswered, ask.number)
      if isMirror(ask.index) { runner.ledger.answered(candidates[ask.index]) }
    }

    private func sayLate(_ index: Int) {
      guard let place = running[index]?.lane.place else { return }
      let endpoint = candidates[index]
      // Whoever is asked beside one that answers is not waited for.
      if !running.values.contains(where: { $0.answeredAt != nil }) {
        runner.sayLate(endpoint, at: place, patience, isFollowed: field.isFollowed(index))
      }
      if isMirror(index), runner.hedges, !place.isAway { runner.ledger.late(endpoint, now: now) }
    }

    private func learn(_ ask: Ask, _ attempt: Attempt<Answer>) {
      hear(ask)
      let (index, endpoint) = (ask.index, candidates[ask.index])
      guard isMirror(index) else { return }
      switch attempt.result {
      case .success: runner.ledger.succeeded(endpoint, now: now)
      case .failure(let error):
        if case .transfer(let cause) = error.kind, cause.isOurs { return }
        if let reason = runner.ledger.failed(endpoint, error, for: key, now: now) {
          giveUp(index, reason)
        } else {
          runner.tell(.detail("mirror \(endpoint.origin): \(error); trying the next"))
        }
      }
    }

    func giveUp(_ index: Int, _ reason: String) {
      runner.tell(.mirrorGivenUp(candidates[index].origin.authority, because: reason))
    }

    func isMirror(_ index: Int) -> Bool { field.isMirror(index) }
  }
}
