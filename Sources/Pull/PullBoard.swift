import Downloads
import OCI
import Progress
import Synchronization

/// What a run's display shows: every blob of its images once, as the downloads tell.
final class PullBoard: Sendable {
  private struct State {
    var names: [String] = []
    var blobs: [PullSnapshot.Blob] = []
    var place: [Digest: Int] = [:]

    /// - Returns: the blob as it is shown now; nil where it is of no image.
    @discardableResult
    mutating func note(_ progress: DownloadProgress) -> PullSnapshot.Blob? {
      guard let index = place[progress.digest] else { return nil }
      blobs[index].done = progress.done
      blobs[index].state = progress.shownState
      blobs[index].process = progress.state == .elsewhere ? progress.process : nil
      blobs[index].isStopped = progress.state == .elsewhere && progress.isStopped
      return blobs[index]
    }
  }

  private let display: any ProgressDisplay
  private let state = Mutex(State())

  init(_ display: any ProgressDisplay) { self.display = display }

  /// Adds an image's blobs.
  ///
  /// - Parameters:
  ///   - image: its name for people.
  ///   - blobs: all of them, in the order of its manifest.
  ///   - missing: those that have to be fetched.
  func add(_ image: String, _ blobs: [LabelledBlob], missing: Set<Digest>) {
    state.withLock { state in
      state.names.append(image)
      for blob in blobs where state.place[blob.digest] == nil {
        let isHere = !missing.contains(blob.digest)
        state.place[blob.digest] = state.blobs.count
        state.blobs.append(
          PullSnapshot.Blob(
            digest: blob.digest, label: blob.label, image: image, size: blob.size,
            done: isHere ? blob.size : 0, state: isHere ? .present : .waiting))
      }
    }
  }

  /// Shows what happens to downloads.
  func show(_ event: DownloadEvent) {
    switch event {
    case .pool(_, let workers, let reason):
      display.show(.pool(workers: workers, reason: reason))
    case .blob(let progress):
      if let blob = state.withLock({ $0.note(progress) }) { display.show(.blob(blob)) }
    case .overview(let overview):
      display.show(.snapshot(snapshot(overview)))
    case .damaged(let wish, let origin, let next):
      display.show(
        .warning("\(wish.label) \(wish.blob.digest.short) arrived damaged\(origin); \(next)"))
    case .takenOver(let wish, let process, let seconds):
      let other = process.map { "process \($0)" } ?? "another process"
      display.show(
        .warning(
          "\(wish.label) \(wish.blob.digest.short): \(other) brought less than --min-rate of it for "
            + "\(Int(clamping: seconds.rounded())) s; going on in its place"))
    case .waiting(let seconds, let reason):
      display.show(.waiting(seconds: seconds, reason: reason))
    }
  }

  private func snapshot(_ overview: DownloadEvent.Overview) -> PullSnapshot {
    state.withLock { state in
      for progress in overview.blobs { state.note(progress) }
      return PullSnapshot(
        name: state.names.joined(separator: ", "), blobs: state.blobs, seconds: overview.seconds,
        bytesPerSecond: overview.bytesPerSecond, poolSize: overview.poolSize, open: overview.open)
    }
  }
}

extension DownloadProgress {
  /// Its state for a display.
  fileprivate var shownState: PullSnapshot.State {
    switch state {
    case .waiting: .waiting
    case .fetching: .fetching
    case .elsewhere: .elsewhere
    case .verifying: .verifying
    case .done: .done
    case .present: .present
    }
  }
}
