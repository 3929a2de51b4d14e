import Dispatch
import Glibc
import Hashing
package import OCI
import Synchronization
import Threads

/// Hashes blobs as they arrive and publishes those whose digest holds.
///
/// A few threads read each blob's contiguous prefix back from the page cache, so memory stays
/// bounded whatever the image, and the hash is of what is on disk. One blob is in one thread's
/// hands at a time.
package final class Verifier: Sendable {
  /// How a blob turned out.
  package enum Outcome: Sendable {
    /// It is in the store.
    case published
    /// Its content is wrong; what was fetched is of no use.
    case wrongDigest(found: Digest)
    /// Another process has taken it over.
    case lost
    /// The disk failed.
    case failed(StoreError)
  }

  private struct Job: ~Copyable {
    var hasher: ContentHasher
    var hashed: Int64 = 0
    /// The bytes on disk at the last sync.
    var checkpointed: Int64 = 0
  }

  private final class Entry: Sendable {
    let blob: PartialBlob
    let job: Mutex<Job>
    let done: @Sendable (Outcome) -> Void
    let hashed: @Sendable (Int64) -> Void
    /// Set once nobody wants the blob any more.
    let isForgotten = Atomic(false)
    init(
      _ blob: PartialBlob, _ hasher: consuming sending ContentHasher,
      hashed: @escaping @Sendable (Int64) -> Void, done: @escaping @Sendable (Outcome) -> Void
    ) {
      self.blob = blob
      self.done = done
      self.hashed = hashed
      job = Mutex(Job(hasher: hasher))
    }
  }

  private struct State {
    var entries: [PartialName: Entry] = [:]
    /// Blobs with bytes to hash, in order of arrival; each is in the queue or in a thread's hands once.
    var queue: [PartialName] = []
    var busy: Set<PartialName> = []
    /// Blobs that got more bytes while a thread had them.
    var again: Set<PartialName> = []
    var isStopped = false
    /// Threads that have not ended.
    var threads: Int
    /// Who waits for them to end.
    var waiters: [CheckedContinuation<Void, Never>] = []
    /// Who waits until no thread has a blob in its hands.
    var lookers: [PartialName: [CheckedContinuation<Void, Never>]] = [:]
  }

  private let store: ContentStore
  private let state: Mutex<State>
  private let threads: Int
  private let work = DispatchSemaphore(value: 0)

  /// Bytes read and hashed in one go: half of a common second-level cache.
  private static let bufferSize = 256 << 10
  /// Bytes between two syncs of a partial blob, which bound what a power loss can cost.
  private static let checkpointBytes: Int64 = 128 << 20

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - store: where verified blobs are published.
  ///   - threads: how many blobs are hashed at the same time, at least 1.
  package init(store: ContentStore, threads: Int) {
    self.store = store
    self.threads = max(1, threads)
    state = Mutex(State(threads: self.threads))
    for number in 1...self.threads {
      let run: @Sendable () -> Void = { [self] in self.run() }
      if !DedicatedThread.start(name: "cairn-verify-\(number)", run) {
        // The system has none left; Dispatch has some already, or gets one later.
        DispatchQueue.global().async(execute: run)
      }
    }
  }

  /// Ends the threads, and returns when they have: nothing is read or published after that.
  ///
  /// Blobs whose hash is not complete get no outcome; they are let go of, and with them their locks.
  package func stop() async {
    await withCheckedContinuation { continuation in
      let haveEnded = state.withLock { state in
        state.isStopped = true
        if state.threads > 0 { state.waiters.append(continuation) }
        return state.threads == 0
      }
      if haveEnded { continuation.resume() }
      for _ in 0..<threads { work.signal() }
    }
    state.withLock { $0.entries = [:] }
  }

  /// Registers a blob; call `advance` as its bytes arrive.
  ///
  /// - Parameters:
  ///   - blob: the partial blob.
  ///   - hashed: told how many of its first bytes are hashed, as they are, on a thread of the verifier's.
  ///   - done: called once, on a thread of the verifier's, when all bytes were hashed.
  /// - Throws: `StoreError` when libcrypto has no such hash.
  package func add(
    _ blob: PartialBlob, hashed: @escaping @Sendable (Int64) -> Void = { _ in },
    done: @escaping @Sendable (Outcome) -> Void
  ) throws(StoreError) {
    let hasher = try FileHash.begin(blob.descriptor.digest.algorithm)
    let entry = Entry(blob, hasher, hashed: hashed, done: done)
    state.withLock { $0.entries[blob.name] = entry }
  }

  /// Says that more of a blob's prefix is on disk, or all of it.
  ///
  /// - Parameter name: of a blob that was added.
  package func advance(_ name: PartialName) {
    let isNew = state.withLock { state in
      guard state.entries[name] != nil else { return false }
      guard state.busy.insert(name).inserted else {
        state.again.insert(name)
        return false
      }
      state.queue.append(name)
      return true
    }
    if isNew { work.signal() }
  }

  /// Lets go of a blob whose hash is not complete: it gets no outcome.
  ///
  /// - Parameter name: of a blob that was added.
  package func forget(_ name: PartialName) {
    let entry = state.withLock { $0.entries.removeValue(forKey: name) }
    entry?.isForgotten.store(true, ordering: .relaxed)
  }

  /// Returns when no thread has a blob in its hands that was forgotten: nothing of it is read or
  /// published after that.
  ///
  /// - Parameter name: of the blob.
  package func settled(_ name: PartialName) async {
    await withCheckedContinuation { continuation in
      let isSettled = state.withLock { state in
        // One that was added anew is another.
        guard state.busy.contains(name), state.entries[name] == nil, state.threads > 0 else {
          return true
        }
        state.lookers[name, default: []].append(continuation)
        return false
      }
      if isSettled { continuation.resume() }
    }
  }

  /// True while no blob is being hashed or waits for it.
  package var isIdle: Bool { state.withLock { $0.busy.isEmpty } }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  private func run() {
    while !isStopped { takeOne() }
    let waiters = state.withLock { state in
      state.threads -= 1
      guard state.threads == 0 else { return [CheckedContinuation<Void, Never>]() }
      defer { state.lookers = [:] }
      return state.waiters + state.lookers.values.joined()
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits for a blob with bytes to hash, and hashes them.
  private func takeOne() {
    work.wait()
    let (next, gone) = state.withLock { state -> (Entry?, PartialName?) in
      guard !state.isStopped, !state.queue.isEmpty else { return (nil, nil) }
      let name = state.queue.removeFirst()
      return (state.entries[name], name)
    }
    guard let entry = next else {
      if let gone { release(gone, goesOn: false) }
      return
    }
    let name = entry.blob.name
    let outcome = hashAndPublish(entry)
    state.withLock { state in
      if outcome != nil, state.entries[name] === entry { state.entries[name] = nil }
    }
    release(name, goesOn: outcome == nil)
    if let outcome { entry.done(outcome) }
  }

  /// Puts a blob out of a thread's hands, or back into the queue where more of it came meanwhile.
  private func release(_ name: PartialName, goesOn: Bool) {
    let (isQueued, lookers) = state.withLock { state in
      let again = state.again.remove(name) != nil && goesOn
      if again { state.queue.append(name) } else { state.busy.remove(name) }
      return (again, again ? [] : state.lookers.removeValue(forKey: name) ?? [])
    }
    if isQueued { work.signal() }
    for looker in lookers { looker.resume() }
  }

  /// Hashes what is there, and publishes the blob at its end; an outcome there.
  private func hashAndPublish(_ entry: Entry) -> Outcome? {
    let blob = entry.blob
    return entry.job.withLock { job -> Outcome? in
      do throws(StoreError) {
        let end = blob.prefixEnd
        let buffer = UnsafeMutableRawBufferPointer.allocate(
          byteCount: Self.bufferSize, alignment: 64)
        defer { buffer.deallocate() }
        while job.hashed < end {
          guard !isStopped, !entry.isForgotten.load(ordering: .relaxed) else { return nil }
          let wanted = Int(min(Int64(buffer.count), end - job.hashed))
          let count = pread(blob.file.descriptor, buffer.baseAddress, wanted, off_t(job.hashed))
          guard count > 0 else {
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            throw StoreError.system(action: "read back", path: blob.file.path, errno: errno)
          }
          job.hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          job.hashed += Int64(count)
          entry.hashed(job.hashed)
          try checkpointIfDue(&job, blob)
        }
        guard job.hashed == blob.descriptor.size else {
          try checkpointIfDue(&job, blob)
          return nil
        }
        let found = try FileHash.end(&job.hasher)
        guard found == blob.descriptor.digest else { return .wrongDigest(found: found) }
        return try store.publish(blob)
      } catch {
        return error == .takenOver ? .lost : .failed(error)
      }
    }
  }

  /// Syncs a blob where enough of it is new.
  ///
  /// Bytes count wherever they are: those behind a gap are as dear as those before it.
  private func checkpointIfDue(_ job: inout Job, _ blob: PartialBlob) throws(StoreError) {
    let here = blob.byteCount
    guard here - job.checkpointed >= Self.checkpointBytes else { return }
    job.checkpointed = here
    try blob.checkpoint()
  }
}
