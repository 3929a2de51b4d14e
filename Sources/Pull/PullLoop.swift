import FoundationEssentials
import OCI
import Progress
import Registry
import Scheduling
import Store
import Transfer
import Tuning

/// Runs one image's downloads: feeds what happens to the scheduler and performs what it decides.
///
/// All state belongs to the task that runs `run`; everything else reports through one stream of
/// events, in order.
actor PullLoop {
  /// What comes in.
  enum Event: Sendable {
    case request(RequestID, BlobSource.Event)
    case verified(Int, Verifier.Outcome)
    case tick
  }

  /// One blob of the image, and where it is.
  struct Entry {
    let descriptor: Descriptor
    var shown: PullSnapshot.Blob
    var partial: PartialBlob?
    var id: BlobID?
    /// How often its bytes turned out to be wrong.
    var damages = 0
    var lastError: RegistryError?
    var retries = 0
    /// Bytes that were here before.
    var had: Int64 = 0
    var startedAt: Double?
    var endedAt: Double?
  }

  /// A segment in flight.
  struct LiveSegment {
    let entry: Int
    let window: FileWindow
    var requests: Set<RequestID> = []
    /// What the scheduler was told.
    var position: Int64
    /// What the resume map says.
    var recorded: Int64
  }

  /// What the downloads came to.
  struct Result: Sendable {
    var fetched: Int64 = 0
    var requests = 0
    var connections = 0
    var retries = 0
    var poolSize = 0
  }

  let store: ContentStore
  let source: BlobSource
  let verifier: Verifier
  let display: any ProgressDisplay
  let name: String
  let start = ContinuousClock.now
  let events: AsyncStream<Event>
  let inbox: AsyncStream<Event>.Continuation

  let policyName: String
  /// Blobs that have their files open at the same time.
  let openLimit = OpenFileBudget.ofProcess.blobs
  let trace: (@Sendable (TraceStep) -> Void)?
  var scheduler: Scheduler
  var recorder: PullRecorder
  var decisions: [PullReport.Decision] = []
  var lastReadings = EngineReadings()
  var readAt = Moment.zero
  var entries: [Entry]
  /// Entries not begun yet, next one last.
  var queue: [Int]
  /// Entries that another process is fetching.
  var waiting: [Int] = []
  var entryOfBlob: [BlobID: Int] = [:]
  var segments: [SegmentID: LiveSegment] = [:]
  var segmentOfRequest: [RequestID: SegmentID] = [:]
  var tasks: [RequestID: Task<Void, Never>] = [:]
  /// Actions of the scheduler that wait for their turn.
  var backlog: [SchedulerAction] = []
  var isPerforming = false
  var openBlobs = 0
  var unfinished = 0
  var failure: PullError?
  var result = Result()
  var meter = RateMeter()
  var ticks = 0
  var watch = PullWatch()

  static let tickSeconds = 0.05
  /// Ticks between two looks at blobs that another process fetches, and between two journal entries.
  static let slowTicks = 10
  /// Ticks between two snapshots for the display.
  static let shownTicks = 2
  /// Bytes of one segment after which they are noted in the resume map without waiting for the tick.
  static let recordBytes: Int64 = 4 << 20

  init(
    blobs: [(descriptor: Descriptor, label: String)], missing: Set<Digest>, name: String,
    store: ContentStore,
    source: BlobSource, request: Puller.Request, opening: Opening, display: any ProgressDisplay
  ) {
    self.store = store
    self.source = source
    self.display = display
    self.name = name
    verifier = Verifier(store: store, threads: min(4, Machine.effectiveCPUs))
    policyName = request.policy.name
    trace = request.trace
    recorder = PullRecorder(opening: opening)
    scheduler = Scheduler(
      policy: request.policy, opening: opening, settings: request.settings,
      seed: UInt64.random(in: 0 ... .max))
    (events, inbox) = AsyncStream.makeStream(of: Event.self)
    let entries = blobs.map { blob in
      let isHere = !missing.contains(blob.descriptor.digest)
      return Entry(
        descriptor: blob.descriptor,
        shown: PullSnapshot.Blob(
          digest: blob.descriptor.digest, label: blob.label, size: blob.descriptor.size,
          done: isHere ? blob.descriptor.size : 0, state: isHere ? .present : .waiting))
    }
    self.entries = entries
    let toFetch = entries.indices.filter { entries[$0].shown.state == .waiting }
    // The configuration first, then large before small: the last ones are short then.
    queue = toFetch.sorted { left, right in
      let (a, b) = (entries[left].shown, entries[right].shown)
      if (a.label == "config") != (b.label == "config") { return b.label == "config" }
      return a.size == b.size ? left > right : a.size < b.size
    }
    unfinished = toFetch.count
    scheduler.bytesToCome = toFetch.reduce(0) { $0 + entries[$1].shown.size }
  }

  var now: Moment {
    let elapsed = (ContinuousClock.now - start).components
    return Moment(
      nanoseconds: elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000)
  }

  /// Downloads everything that is missing.
  ///
  /// - Throws: `PullError`; what arrived is on disk and in the resume maps then.
  func run() async throws(PullError) -> Result {
    let inbox = inbox
    let ticker = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(Self.tickSeconds))
        inbox.yield(.tick)
      }
    }
    defer { ticker.cancel() }
    lastReadings = source.engineReadings()
    if unfinished > 0 { note(scheduler.decision) }
    await source.expect(queue.reversed().map { entries[$0].descriptor })
    refill()
    if unfinished > 0, failure == nil {
      for await event in events {
        take(event)
        if unfinished == 0 || failure != nil { break }
      }
    }
    await wind()
    if let failure { throw failure }
    if unfinished > 0 {
      throw .interrupted(
        done: entries.reduce(0) { $0 + $1.shown.done },
        size: entries.reduce(0) { $0 + $1.shown.size })
    }
    result.fetched = scheduler.bytesDone
    result.poolSize = scheduler.decision.poolSize
    return result
  }

  private func take(_ event: Event) {
    switch event {
    case .tick: tick()
    case .request(let id, let event): requestEvent(id, event)
    case .verified(let entry, let outcome): verified(entry, outcome)
    }
  }

  /// Ends everything that is under way and notes what arrived; nothing is written or published after that.
  private func wind() async {
    for task in tasks.values { task.cancel() }
    let source = source
    Task { await source.close() }
    for segment in segments.values { segment.window.seal() }
    for id in Array(segments.keys) { note(id, recording: true) }
    tasks = [:]
    segments = [:]
    inbox.finish()
    await verifier.stop()
  }

  // MARK: Blobs

  /// Opens the next blobs, as far as files may be open.
  func refill() {
    while openBlobs < openLimit, failure == nil, let entry = queue.popLast() {
      scheduler.bytesToCome -= entries[entry].shown.size
      begin(entry)
    }
    perform(scheduler.handle(.tick, now: now))
  }

  func begin(_ index: Int) {
    let ingest: ContentStore.Ingest
    do throws(StoreError) {
      ingest = try store.beginIngest(entries[index].descriptor)
    } catch {
      failure = .store(error)
      return
    }
    switch ingest {
    case .present:
      finish(index, state: .present)
    case .busy:
      if entries[index].shown.state != .elsewhere { waiting.append(index) }
      setState(index, .elsewhere)
    case .ours(let partial):
      waiting.removeAll { $0 == index }
      openBlobs += 1
      entries[index].partial = partial
      register(index, partial)
      guard failure == nil else { return }
      let have = partial.have
      entries[index].startedAt = now.seconds
      entries[index].shown.done = partial.byteCount
      entries[index].had = entries[index].shown.done
      setState(index, .waiting)
      let (id, actions) = scheduler.add(size: entries[index].descriptor.size, have: have)
      entries[index].id = id
      entryOfBlob[id] = index
      perform(actions)
      verifier.advance(entries[index].descriptor.digest)
    }
  }

  private func register(_ index: Int, _ partial: PartialBlob) {
    let inbox = inbox
    do throws(StoreError) {
      try verifier.add(partial) { inbox.yield(.verified(index, $0)) }
    } catch {
      failure = .store(error)
    }
  }

  private func verified(_ index: Int, _ outcome: Verifier.Outcome) {
    switch outcome {
    case .published:
      finishRequests(of: index)
      entries[index].partial = nil
      openBlobs -= 1
      finish(index, state: .done)
      refill()
    case .failed(let error):
      failure = .store(error)
    case .wrongDigest(let found):
      damaged(index, found: found)
    }
  }

  /// Wrong content is fetched again, all of it: from somebody else where a mirror sent some of it, else once more.
  private func damaged(_ index: Int, found: Digest) {
    guard let partial = entries[index].partial, let id = entries[index].id else { return }
    let blob = entries[index].descriptor
    let (senders, othersAreLeft) = source.blame(blob)
    if !othersAreLeft { entries[index].damages += 1 }
    do throws(StoreError) {
      try partial.startOver()
    } catch {
      failure = .store(error)
      return
    }
    let hosts = senders.joined(separator: " and ")
    let origin = senders.isEmpty ? "" : " from \(hosts)"
    guard entries[index].damages < 2 else {
      failure = .integrity(
        "\(entries[index].shown.label) of \(name) is damaged"
          + (senders.isEmpty ? "" : ", as \(hosts) sent it")
          + ": its digest is \(found), the manifest says \(blob.digest)")
      return
    }
    let next = othersAreLeft ? "asking the next server" : "fetching it again"
    display.show(
      .warning(
        "\(entries[index].shown.label) \(blob.digest.short) arrived damaged\(origin); \(next)"))
    entries[index].shown.done = 0
    register(index, partial)
    setState(index, .waiting)
    perform(scheduler.handle(.damaged(id), now: now))
  }

  private func finish(_ index: Int, state: PullSnapshot.State) {
    waiting.removeAll { $0 == index }
    entries[index].endedAt = now.seconds
    entries[index].shown.done = entries[index].shown.size
    setState(index, state)
    unfinished -= 1
  }

  func setState(_ index: Int, _ state: PullSnapshot.State) {
    guard entries[index].shown.state != state else { return }
    entries[index].shown.state = state
    display.show(.blob(entries[index].shown))
  }
}
