import Synchronization

/// How a download stands, for everybody who wants it, and its end.
final class DownloadBoard: Sendable {
  typealias Ending = Result<Void, DownloadError>

  private struct State {
    var progress: DownloadProgress
    var ending: Ending?
    var waiters: [Int: CheckedContinuation<Ending, Never>] = [:]
    var nextWaiter = 0
  }

  private let state: Mutex<State>

  init(_ progress: DownloadProgress) { state = Mutex(State(progress: progress)) }

  var progress: DownloadProgress { state.withLock { $0.progress } }

  func set(_ progress: DownloadProgress) { state.withLock { $0.progress = progress } }

  /// Says how it ended; only the first word counts.
  func end(_ ending: Ending) {
    let waiters = state.withLock { state in
      state.ending = state.ending ?? ending
      defer { state.waiters = [:] }
      return state.waiters.values
    }
    for waiter in waiters { waiter.resume(returning: ending) }
  }

  /// Waits for the end.
  ///
  /// - Throws: why there is none; `stopped` where the task was cancelled.
  func wait() async throws(DownloadError) {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    let ending = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known = state.withLock { state -> Ending? in
          if let ending = state.ending { return ending }
          if Task.isCancelled { return .failure(.stopped) }
          state.waiters[number] = continuation
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
      waiter?.resume(returning: .failure(.stopped))
    }
    try ending.get()
  }
}
