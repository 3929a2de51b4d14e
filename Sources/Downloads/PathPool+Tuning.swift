import OCI
import Registry
import Scheduling
import Transfer
import Tuning

/// What the policy is told, what it decided, and what there is to learn from both.
extension PathPool {
  /// Hands the engine's readings to the scheduler, for its next sample.
  ///
  /// - Parameter isAlone: whether all connections are this path's; else those to its servers are.
  func measure(isAlone: Bool) {
    guard let readings = sources.first?.engineReadings() else { return }
    let seconds = now - readAt
    guard seconds > 0 else { return }
    let load = readings.load(since: lastReadings, seconds: seconds)
    let hosts = isAlone ? nil : sources.reduce(into: pastHosts) { $0.formUnion($1.hosts) }
    let trips = readings.roundTrips(of: hosts)
    let measured = Readings(
      roundTripSeconds: trips.now, smallestRoundTripSeconds: trips.smallest,
      engineBusy: load.busy, diskBusy: load.disk,
      disordered: isAlone && !trips.now.isEmpty
        ? max(0, readings.disorders - lastReadings.disorders) : nil,
      held: readings.held(since: lastReadings, seconds: seconds))
    lastReadings = readings
    readAt = now
    handle(.measured(measured))
  }

  /// Keeps a decision, if it is another one.
  func note(_ decision: PoolDecision) {
    let last = decisions.last?.decision
    let isResized = last?.poolSize != decision.poolSize
    guard isResized || last?.reason != decision.reason else { return }
    if isResized {
      around.tell(.pool(key, workers: decision.poolSize, reason: decision.reason))
    }
    decisions.append(PullReport.Decision(at: page.time(now).seconds, decision: decision))
  }

  /// Keeps what a download was like; one that was never begun was like nothing.
  func keep(_ download: SharedDownload) {
    if let layer = layer(download) { layers.append(layer) }
  }

  private func layer(_ download: SharedDownload) -> PullReport.Layer? {
    guard let start = download.startedAt else { return nil }
    return PullReport.Layer(
      digest: download.digest, size: download.size,
      fetched: max(0, download.progress.done - download.had),
      seconds: (download.endedAt ?? now.seconds) - start,
      retries: download.progress.cost.retries, isComplete: download.endedAt != nil)
  }

  /// Whether so much is written on the present page that a new one is due.
  func isPageFull(_ limits: Downloads.Limits) -> Bool {
    max(layers.count, decisions.count) >= limits.pageEntries
      || page.time(now).seconds >= limits.pageSeconds
  }

  /// Ends the present page; what is under way goes on on the next one.
  ///
  /// - Returns: what is on it.
  func turnPage() -> PullReport {
    var report = report()
    report.isComplete = hasLostNothing
    // What is under way is on the page on which it ends.
    report.layers = layers
    layers = []
    hasLostNothing = true
    page = nextPage
    recorder = PullRecorder(opening: Opening(), limits: plan.limits, prior: plan.prior)
    decisions = [PullReport.Decision(at: 0, decision: scheduler.decision)]
    return report
  }

  /// What the downloads were like so far.
  func report() -> PullReport {
    let open = wanted.values.sorted { $0.id < $1.id }.compactMap { layer($0) }
    var served = pastBytes
    for source in sources { served.merge(source.servedBytes) { $0.addingClamped($1) } }
    return PullReport(
      registry: key.registry, policy: policyName, record: recorder.record(at: page.time(now)),
      layers: layers + open, decisions: decisions,
      blobHost: served.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key,
      isComplete: wanted.isEmpty && hasLostNothing)
  }
}
