import Downloads
import Metrics
import OCI

/// What is counted of the downloads behind the endpoint, from what these tell.
struct DownloadFigures: Sendable {
  /// One download of a blob: there may be others.
  private struct Key: Hashable {
    let digest: Digest
    let number: Int

    init(_ progress: DownloadProgress) { (digest, number) = (progress.digest, progress.number) }
  }

  /// Bytes fetched so far of each blob under way.
  private var fetched: [Key: Int64] = [:]
  private var total: Int64 = 0
  private var pools: [String: (registry: String, workers: Int)] = [:]
  private var overview: (rate: Double, workers: Int, open: Int, seconds: Double)?
  private var waits: (count: Int64, seconds: Double) = (0, 0)
  private var damaged: Int64 = 0
  private var takenOver: Int64 = 0
  private var retries: Int64 = 0

  // MARK: Inputs

  /// Something happened.
  ///
  /// - Parameter seconds: when.
  mutating func note(_ event: DownloadEvent, at seconds: Double) {
    switch event {
    case .pool(let path, let workers, _):
      let name = path.servers.joined(separator: " ")
      guard pools[name] != nil || pools.count < ServeFigures.mostNames else { return }
      pools[name] = (path.registry, workers)
    case .blob(let progress):
      count(progress)
      guard progress.state == .done else { return }
      fetched[Key(progress)] = nil
      retries = retries.addingClamped(Int64(clamping: progress.cost.retries))
    case .overview(let now):
      for blob in now.blobs { count(blob) }
      let live = Set(now.blobs.map(Key.init))
      fetched = fetched.filter { live.contains($0.key) }
      overview = (now.bytesPerSecond, now.poolSize, now.open, seconds)
    case .damaged: damaged += 1
    case .takenOver: takenOver += 1
    case .waiting(let length, _):
      waits = (waits.count + 1, waits.seconds + max(0, length))
    }
  }

  /// A registry's pool ended: nothing was wanted for a while.
  mutating func ended(_ registry: String) {
    pools = pools.filter { $0.value.registry != registry }
  }

  /// Bytes that were fetched otherwise: manifests.
  mutating func received(_ bytes: Int64) { total = total.addingClamped(max(0, bytes)) }

  /// What a blob cost grows; less than before is a blob that is fetched another time.
  private mutating func count(_ progress: DownloadProgress) {
    let known = fetched[Key(progress)] ?? 0
    let now = progress.cost.fetched
    received(now >= known ? now - known : now)
    fetched[Key(progress)] = now
  }

  // MARK: Output

  func families(at seconds: Double) -> [MetricFamily] {
    let now = overview.flatMap { seconds - $0.seconds < ServeFigures.freshSeconds ? $0 : nil }
    return [
      MetricFamily(
        "cairn_upstream_bytes_total", "Bytes fetched from registries.", .counter, Double(total)),
      MetricFamily(
        "cairn_upstream_bytes_per_second", "Bytes fetched a second, of late.", .gauge,
        now?.rate ?? 0),
      MetricFamily(
        "cairn_upstream_requests_open", "Requests to registries in flight.", .gauge,
        Double(now?.open ?? 0)),
      MetricFamily(
        "cairn_upstream_retries_total", "Requests to registries that were made again.", .counter,
        Double(retries)),
      MetricFamily(
        "cairn_pool_workers", "Workers allowed now, by the servers of a path.", .gauge,
        pools.sorted { $0.key < $1.key }.map {
          .init(
            labels: [("registry", $0.value.registry), ("servers", $0.key)],
            value: Double($0.value.workers))
        }),
      MetricFamily(
        "cairn_waits_total", "Times a registry, or the pool, asked to wait.", .counter,
        Double(waits.count)),
      MetricFamily(
        "cairn_wait_seconds_total", "Seconds of these waits.", .counter, waits.seconds),
      MetricFamily(
        "cairn_damaged_total", "Blobs that arrived damaged and were fetched again.", .counter,
        Double(damaged)),
      MetricFamily(
        "cairn_taken_over_total", "Blobs taken over from another process that stood still.",
        .counter, Double(takenOver)),
    ]
  }
}
