package import Downloads
import Metrics
import Synchronization

/// The endpoint's counters, for many threads: one lock around a value, taken once a chunk.
package final class ServeMetrics: Sendable {
  /// What is set once, and shown with the rest.
  package struct Settings: Sendable {
    /// The program's version.
    var version: String
    /// Workers a path may have at most; nil: what the tuner finds.
    var maxWorkers: Int?
    /// Bytes a second that may be fetched; nil: no limit.
    var limitRate: Int64?
    /// Connections that callers may have.
    var maxConnections: Int?

    package init(
      version: String, maxWorkers: Int? = nil, limitRate: Int64? = nil, maxConnections: Int? = nil
    ) {
      (self.version, self.maxWorkers) = (version, maxWorkers)
      (self.limitRate, self.maxConnections) = (limitRate, maxConnections)
    }
  }

  /// The answer's media type.
  package static let mediaType = MetricFormat.prometheus.mediaType

  private let figures = Mutex(ServeFigures())
  private let settings: Settings
  private let start = ContinuousClock.now

  package init(_ settings: Settings) { self.settings = settings }

  /// Seconds since it began to count.
  private var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// A caller's connection was taken.
  package func connected() {
    figures.withLock {
      $0.connections.open += 1; $0.connections.total += 1
    }
  }

  /// A caller's connection is gone.
  package func disconnected() { figures.withLock { $0.connections.open -= 1 } }

  /// A caller's connection was one too many.
  package func refusedConnection() { figures.withLock { $0.connections.refused += 1 } }

  /// A request began.
  package func began() { figures.withLock { $0.running += 1 } }

  /// A request ended, however it did.
  package func ended() { figures.withLock { $0.running -= 1 } }

  /// A request's head was answered.
  ///
  /// - Parameters:
  ///   - request: what it asked for.
  ///   - method: its method.
  ///   - status: of the answer.
  ///   - seconds: from the request to the head of its answer.
  package func answered(
    _ request: ServeFigures.Request, method: String, status: Int, seconds: Double
  ) {
    figures.withLock {
      $0.answered(request, method: method, status: status, seconds: seconds)
    }
  }

  /// A request ended.
  func note(_ record: RequestRecord) {
    let kind = ServeFigures.Request(record.target)
    answered(kind, method: record.method, status: record.status, seconds: record.headSeconds)
    if let failure = ServeFigures.Failure(status: record.status) { failed(failure) }
    guard kind == .blob || kind == .manifest, (200...299).contains(record.status) else { return }
    switch record.origin {
    case .cache: cache { $0.hits += 1 }
    case .upstream: cache { $0.misses += 1 }
    case .own: break
    }
  }

  /// Something went wrong.
  package func failed(_ failure: ServeFigures.Failure) { figures.withLock { $0.failed(failure) } }

  /// Bytes of a body went to a caller.
  package func sent(_ bytes: Int64) {
    let seconds = seconds
    figures.withLock { $0.sent(bytes, at: seconds) }
  }

  /// Bytes came from a registry that no download counts: manifests.
  package func received(_ bytes: Int64) { figures.withLock { $0.downloads.received(bytes) } }

  /// Something happened to the downloads.
  package func note(_ event: DownloadEvent) {
    let seconds = seconds
    figures.withLock { $0.downloads.note(event, at: seconds) }
  }

  /// A registry's pool ended.
  package func poolEnded(_ registry: String) { figures.withLock { $0.downloads.ended(registry) } }

  /// Changes what is counted of the cache.
  package func cache(_ change: (inout CacheFigures) -> Void) {
    figures.withLock { change(&$0.cache) }
  }

  /// What there is now.
  ///
  /// - Parameters:
  ///   - now: of the cache.
  ///   - heldBytes: of answers in memory.
  func note(_ now: CacheKeeper.Figures, heldBytes: Int) {
    figures.withLock { $0.held = Int64(heldBytes) }
    cache {
      ($0.bytes, $0.limit) = (now.bytes, now.limit)
      ($0.evictions, $0.evictedBytes) = (now.evictions, now.evictedBytes)
    }
  }

  /// All of it, for `GET /metrics`.
  package var text: String {
    let seconds = seconds
    let families = figures.withLock { $0.families(at: seconds) }
    return MetricFormat.prometheus.text(limits(at: seconds) + families)
  }

  private func limits(at seconds: Double) -> [MetricFamily] {
    let values: [(String, Double?)] = [
      ("workers", settings.maxWorkers.map(Double.init)),
      ("bytes_per_second", settings.limitRate.map(Double.init)),
      ("connections", settings.maxConnections.map(Double.init)),
    ]
    return [
      MetricFamily(
        "cairn_build_info", "The version that runs.", .gauge,
        [.init(labels: [("version", settings.version)], value: 1)]),
      MetricFamily("cairn_uptime_seconds", "Seconds since the start.", .gauge, seconds),
      MetricFamily(
        "cairn_limit", "What was set as a limit.", .gauge,
        values.compactMap { name, value in
          value.map { .init(labels: [("of", name)], value: $0) }
        }),
    ]
  }
}
