internal import CCurl
import Dispatch
import Synchronization
import Threads
package import Transfer

/// The transfer engine on libcurl: one dedicated thread owns the multi handle and every easy handle.
///
/// Other threads only put commands into a mailbox and wake the thread. It is not an actor because
/// polling would block a thread of Swift's cooperative pool.
///
/// Blobs go over HTTP/1.1, so each has a TCP connection of its own; connections are kept and
/// reused. Small requests that may share a connection go over HTTP/2 where the server speaks it.
///
/// `@unchecked Sendable` invariant: `loop` and everything in it is touched by the engine's thread
/// only, from its start to its end; all else is immutable or in the mailbox's mutex.
package final class CurlEngine: TransferEngine, @unchecked Sendable {
  /// What other threads ask of the engine's thread.
  enum Command {
    case start(CurlJob)
    case cancel(UInt64)
    /// The authorities are to be read before a server needs them.
    case readTrust
    /// A host's name was looked up: a code of `getaddrinfo`.
    case lookedUp(String, Int32)
    case stop
  }

  private struct Mailbox {
    var commands: [Command] = []
    var nextNumber: UInt64 = 1
    var isStopped = false
  }

  private let mailbox = Mutex(Mailbox())
  /// Signalled once, by the thread at its end.
  private let ended = DispatchSemaphore(value: 0)
  private let loop: CurlLoop
  private let clock = NetworkClock()
  private let settings: TransferSettings
  private let measured = Mutex(EngineReadings())

  /// Makes an engine and starts its thread.
  ///
  /// - Parameter settings: how servers are reached; the same for all transfers.
  /// - Throws: `TransferError` of kind `setup` when libcurl cannot be initialised.
  package init(settings: TransferSettings) throws(TransferError) {
    loop = try CurlLoop(settings: settings, clock: clock)
    self.settings = settings
    let hasStarted = DedicatedThread.start(name: "cairn-transfer") { [self] in
      loop.run {
        self.takeCommands()
      } publish: { readings in
        self.measured.withLock { $0 = readings }
      } lookUp: { host in
        NameLookup.begin(host) { [weak self] in self?.post(.lookedUp(host, $0)) }
      }
      ended.signal()
    }
    guard hasStarted else {
      throw TransferError(.setup, "no thread is left for transfers (ulimit -u)")
    }
  }

  /// Ends every transfer (each gets `cancelled`), closes the connections and waits for the thread.
  ///
  /// A process that exits while the thread is still in libcurl crashes in the libraries' exit
  /// handlers, so whoever made the engine stops it. Not to be called from the engine's closures.
  package func stop() {
    post(.stop)
    ended.wait()
    // Whoever stops it a second time need not wait.
    ended.signal()
  }

  /// Reads the certificate authorities now, on the engine's thread, so that the first server need
  /// not wait for that: about 300 small files.
  ///
  /// What is wrong with them is said to whoever needs them.
  package func readTrust() { post(.readTrust) }

  /// Starts a request; see `TransferEngine`.
  package func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle {
    let (number, isStopped) = mailbox.withLock {
      let number = $0.nextNumber
      $0.nextNumber += 1
      if !$0.isStopped {
        $0.commands.append(
          .start(CurlJob(number: number, request: request, decide: decide, ended: ended)))
        loop.wake()
      }
      return (number, $0.isStopped)
    }
    if isStopped {
      ended(.failure(TransferError(.cancelled, "the transfer engine was stopped")))
    }
    return TransferHandle(number: number)
  }

  /// Ends a transfer early; unknown and finished ones are ignored.
  package func cancel(_ handle: TransferHandle) { post(.cancel(handle.number)) }

  /// What the engine's thread last measured of its connections, and how it spent its time until
  /// now; see `TransferEngine`.
  package func readings() -> EngineReadings {
    var readings = measured.withLock { $0 }
    readings.busySeconds = clock.work.seconds(at: clock.now)
    readings.diskSeconds = clock.diskSeconds
    readings.runnableSeconds = clock.runnableSeconds
    readings.heldSeconds = settings.rateLimit != nil ? clock.heldSeconds : nil
    return readings
  }

  /// The proxy that a request goes through; see `TransferEngine`.
  package func proxy(of request: TransferRequest) -> String? {
    let usual = try? settings.proxies.proxy(for: request.url.origin)
    return (request.access.proxy ?? usual)?.description
  }

  /// Leaves a command, unless the thread was told to end: then its handles may be gone.
  ///
  /// The thread is woken under the lock, so that a stop comes after every wake that it could hurt.
  private func post(_ command: Command) {
    mailbox.withLock {
      guard !$0.isStopped else { return }
      $0.commands.append(command)
      if case .stop = command { $0.isStopped = true }
      loop.wake()
    }
  }

  private func takeCommands() -> [Command] {
    mailbox.withLock { box in
      let commands = box.commands
      box.commands.removeAll(keepingCapacity: true)
      return commands
    }
  }
}

/// A request on its way to the engine's thread.
struct CurlJob: Sendable {
  let number: UInt64
  let request: TransferRequest
  /// Whether it gets a connection of its own, whatever stands open.
  var isFresh = false
  let decide: @Sendable (ResponseHead, TransferTiming) -> BodyDestination
  let ended: @Sendable (Result<TransferResponse, TransferError>) -> Void
}
