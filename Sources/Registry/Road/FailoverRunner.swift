import Transfer

/// One try at one endpoint, as a `Failover` sees it.
struct Attempt<Answer: Sendable>: Sendable {
  var result: Result<Answer, RegistryError>
  /// True for a failure that no other server can mend.
  var isFinal = false

  /// True where nobody was there, or said anything for a whole time limit.
  var foundNobody: Bool {
    guard case .failure(let error) = result else { return false }
    return [.nobodyThere, .wentQuiet].contains(error.lesson)
  }
}

/// Performs what a `Failover` decides, and keeps the ledger.
struct FailoverRunner: Sendable {
  let ledger: EndpointLedger
  let time: Timekeeper
  let hedges: Bool
  let tell: @Sendable (RegistryNotice) -> Void
  /// Told what is denied.
  let withheld: @Sendable (Withheld) -> Void

  enum Event<Answer: Sendable>: Sendable {
    /// The others need not wait for it any longer.
    case turnOver(Ask)
    case late(Ask)
    /// It is time to look how fast it is, so many seconds after the last time.
    case look(Ask, seconds: Double)
    case answered(Ask)
    case ended(Ask, Attempt<Answer>)
  }

  /// One asking of one endpoint: one that was taken back may still say how it ended while it is asked again.
  struct Ask: Hashable, Sendable {
    let index: Int
    let number: Int
  }

  /// Asks endpoints for something small until one brings it: it counts once all of it is here, and
  /// was judged.
  ///
  /// - Parameters:
  ///   - endpoints: those that serve such things, in order; the last one is the registry itself.
  ///   - key: what is asked for.
  ///   - subject: what that is about; nil: a denial is not the last word.
  ///   - patience: seconds that each of them has for its answer.
  ///   - fetch: asks one of them.
  /// - Throws: the last endpoint's error, with the words of those before it.
  func first<Answer: Sendable>(
    of endpoints: [Endpoint], for key: String, about subject: Subject?, patience: Double,
    fetch: @escaping @Sendable (Endpoint) async throws(RegistryError) -> Answer
  ) async throws(RegistryError) -> Answer {
    try await first(of: endpoints, for: key, about: subject, patience: patience) { endpoint, lane in
      do throws(RegistryError) {
        let answer = try await fetch(endpoint)
        lane.answered()
        return Attempt(result: .success(answer))
      } catch {
        return Attempt(result: .failure(error), isFinal: error.isFinal)
      }
    }
  }

  /// Asks endpoints for something until one brings it.
  ///
  /// - Parameters:
  ///   - endpoints: those that serve such things, in order; the last one is the registry itself.
  ///   - lent: those that are asked after it, as somebody else's: nothing is learnt of them here.
  ///   - key: the tag or digest that is asked for.
  ///   - subject: what that is about; nil: a denial is not the last word.
  ///   - patience: seconds that each of them has for its answer.
  ///   - ask: asks one of them; says so once the head of the content is here, and counts what comes.
  /// - Throws: the last endpoint's error, with the words of those before it.
  func first<Answer: Sendable>(
    of endpoints: [Endpoint], beside lent: [Endpoint] = [], for key: String,
    about subject: Subject?, patience: Double, ask: @escaping Asking<Answer>
  ) async throws(RegistryError) -> Answer {
    let candidates = ledger.candidates(endpoints, for: key)
    guard let registry = endpoints.last else {
      throw RegistryError(.notFound, "no server is known that may be asked for \(key)")
    }
    // Those who are not asked any more have their part in it, too.
    let reasons = ledger.reasons(endpoints.filter { !candidates.contains($0) }, for: key)
    let asking: Asking<Answer> = { [ledger] endpoint, lane in
      let attempt = await ask(endpoint, lane)
      if endpoint == registry, attempt.foundNobody { ledger.pardon(endpoints.dropLast()) }
      return attempt
    }
    do throws(RegistryError) {
      if candidates == [registry], lent.isEmpty {
        return try await alone(registry, patience, asking).result.get()
      }
      return try await race(
        Field(candidates: candidates + lent, registry: registry, lent: lent), for: key, patience,
        asking)
    } catch {
      if let subject, let withheld = Withheld(error, of: subject) { self.withheld(withheld) }
      let failure = error.after(reasons)
      // Mirrors that were just pardoned have not been asked for this since.
      let mirrorsMayPass =
        candidates.count == 1 && ledger.candidates(endpoints, for: key).count > 1
      throw failure.isAbsence && mirrorsMayPass ? failure.passing : failure
    }
  }

  /// Asks an endpoint.
  typealias Asking<Answer: Sendable> = @Sendable (Endpoint, Lane) async -> Attempt<Answer>

  /// Those of whom one is to bring something.
  struct Field: Sendable {
    /// All of them, in order.
    let candidates: [Endpoint]
    let registry: Endpoint
    /// Those that are somebody else's.
    let lent: [Endpoint]

    func isMirror(_ index: Int) -> Bool {
      candidates[index] != registry && !lent.contains(candidates[index])
    }

    /// Whether anybody comes after the one.
    func isFollowed(_ index: Int) -> Bool { isMirror(index) || index + 1 < candidates.count }
  }

  /// Asks the only one that there is to ask.
  private func alone<Answer: Sendable>(
    _ endpoint: Endpoint, _ patience: Double,
    _ ask: Asking<Answer>
  ) async -> Attempt<Answer> {
    let place = Whereabouts()
    let timer = time.whenLate { sayLate(endpoint, at: place, patience, isFollowed: false) }
    defer { timer.cancel() }
    return await Whereabouts.$current.withValue(place) {
      await ask(endpoint, Lane(answered: { timer.cancel() }, place: place))
    }
  }

  /// One line for a server that lets others wait.
  func sayLate(
    _ endpoint: Endpoint, at place: Whereabouts, _ patience: Double, isFollowed: Bool
  ) {
    guard !place.isAway, ledger.mayComplain(of: endpoint, now: time.seconds()) else { return }
    let meanwhile =
      isFollowed && hedges ? "the next server is asked, too" : Lateness.leftOfServer(patience)
    let words = Lateness.words(meanwhile, through: place.proxy)
    tell(.late(place.name ?? endpoint.origin.authority, because: words))
  }

  private func race<Answer: Sendable>(
    _ field: Field, for key: String, _ patience: Double, _ ask: @escaping Asking<Answer>
  ) async throws(RegistryError) -> Answer {
    let (events, inbox) = AsyncStream.makeStream(of: Event<Answer>.self)
    let race = Race(
      field: field, key: key, patience: patience, runner: self, inbox: inbox, ask: ask)
    return try await withTaskCancellationHandler {
      await race.run(events)
    } onCancel: {
      inbox.finish()
    }.get()
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
