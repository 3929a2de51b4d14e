import Synchronization

/// Carries a transfer's handle to a cancellation that may come before the transfer has one.
final class HandleBox: Sendable {
  private let state = Mutex<(handle: TransferHandle?, isCancelled: Bool)>((nil, false))

  /// Stores the handle; true when the cancellation came first.
  func set(_ handle: TransferHandle) -> Bool {
    state.withLock {
      $0.handle = handle
      return $0.isCancelled
    }
  }

  /// Notes the cancellation; the handle, where there is one by now.
  func cancel() -> TransferHandle? {
    state.withLock {
      $0.isCancelled = true
      return $0.handle
    }
  }
}
