internal import CCurl
import Glibc
import Synchronization
import Transfer

/// The engine's thread: libcurl's multi interface, the transfers in flight, and their deadlines.
///
/// All of it belongs to one thread, except `wake`, which libcurl allows from any
/// (`curl_multi_wakeup`).
final class CurlLoop {
  private let multi: OpaquePointer
  private let share: OpaquePointer
  /// Outlives every connection: freed after the multi handle.
  let sockets: OpaquePointer
  /// What handshakes showed; outlives every connection, too.
  let sights: OpaquePointer
  private let settings: TransferSettings
  /// The certificate authorities, in libcurl's form; freed after the multi handle.
  let trust: TrustStore
  private let clock: NetworkClock
  private let turnGuard: TurnGuard
  private var transfers: [UInt64: CurlTransfer] = [:]
  private var numbers: [OpaquePointer: UInt64] = [:]
  private var idleHandles: [OpaquePointer] = []
  private var limiter: RateLimiter?
  /// Servers where a shared connection has failed.
  private var unshared: Set<RemoteURL.Origin> = []
  /// Who has taken a request, or a proxy for him; see `CurlTransfer.peer`.
  private var reached: Set<String> = []
  /// Failed transfers whose hosts' names are being asked about.
  private var checks = NameChecks()
  /// How often libcurl was given the thread.
  private(set) var turn = 0
  private var nextStallCheck = 0.0
  private var disorders = 0
  private var nextReadings = 0.0

  /// Seconds between two readings of the connections' round trips.
  private static let readingSeconds = 0.05
  /// Seconds between two looks for stalled transfers.
  private static let stallCheckSeconds = 0.25
  /// Seconds in which a good server has begun to answer; less once one was seen that serves one
  /// connection at a time.
  private var longHead = 2.0
  /// Connections kept open for reuse.
  private static let connectionCache = 256
  private static let globalSetup = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

  init(settings: TransferSettings, clock: NetworkClock) throws(TransferError) {
    // A peer that closes while we write must be an error code, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    guard Self.globalSetup == CURLE_OK, let multi = cairn_multi_init(),
      let share = cairn_share_init(), let sockets = cairn_sockets_new(),
      let sights = cairn_sights_new()
    else { throw TransferError(.setup, "libcurl could not be initialised") }
    // Without file descriptors libcurl makes a handle that nobody can wake: better to say so now.
    guard cairn_multi_wakeup(multi) == CURLM_OK else {
      throw TransferError(.setup, "libcurl could not be initialised: too many open files")
    }
    self.multi = multi
    self.share = share
    self.sockets = sockets
    self.sights = sights
    turnGuard = TurnGuard(sockets: sockets)
    self.settings = settings
    self.clock = clock
    trust = TrustStore(settings: settings.trust)
    _ = cairn_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.connectionCache)
    if let most = settings.maximumConnections {
      _ = cairn_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most)
    }
    _ = cairn_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
    limiter = settings.rateLimit.map { RateLimiter(bytesPerSecond: $0, now: clock.now) }
  }

  func wake() { _ = cairn_multi_wakeup(multi) }

  /// Runs until a stop command, on the thread that calls it.
  ///
  /// - Parameters:
  ///   - takeCommands: what was asked for since the last time.
  ///   - publish: told what was measured of the connections.
  ///   - lookUp: begins to look up a host's name; the answer comes as a command.
  func run(
    takeCommands: () -> [CurlEngine.Command], publish: (EngineReadings) -> Void,
    lookUp: (String) -> Void
  ) {
    var isStopping = false
    clock.watchThisThread()
    turnGuard.watchThisThread()
    while !isStopping {
      clock.work.begin(at: clock.now)
      for command in takeCommands() {
        switch command {
        case .start(let job): start(job)
        case .cancel(let number): cancel(number)
        case .readTrust: _ = try? trust.form()
        case .lookedUp(let host, let code): finishChecks(checks.answered(host, code))
        case .stop: isStopping = true
        }
      }
      turn += 1
      var running: Int32 = 0
      turnGuard.turnBegins()
      _ = cairn_multi_perform(multi, &running)
      turnGuard.turnEnds()
      finishDone(lookUp)
      finishChecks(checks.expired(now: clock.now))
      resumePaused()
      endStalled()
      measure(publish)
      clock.work.end(at: clock.now)
      if !isStopping { _ = cairn_multi_poll(multi, pollMilliseconds()) }
    }
    for number in Array(transfers.keys) + checks.numbers { cancel(number) }
    turnGuard.stop()
    for easy in idleHandles { cairn_easy_cleanup(easy) }
    cairn_multi_cleanup(multi)
    cairn_sockets_free(sockets)
    cairn_sights_free(sights)
    cairn_share_cleanup(share)
  }

  // MARK: Starting and ending

  private func start(_ job: CurlJob) {
    guard let easy = idleHandles.popLast() ?? cairn_easy_init() else {
      job.ended(.failure(TransferError(.setup, "libcurl gave no handle")))
      return
    }
    let transfer = CurlTransfer(job: job, easy: easy, loop: self, clock: clock, settings: settings)
    transfers[job.number] = transfer
    numbers[easy] = job.number
    do {
      try transfer.configure(share: share)
    } catch {
      forget(job.number)
      job.ended(.failure(error))
      return
    }
    let code = cairn_multi_add(multi, easy)
    if code != CURLM_OK {
      forget(job.number)
      job.ended(.failure(TransferError(.setup, String(cString: curl_multi_strerror(code)))))
    }
  }

  private func cancel(_ number: UInt64) {
    guard let job = transfers[number]?.job ?? checks.take(number) else { return }
    // One that ends while its name is looked up would hold this thread, and all transfers with it,
    // until a silent name server has had its time. The look-up's own thread cleans up after itself
    // then.
    if let easy = transfers[number]?.easy { _ = cairn_set_long(easy, CURLOPT_QUICK_EXIT, 1) }
    forget(number)
    job.ended(.failure(TransferError(.cancelled, "the transfer was cancelled")))
  }

  private func finishDone(_ lookUp: (String) -> Void) {
    var code = CURLE_OK
    while let easy = cairn_multi_next_done(multi, &code) {
      guard let number = numbers[easy], let transfer = transfers[number] else { continue }
      let result = transfer.result(code)
      if transfer.isWorthAnother(result) {
        forget(number)
        var again = transfer.job
        again.isFresh = true
        start(again)
        continue
      }
      let missing = transfer.missing(code)
      var doubtful: (host: String, error: TransferError)?
      if case .failure(let error) = result, let host = transfer.unknownHost(error, code),
        !reached.contains(missing)
      {
        doubtful = (host, error)
      }
      forget(number)
      if let (host, error) = doubtful {
        // Whether there is no such name, or only nobody who knows: libcurl does not tell.
        if checks.add(transfer.job, error, host: host, now: clock.now) { lookUp(host) }
      } else {
        transfer.job.ended(result)
      }
    }
  }

  private func finishChecks(_ checked: [NameChecks.Checked]) {
    for (job, error) in checked { job.ended(.failure(error)) }
  }

  /// Notes that somebody is there.
  func noteReached(_ peer: String) { reached.insert(peer) }

  /// Whether somebody has answered since the engine was made.
  func wasReached(_ peer: String) -> Bool { reached.contains(peer) }

  /// Takes the handle out of libcurl's hands; from here on no callback can reach the transfer.
  private func forget(_ number: UInt64) {
    guard let transfer = transfers[number] else { return }
    _ = cairn_multi_remove(multi, transfer.easy)
    numbers[transfer.easy] = nil
    transfers[number] = nil
    cairn_easy_reset(transfer.easy)
    transfer.freeLists()
    idleHandles.append(transfer.easy)
  }

  /// Whether small requests to a server may share a connection.
  func mayShare(_ origin: RemoteURL.Origin) -> Bool { !unshared.contains(origin) }

  /// A server's HTTP/2 has failed: the next requests have connections of their own.
  func noteNoSharing(_ origin: RemoteURL.Origin) { unshared.insert(origin) }

  // MARK: Time

  /// Asked by a transfer before it takes a chunk: seconds to wait, 0 to go on.
  func limiterDelay() -> Double { limiter?.delay(now: clock.now) ?? 0 }

  /// Told by a transfer that it took a chunk.
  func limiterSpend(_ bytes: Int) { limiter?.spend(bytes) }

  private func resumePaused() {
    guard limiter != nil else { return }
    for transfer in transfers.values.filter({ $0.isPaused }).shuffled() where limiterDelay() == 0 {
      transfer.resume()
    }
    clock.holds(transfers.values.contains { $0.isPaused })
  }

  private func endStalled() {
    guard clock.now >= nextStallCheck else { return }
    nextStallCheck = clock.now + Self.stallCheckSeconds
    for (number, transfer) in transfers where transfer.checkStall() {
      transfer.noteFailedSharing()
      forget(number)
      transfer.job.ended(transfer.stalledResult())
    }
    endIdleIfAllWait()
  }

  /// Gives up idle connections where everybody else waits for an answer, and has for long.
  ///
  /// A server that serves one connection at a time is waiting for us on the idle one, with all the
  /// others queued up behind it.
  private func endIdleIfAllWait() {
    guard !transfers.isEmpty,
      transfers.values.allSatisfy({ $0.hasWaitedForHead(longerThan: longHead) })
    else { return }
    let busy = transfers.values.flatMap(\.sockets)
    guard cairn_sockets_end_idle(sockets, busy, busy.count) > 0 else { return }
    longHead = max(Self.stallCheckSeconds, longHead / 2)
  }

  private func measure(_ publish: (EngineReadings) -> Void) {
    guard clock.now >= nextReadings else { return }
    nextReadings = clock.now + Self.readingSeconds
    var readings = EngineReadings()
    for transfer in transfers.values {
      guard let trips = transfer.roundTrips() else { continue }
      if trips.isDisordered { disorders += 1 }
      let server = transfer.job.request.url.origin.authority
      var known = readings.servers[server] ?? EngineReadings.RoundTrips()
      known.now.append(trips.now)
      known.smallest = min(known.smallest ?? trips.smallest, trips.smallest)
      readings.servers[server] = known
    }
    readings.disorders = disorders
    publish(readings)
  }

  private func pollMilliseconds() -> Int32 {
    guard !transfers.isEmpty || !checks.isEmpty else { return 60_000 }
    guard transfers.values.contains(where: { $0.isPaused }) else {
      return Int32(clamping: Milliseconds.whole(Self.stallCheckSeconds))
    }
    return Int32(clamping: Milliseconds.whole(min(limiterDelay(), Self.stallCheckSeconds)))
  }
}
