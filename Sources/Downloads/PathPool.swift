import OCI
import Registry
import Scheduling
import Store
import Transfer
import Tuning

/// The workers of one path, and the scheduler that they work for: performs what it decides, and
/// tells it what came of that.
///
/// Belongs to the actor `Downloads`. Blobs come and go while it lives; downloads that failed are in
/// `failedDownloads` until it looks.
final class PathPool: SchedulerRunner {
  /// A segment in flight.
  struct LiveSegment {
    let download: SharedDownload
    let window: FileWindow
    /// What the scheduler was told.
    var position: Int64
    /// What the resume map says.
    var recorded: Int64
    /// What was here and comes again.
    let forgotten: Forgotten
  }

  /// A request under way.
  struct Asked {
    let task: Task<Void, Never>
    /// Who is asked first.
    let source: BlobSource
    /// Whether there was nobody else to be asked.
    let isAlone: Bool
  }

  /// What a pool needs of the service.
  struct Surroundings {
    let store: ContentStore
    let verifier: Verifier
    let tell: @Sendable (DownloadEvent) -> Void
    /// Passes on what happens to a request.
    let hear: @Sendable (RequestID, BlobSource.Event) -> Void
    /// Passes on that bytes came of a segment whose blob somebody waits for.
    let arrived: @Sendable (SegmentID) -> Void
  }

  let key: PathKey
  /// Tells it from an earlier one of the same path.
  let number: Int
  let around: Surroundings
  let plan: PathPlan
  var clock = PathClock()
  var scheduler: Scheduler
  /// What is written on the present page, by its own time.
  var recorder: PullRecorder
  var page = PathPage()
  /// Where a page would begin that has all that the present one has not.
  var nextPage = PathPage()
  var decisions: [PullReport.Decision] = []
  var lastReadings = EngineReadings()
  var readAt = Moment.zero
  var watch = PathWatch()
  /// Everything wanted over this path that has not ended.
  var wanted: [DownloadID: SharedDownload] = [:]
  var downloads: [BlobID: SharedDownload] = [:]
  /// Those that failed, until the service looks.
  var failedDownloads: [SharedDownload] = []
  /// False once somebody went without what was wanted.
  var hasLostNothing = true
  /// Layers whose downloads are over.
  var layers: [PullReport.Layer] = []
  /// Whoever is asked, first ones first.
  var sources: [BlobSource] = []
  /// The token service named by a source that was dropped.
  private(set) var tokenService: TokenService?
  /// Bytes by host, of sources that were dropped.
  private(set) var pastBytes: [String: Int64] = [:]
  /// Hosts that dropped sources had blobs from.
  private(set) var pastHosts: Set<String> = []
  var fetches = Fetches<LiveSegment>()
  var tasks: [RequestID: Asked] = [:]

  /// Bytes of one segment after which they are noted in the resume map without waiting for the tick.
  static let recordBytes: Int64 = 4 << 20

  init(
    _ key: PathKey, number: Int, plan: PathPlan, opening: Opening, in around: Surroundings
  ) {
    self.key = key
    self.number = number
    self.around = around
    self.plan = plan
    recorder = PullRecorder(opening: opening, limits: plan.limits, prior: plan.prior)
    scheduler = Scheduler(
      policy: plan.policy, opening: opening, settings: plan.settings,
      seed: UInt64.random(in: 0 ... .max))
  }

  var now: Moment { clock.now }
  var policyName: String { plan.policy.name }

  // MARK: Blobs

  /// Notes who is asked, and reads the engine's measures from here on where it is the first.
  func use(_ source: BlobSource) {
    guard !sources.contains(where: { $0 === source }) else { return }
    if sources.isEmpty {
      lastReadings = source.engineReadings()
      note(scheduler.decision)
    }
    sources.append(source)
  }

  /// Forgets whoever is asked no more, and whatever he was shown; not what was learned.
  func drop(_ source: BlobSource, _ service: TokenService?) {
    guard let index = sources.firstIndex(where: { $0 === source }) else { return }
    sources.remove(at: index)
    tokenService = tokenService ?? service
    pastBytes.merge(source.takeServedBytes()) { $0.addingClamped($1) }
    pastHosts.formUnion(source.hosts)
  }

  /// Reckons with a blob that has not begun.
  func expect(_ download: SharedDownload) { scheduler.bytesToCome += download.size }

  /// It has begun, or is not wanted any more.
  func expectNoLonger(_ download: SharedDownload) { scheduler.bytesToCome -= download.size }

  /// Begins to fetch what a blob still needs.
  func begin(_ download: SharedDownload, _ partial: PartialBlob) {
    let have = partial.have
    download.startedAt = now.seconds
    download.progress.done = partial.byteCount
    download.had = download.progress.done
    set(download, .waiting)
    let (id, actions) = scheduler.add(
      size: download.size, have: have, urgency: download.wholeUrgency)
    download.blob = id
    downloads[id] = download
    perform(actions)
    if !download.readers.isEmpty { tellReaders(of: download, id) }
    around.verifier.advance(download.name)
  }

  /// Says what is read of a blob.
  func tellReaders(of download: SharedDownload, _ blob: BlobID) {
    handle(.readers(blob, download.readers, areShort: download.hasShortReaders))
  }

  /// Fetches all of a blob again: what came was wrong.
  func beginAgain(_ download: SharedDownload) {
    guard let blob = download.blob else { return }
    download.progress.done = 0
    set(download, .waiting)
    handle(.damaged(blob))
  }

  /// The downloads that a worker is at.
  var busy: Set<ObjectIdentifier> {
    Set(fetches.windows.values.map { ObjectIdentifier($0.download) })
  }

  /// Stops fetching blobs: nothing more is written of them, and what arrived is noted.
  func abandon(_ group: [SharedDownload]) {
    for (id, segment) in fetches.windows where group.contains(where: { $0 === segment.download }) {
      segment.window.seal()
      keepWritten(id)
    }
    handle(.left(group.compactMap(\.blob)))
  }

  /// Knows nothing of a blob any more: it is done, or nobody wants it.
  func forget(_ blob: BlobID) {
    downloads[blob] = nil
    handle(.left([blob]))
  }

  /// Ends all requests; nothing is asked for after that.
  func close() {
    for (id, segment) in fetches.windows {
      segment.window.seal()
      keepWritten(id)
    }
    for asked in tasks.values { asked.task.cancel() }
    tasks = [:]
    fetches.close()
  }

  func set(_ download: SharedDownload, _ state: DownloadProgress.State) {
    guard download.progress.state != state else { return }
    download.progress.state = state
    around.tell(.blob(download.progress))
  }

  /// The download cannot go on; the first reason counts.
  func fail(_ download: SharedDownload, _ error: DownloadError) {
    guard download.failure == nil else { return }
    download.failure = error
    failedDownloads.append(download)
  }

  // MARK: The scheduler

  func complete(_ blob: BlobID) {
    guard let download = downloads[blob] else { return }
    set(download, .verifying)
    around.verifier.advance(download.name)
  }

  func giveUp(_ blob: BlobID, after request: RequestID) {
    guard let download = downloads[blob] else { return }
    let error = download.lastError ?? RegistryError(.notFound, "a blob cannot be had")
    fail(download, .registry(error))
  }

  func sampled(_ sample: Sample, _ decision: PoolDecision) {
    recorder.observe(page.sample(sample), decision)
    nextPage = PathPage(start: sample.now, bytes: sample.bytesDone)
    note(decision)
    plan.trace?(TraceStep(sample: sample, decision: decision))
  }
}
