import Store
import Synchronization

/// How a download stands, for everybody who wants it: its progress, the bytes that can be read, and its end.
final class DownloadBoard: Sendable {
  typealias Ending = Result<Void, DownloadError>

  /// What can be read of a blob.
  struct Prefix: Sendable {
    /// Its first bytes, so many of which are on disk and hashed.
    var end: Int64
    /// Tells what was fetched again from what came before.
    var round: Int
    /// Whether no more will come: it is in the store.
    var isWhole = false
  }

  /// Who waits for more bytes.
  private struct Reader {
    /// So many it has.
    var beyond: Int64
    /// Whether those that are not hashed will do.
    var takesUnhashed: Bool
    var continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var progress: DownloadProgress
    var ending: Ending?
    var prefix = Prefix(end: 0, round: 0)
    var reader: BlobReader?
    /// How far the bytes on disk go from an offset on, hashed or not.
    var arrived: (@Sendable (Int64) -> Int64)?
    var waiters: [Int: CheckedContinuation<Ending, Never>] = [:]
    /// Who waits for more bytes, or for the end.
    var readers: [Int: Reader] = [:]
    /// Whether those who wait are about to hear of more.
    var isNoticed = false
    var nextNumber = 0

    /// Takes those who need not wait any longer.
    mutating func take(_ isServed: (Reader) -> Bool) -> [CheckedContinuation<Void, Never>] {
      readers.filter { isServed($0.value) }.map { number, reader in
        readers[number] = nil
        return reader.continuation
      }
    }

    /// How far it can be read from an offset on.
    func end(beyond offset: Int64, takesUnhashed: Bool) -> Int64 {
      guard takesUnhashed, prefix.end <= offset, let arrived else { return prefix.end }
      return arrived(offset)
    }
  }

  private let state: Mutex<State>

  init(_ progress: DownloadProgress) { state = Mutex(State(progress: progress)) }

  var progress: DownloadProgress { state.withLock { $0.progress } }

  func set(_ progress: DownloadProgress) { state.withLock { $0.progress = progress } }

  // MARK: Bytes

  /// What to read the bytes from; nil: they are nowhere yet, or nobody's any more.
  var reader: BlobReader? { state.withLock { $0.reader } }

  /// Takes on to tell those who wait for bytes of the first ones.
  ///
  /// - Returns: whether somebody waits and has not been told of any; true once for each wait.
  func claimNotice() -> Bool {
    state.withLock { state in
      guard !state.readers.isEmpty, !state.isNoticed else { return false }
      state.isNoticed = true
      return true
    }
  }

  /// Says where bytes can be read.
  ///
  /// - Parameters:
  ///   - reader: reads them.
  ///   - arrived: says how far the bytes on disk go from an offset on.
  func open(_ reader: BlobReader?, arrived: (@Sendable (Int64) -> Int64)? = nil) {
    state.withLock { ($0.reader, $0.arrived) = (reader, arrived) }
  }

  /// Says that more is on disk.
  func written() {
    let woken = state.withLock { state in
      guard let arrived = state.arrived else { return [CheckedContinuation<Void, Never>]() }
      return state.take { $0.takesUnhashed && arrived($0.beyond) > $0.beyond }
    }
    for continuation in woken { continuation.resume() }
  }

  /// Says that so many of the first bytes are hashed.
  func hashed(_ end: Int64) {
    let woken = state.withLock { state in
      state.prefix.end = end
      state.isNoticed = false
      return state.take { $0.beyond < end }
    }
    for continuation in woken { continuation.resume() }
  }

  /// Says that what came was wrong: all of it is fetched again.
  func startOver() {
    let readers = state.withLock { state in
      state.prefix = Prefix(end: 0, round: state.prefix.round + 1)
      defer { state.readers = [:] }
      return state.readers.values
    }
    for reader in readers { reader.continuation.resume() }
  }

  /// Waits until more than so many bytes can be read, all of it came, or what came was wrong.
  ///
  /// - Parameters:
  ///   - offset: how many bytes the caller has, or does not want.
  ///   - takesUnhashed: whether bytes will do that are not hashed: those from `offset` on.
  ///   - waits: called where it has to wait.
  /// - Throws: why no more will come; `stopped` where the task was cancelled.
  func prefix(
    beyond offset: Int64, takesUnhashed: Bool = false, waits: () -> Void = {}
  ) async throws(DownloadError) -> Prefix {
    let number = number()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mustWait = state.withLock { state in
          guard state.ending == nil, !Task.isCancelled,
            state.end(beyond: offset, takesUnhashed: takesUnhashed) <= offset
          else { return false }
          state.readers[number] = Reader(
            beyond: offset, takesUnhashed: takesUnhashed, continuation: continuation)
          state.isNoticed = false
          return true
        }
        if mustWait { waits() } else { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.readers.removeValue(forKey: number) }?.continuation.resume()
    }
    let (prefix, ending) = state.withLock { state in
      var prefix = state.prefix
      prefix.end = state.end(beyond: offset, takesUnhashed: takesUnhashed)
      return (prefix, state.ending)
    }
    if prefix.end <= offset {
      try ending?.get()
      if ending == nil, Task.isCancelled { throw .stopped }
    }
    return prefix
  }

  // MARK: The end

  /// Why it failed; nil: it did not, or not yet.
  var failure: DownloadError? {
    state.withLock { state in
      if case .failure(let error)? = state.ending { error } else { nil }
    }
  }

  /// Says how it ended; only the first word counts.
  func end(_ ending: Ending) {
    let (waiters, readers) = state.withLock { state in
      state.ending = state.ending ?? ending
      switch ending {
      case .success: (state.prefix.end, state.prefix.isWhole) = (state.progress.size, true)
      // Who goes on reading would keep the file's lock.
      case .failure: (state.reader, state.arrived) = (nil, nil)
      }
      defer { (state.waiters, state.readers) = ([:], [:]) }
      return (state.waiters.values, state.readers.values)
    }
    for waiter in waiters { waiter.resume(returning: ending) }
    for reader in readers { reader.continuation.resume() }
  }

  /// Waits for the end.
  ///
  /// - Throws: why there is none; `stopped` where the task was cancelled.
  func wait() async throws(DownloadError) {
    let number = number()
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

  private func number() -> Int {
    state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
  }
}
