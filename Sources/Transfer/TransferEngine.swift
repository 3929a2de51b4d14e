/// Something that performs HTTP requests, each on a connection of its own while it lasts, but for
/// those that may share one (`TransferRequest.sharesConnection`).
package protocol TransferEngine: Sendable {
  /// Starts a request and returns at once.
  ///
  /// The closures are called on the engine's own thread, in order, and must not block.
  ///
  /// - Parameters:
  ///   - request: what to ask for.
  ///   - decide: says where the body goes, once the head is known.
  ///   - ended: called exactly once, whatever happens, also after `cancel`.
  /// - Returns: a handle for `cancel`.
  func start(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination,
    ended: @escaping @Sendable (Result<TransferResponse, TransferError>) -> Void
  ) -> TransferHandle

  /// Ends a transfer early; `ended` is called with an error of kind `cancelled`.
  func cancel(_ handle: TransferHandle)

  /// What the engine last measured of its connections and of itself; from any thread.
  func readings() -> EngineReadings

  /// The proxy that a request goes through, without credentials; nil: none.
  func proxy(of request: TransferRequest) -> String?
}

/// What an engine measures of its connections and of itself.
package struct EngineReadings: Sendable, Equatable {
  /// Round trips of the connections to one server whose bodies go to files.
  package struct RoundTrips: Sendable, Equatable {
    /// Present one of each connection, queues included, in seconds.
    package var now: [Double] = []
    /// Smallest that those connections ever had, in seconds.
    package var smallest: Double?

    /// Nothing measured.
    package init() {}
  }

  /// By server, named by its host, and its port where that is not the scheme's; without those
  /// behind a proxy, whose round trips say little.
  package var servers: [String: RoundTrips] = [:]
  /// Seconds in which the engine was at work, not waiting for the network, since its start.
  package var busySeconds = 0.0
  /// Those of them that went into writing to disk.
  package var diskSeconds = 0.0
  /// Seconds in which it ran or waited for a CPU, since its start; nil: nobody knows.
  package var runnableSeconds: Double?
  /// Seconds in which the limit of the engine's own rate held transfers back; nil: there is none.
  package var heldSeconds: Double?
  /// Times that packets of a connection came out of order since its start, at most once a reading
  /// for each connection.
  package var disorders = 0

  /// Nothing measured.
  package init() {}

  /// What the engine was at since an earlier reading, in parts of the time, each from 0 to 1.
  ///
  /// Writing is the disk's part only as far as the thread slept over it: copying, and waiting for a
  /// CPU that others have, is this machine's.
  ///
  /// - Parameters:
  ///   - last: the earlier reading.
  ///   - seconds: between the two, more than 0.
  package func load(since last: EngineReadings, seconds: Double) -> (busy: Double, disk: Double) {
    func share(_ spent: Double) -> Double { min(1, max(0, spent / seconds)) }
    let busy = share(busySeconds - last.busySeconds)
    let writing = min(busy, share(diskSeconds - last.diskSeconds))
    guard let now = runnableSeconds, let before = last.runnableSeconds else {
      return (busy, writing)
    }
    return (busy, min(writing, max(0, busy - share(now - before))))
  }

  /// Part of the time since an earlier reading in which the engine's own limit held transfers
  /// back, from 0 to 1; nil: it has none.
  ///
  /// - Parameters:
  ///   - last: the earlier reading.
  ///   - seconds: between the two, more than 0.
  package func held(since last: EngineReadings, seconds: Double) -> Double? {
    heldSeconds.map { min(1, max(0, ($0 - (last.heldSeconds ?? 0)) / seconds)) }
  }

  /// Those of the server with most connections.
  ///
  /// - Parameter hosts: of these servers only; nil: of all.
  package func roundTrips(of hosts: Set<String>? = nil) -> RoundTrips {
    let asked = servers.filter { hosts?.contains($0.key) ?? true }
    return asked.values.max { $0.now.count < $1.now.count } ?? RoundTrips()
  }
}

/// Names a transfer of one engine.
package struct TransferHandle: Hashable, Sendable {
  /// A number that the engine never uses twice.
  package let number: UInt64
  /// Makes a handle; for engines.
  package init(number: UInt64) { self.number = number }
}

extension TransferEngine {
  /// Performs a request whose body is small, and waits for it.
  ///
  /// - Parameters:
  ///   - request: what to ask for.
  ///   - limit: the most bytes of body to take.
  /// - Throws: `TransferError`; of kind `cancelled` when the task was cancelled.
  package func perform(_ request: TransferRequest, limit: Int) async throws(TransferError)
    -> TransferResponse
  {
    try await perform(request) { _, _ in .memory(limit: limit) }
  }

  /// Performs a request and waits for its end.
  ///
  /// - Parameters:
  ///   - request: what to ask for.
  ///   - decide: says where the body goes, on the engine's thread.
  /// - Throws: `TransferError`; of kind `cancelled` when the task was cancelled.
  package func perform(
    _ request: TransferRequest,
    decide: @escaping @Sendable (ResponseHead, TransferTiming) -> BodyDestination
  ) async throws(TransferError) -> TransferResponse {
    let box = HandleBox()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let handle = start(
          request, decide: decide, ended: { continuation.resume(returning: $0) })
        if box.set(handle) { cancel(handle) }
      }
    } onCancel: {
      if let handle = box.cancel() { cancel(handle) }
    }
    return try result.get()
  }
}
