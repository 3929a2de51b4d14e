import CairnKit
import Downloads
import Metrics
import OCI
import Tuning

/// What is measured of a run of `cairn pull`; `docs/metrics.md` has every name.
struct PullMetrics {
  /// What was measured of one registry.
  struct Registry {
    var fetched: Int64 = 0
    /// Seconds of downloads.
    var seconds = 0.0
    /// Requests for blobs that failed; most were made again.
    var retries = 0
    /// Workers at the end, the most, and those with the best rate; nil: there were none.
    var finalPool: Int?
    var mostPool: Int?
    var bestPool: Int?
    /// Images, by what became of them.
    var pulled = 0
    var failures: [CairnError.Kind: Int] = [:]

    /// Adds what downloads were like.
    mutating func add(_ report: PullReport) {
      // What is sampled misses what came before the first look.
      for layer in report.layers { fetched = fetched.addingClamped(layer.fetched) }
      seconds += report.record.seconds
      retries += report.layers.reduce(0) { $0 + $1.retries }
      let sizes = report.decisions.map(\.decision.poolSize)
      finalPool = sizes.last ?? finalPool
      mostPool = sizes.max().map { max($0, mostPool ?? 0) } ?? mostPool
      bestPool = Self.best(report.record.epochs) ?? bestPool
    }

    /// The size at which most bytes a second came, of those that had work enough.
    private static func best(_ epochs: [Epoch]) -> Int? {
      let groups = Dictionary(grouping: epochs.filter { !$0.isAppLimited }, by: \.poolSize)
      let rates = groups.mapValues { group -> Double in
        let seconds = group.reduce(0) { $0 + $1.seconds }
        return seconds > 0 ? group.reduce(0) { $0 + Double($1.bytes) } / seconds : 0
      }
      return rates.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key
    }
  }

  /// The program's version.
  var version = ""
  /// Seconds since 1970.
  var startedAt = 0.0
  var endedAt = 0.0
  /// Of the process.
  var exitCode: Int32 = 0
  /// How often servers, or the scheduler, had it wait, and for how long.
  var waits = 0
  var waitedSeconds = 0.0
  var warnings = 0
  /// By name; what belongs to none has the name "".
  var registries: [String: Registry] = [:]

  /// As OpenMetrics text.
  ///
  /// All are gauges: they are of one run, and the next one's replace them. So the text means the
  /// same to readers of Prometheus' older format, as a node exporter's `textfile` collector is.
  var text: String { MetricFormat.openMetrics.text(families) }

  private var families: [MetricFamily] {
    var families: [MetricFamily] = []
    func add(_ name: String, unit: String? = nil, _ help: String, _ value: Double) {
      var family = MetricFamily("cairn_pull_" + name, unit: unit, help, .gauge)
      family.add(value)
      families.append(family)
    }
    families.append(
      MetricFamily(
        "cairn_pull_program", "The program that ran; always 1.", .gauge,
        [.init(labels: [("version", version)], value: 1)]))
    add("start_time_seconds", unit: "seconds", "When the run began, since 1970.", startedAt)
    add("end_time_seconds", unit: "seconds", "When the run ended, since 1970.", endedAt)
    add("duration_seconds", unit: "seconds", "What the run took.", max(0, endedAt - startedAt))
    add("exit_code", "The exit code; 0 is success.", Double(exitCode))
    add("waits", "Times that a server had the run wait.", Double(waits))
    add("waited_seconds", unit: "seconds", "How long it waited then.", waitedSeconds)
    add("warnings", "Warnings that were shown.", Double(warnings))
    let named = registries.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }
    func each(
      _ name: String, unit: String? = nil, _ help: String, _ value: (Registry) -> Double?
    ) {
      var family = MetricFamily("cairn_pull_" + name, unit: unit, help, .gauge)
      for (registry, own) in named {
        if let value = value(own) { family.add(value, ["registry": registry]) }
      }
      families.append(family)
    }
    each("images", "Images that are in the store now.") { Double($0.pulled) }
    each("fetched_bytes", unit: "bytes", "Bytes that came over the network.") {
      Double($0.fetched)
    }
    each("download_seconds", unit: "seconds", "How long downloads ran.") { $0.seconds }
    each("rate_bytes_per_second", unit: "bytes_per_second", "Mean rate of the downloads.") {
      $0.seconds > 0 ? Double($0.fetched) / $0.seconds : nil
    }
    each("retries", "Requests for blobs that failed; most were made again.") { Double($0.retries) }
    each("final_pool_workers", unit: "workers", "Parallel downloads at the end.") {
      $0.finalPool.map(Double.init)
    }
    each("most_pool_workers", unit: "workers", "Most parallel downloads.") {
      $0.mostPool.map(Double.init)
    }
    each("best_pool_workers", unit: "workers", "Parallel downloads with the best rate.") {
      $0.bestPool.map(Double.init)
    }
    return families + [errors]
  }

  /// Every kind of failure, so that what never was is 0, and not unknown.
  private var errors: MetricFamily {
    var family = MetricFamily(
      "cairn_pull_errors", "Images that were not pulled, and what kept a run from beginning.",
      .gauge)
    for (registry, own) in registries.sorted(by: { $0.key < $1.key }) {
      for kind in CairnError.Kind.allCases {
        let count = own.failures[kind] ?? 0
        guard count > 0 || !registry.isEmpty else { continue }
        family.add(Double(count), ["registry": registry, "kind": kind.label])
      }
    }
    return family
  }
}

extension CairnError.Kind {
  /// As metrics have it.
  fileprivate var label: String {
    switch self {
    case .notFound: "not_found"
    case .internalFailure: "internal"
    case .usage, .unauthorised, .network, .integrity, .disk, .interrupted: rawValue
    }
  }
}
