/// Keeps a blob in the cache while somebody reads or fetches it.
package final class CacheHold: Sendable {
  private let released: @Sendable () -> Void

  init(_ released: @escaping @Sendable () -> Void) { self.released = released }

  deinit { released() }
}
