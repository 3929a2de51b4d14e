/// How everything that is wanted gets on, over all paths together.
struct OverallProgress {
  /// Bytes that came over paths whose pools are gone.
  var bytesOfEndedPools: Int64 = 0
  /// Bytes that other processes brought of what is wanted here.
  var bytesOfOthers: Int64 = 0
  private var start: ContinuousClock.Instant?
  private var meter = RateMeter()

  /// Counts its seconds from here.
  mutating func begin() { start = .now }

  /// How all stands now.
  ///
  /// - Parameters:
  ///   - downloads: of everything that is wanted.
  ///   - pools: of all paths.
  mutating func overview(
    of downloads: some Collection<SharedDownload>, over pools: some Collection<PathPool>
  ) -> DownloadEvent.Overview {
    let bytes = pools.reduce(bytesOfEndedPools + bytesOfOthers) { $0 + $1.scheduler.bytesDone }
    let seconds = start.map { $0.duration(to: .now) / .seconds(1) } ?? 0
    meter.note(bytes, at: seconds)
    let active = pools.filter { !$0.wanted.isEmpty }
    return DownloadEvent.Overview(
      blobs: Self.shown(downloads, over: pools), seconds: seconds,
      bytesPerSecond: meter.bytesPerSecond,
      poolSize: active.reduce(0) { $0 + $1.scheduler.decision.poolSize },
      open: active.reduce(0) { $0 + $1.scheduler.openRequests })
  }

  /// How each is: those that no worker is at wait, though some of their bytes are here.
  private static func shown(
    _ downloads: some Collection<SharedDownload>, over pools: some Collection<PathPool>
  ) -> [DownloadProgress] {
    let busy = pools.reduce(into: Set<ObjectIdentifier>()) { $0.formUnion($1.busy) }
    return downloads.map { download in
      var progress = download.progress
      if progress.state == .fetching, !busy.contains(ObjectIdentifier(download)) {
        progress.state = .waiting
      }
      return progress
    }
  }
}
