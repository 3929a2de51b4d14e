import OCI
import Synchronization
import Transfer

/// What was found out about a registry's endpoints during this run.
///
/// The last endpoint is the registry itself, and always worth asking; a mirror before it is not where it
/// - did not answer at all, or was silent for a whole time limit, while nothing else came from it
///   either: it is left alone for the run;
/// - failed several times in a row: the same;
/// - sent wrong content for a document or blob, or does not have it: that one is not asked for there again;
/// - is late with something else: it is asked one thing at a time until it says something.
///
/// One that was found to be slower by far than another is asked behind it.
final class EndpointLedger: Sendable {
  struct Record {
    /// Where it was found to answer, if not where it was said to be.
    var origin: RemoteURL.Origin?
    /// Whether it has answered, so that nothing has to be guessed any more about TLS.
    var hasAnswered = false
    /// Times that plain HTTP was tried in vain.
    var guesses = 0
    /// Why it is left alone, or was until it was pardoned; nil: it has brought something since.
    var absence: (reason: String, isPardoned: Bool)?
    /// What it is not asked for again, and why.
    var lost: [String: String] = [:]
    /// Failures since it last brought something.
    var strikes = 0
    /// Requests on their way that nothing was heard of yet.
    var unanswered = 0
    /// Since when it has been late with everything that it was asked for.
    var silentSince: Double?
    /// Whether somebody who was asked after it answered before it, when it was asked last.
    var hesitates = false
    /// Whether another one was found to be faster by far: it is asked behind the others.
    var isOutrun = false
    /// Whether its last answer came slowly.
    var isSlow = false
    /// Whether it is compared with another one just now.
    var isCompared = false
    /// When it was compared the last time, and seconds until it may be again.
    var comparison: (endedAt: Double, pause: Double)?
    /// When that was last said to somebody.
    var saidLateAt: Double?
    /// When it last brought what was asked for.
    var succeededAt: Double?

    /// Whether it said nothing when it was asked last.
    var isSilent: Bool { silentSince != nil || hesitates }

    /// Why it is left alone now; nil: it is not.
    var goneBecause: String? { absence.flatMap { $0.isPardoned ? nil : $0.reason } }

    /// Leaves it alone from now on; returns why, the first time since it brought something.
    mutating func leave(because reason: String) -> String? {
      let isNews = absence == nil
      if goneBecause == nil { absence = (reason, false) }
      return isNews ? reason : nil
    }
  }

  private let records = Mutex<[Endpoint: Record]>([:])
  private let silenceLimit: Double

  /// Failures in a row after which a mirror is left alone.
  private static let mostStrikes = 3

  /// - Parameter silenceLimit: seconds of silence after which a mirror is left alone.
  init(silenceLimit: Double) { self.silenceLimit = silenceLimit }

  /// Where the endpoint answers: as configured, or where that was found out.
  func origin(of endpoint: Endpoint) -> RemoteURL.Origin {
    records.withLock { $0[endpoint]?.origin } ?? endpoint.origin
  }

  /// The endpoints worth asking for something, in order.
  ///
  /// - Parameters:
  ///   - endpoints: those that serve such things; the last is always among the result.
  ///   - key: a tag or digest.
  func candidates(_ endpoints: [Endpoint], for key: String) -> [Endpoint] {
    records.withLock { records in
      let worthAsking = endpoints.enumerated().filter { index, endpoint in
        guard index < endpoints.count - 1, let record = records[endpoint] else { return true }
        let isBusyBeingSilent = record.isSilent && record.unanswered > 0
        return record.goneBecause == nil && record.lost[key] == nil && !isBusyBeingSilent
      }.map(\.element)
      let outrun = worthAsking.filter { records[$0]?.isOutrun ?? false }
      return worthAsking.filter { !outrun.contains($0) } + outrun
    }
  }

  /// A request goes out to a mirror.
  func asked(_ endpoint: Endpoint) { change(endpoint) { $0.unanswered += 1 } }

  /// A request has not been answered for longer than a good server takes.
  func late(_ endpoint: Endpoint, now: Double) {
    change(endpoint) { $0.silentSince = $0.silentSince ?? now }
  }

  /// Whether it said nothing when it was asked last: the next one need not wait long for it.
  func isSilent(_ endpoint: Endpoint) -> Bool { change(endpoint) { $0.isSilent } }

  /// Whether it is worth a line that a server is late: it was not said a moment ago.
  func mayComplain(of endpoint: Endpoint, now: Double) -> Bool {
    change(endpoint) {
      if let said = $0.saidLateAt, now - said < silenceLimit { return false }
      $0.saidLateAt = now
      return true
    }
  }

  /// The head of an answer came.
  func answered(_ endpoint: Endpoint) {
    change(endpoint) {
      $0.unanswered -= 1
      $0.silentSince = nil
      $0.hesitates = false
    }
  }

  /// A request ended without an answer, because another endpoint had the thing first.
  ///
  /// - Parameters:
  ///   - endpoint: who was asked in vain.
  ///   - byLaterOne: whether the other was asked after it.
  ///   - now: when.
  /// - Returns: why the endpoint is left alone from now on; nil: it is not, or was already.
  func overtaken(_ endpoint: Endpoint, byLaterOne: Bool, now: Double) -> String? {
    change(endpoint) {
      $0.unanswered -= 1
      if byLaterOne { $0.hesitates = true }
      guard let since = $0.silentSince, now - since >= silenceLimit else { return nil }
      return $0.leave(because: "it said nothing for \(Int(clamping: now - since)) s")
    }
  }

  /// It brought what was asked for.
  func succeeded(_ endpoint: Endpoint, now: Double) {
    change(endpoint) {
      $0.strikes = 0
      $0.absence = nil
      $0.succeededAt = now
    }
  }

  /// It did not bring what was asked for.
  ///
  /// - Parameters:
  ///   - endpoint: the mirror.
  ///   - error: what it did instead.
  ///   - key: the tag or digest that was asked for.
  ///   - now: when.
  /// - Returns: why the endpoint is left alone from now on; nil: it is not, or was already.
  func failed(
    _ endpoint: Endpoint, _ error: RegistryError, for key: String, now: Double
  ) -> String? {
    change(endpoint) {
      switch error.lesson {
      case .nobodyThere:
        return $0.leave(because: error.message)
      case .wentQuiet:
        $0.lost[key] = error.message
        // One connection may die beside others that live.
        if let good = $0.succeededAt, now - good < silenceLimit { return nil }
        return $0.leave(because: error.message)
      case .notThere:
        $0.lost[key] = error.message
        return nil
      case .trouble(let losesContent):
        $0.strikes += 1
        if losesContent { $0.lost[key] = error.message }
        return $0.strikes >= Self.mostStrikes ? $0.leave(because: error.message) : nil
      }
    }
  }

  /// It sent content whose digest turned out to be wrong.
  func disprove(_ endpoint: Endpoint, for key: String) {
    let reason = "\(endpoint.origin.authority) sent wrong content for \(key.prefix(19))"
    change(endpoint) { $0.lost[key] = reason }
  }

  /// Nobody behind the mirrors can be reached: those that were given up are worth another try.
  func pardon(_ endpoints: [Endpoint]) {
    records.withLock { records in
      for endpoint in endpoints {
        records[endpoint]?.absence?.isPardoned = true
        records[endpoint]?.strikes = 0
        records[endpoint]?.silentSince = nil
        records[endpoint]?.hesitates = false
      }
    }
  }

  /// Why endpoints are not asked for something any more.
  func reasons(_ endpoints: [Endpoint], for key: String) -> [String] {
    records.withLock { records in
      endpoints.compactMap { records[$0]?.lost[key] ?? records[$0]?.goneBecause }
    }
  }

  func change<Value>(_ endpoint: Endpoint, _ body: (inout Record) -> Value) -> Value
  where Value: Sendable {
    records.withLock { body(&$0[endpoint, default: Record()]) }
  }
}
