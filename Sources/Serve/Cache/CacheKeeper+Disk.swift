import OCI

/// How much the cache's disk has for it.
extension CacheKeeper {
  /// Looks how much more fits on the disk, before so many bytes come: others write there, too.
  ///
  /// What has come of that which has room is only looked for where it matters.
  func measure(for size: Int64, _ shelf: inout CacheShelf) {
    let free = free()
    shelf.measure(free: free, arrived: 0)
    guard shelf.isTight(for: size) else { return }
    settle(&shelf)
    let comers = Set(shelf.comers)
    let published = comers.map { store.size(of: $0) ?? 0 }.clampedSum
    let partial = store.bytesOnTheWay { comers.contains($0) }
    shelf.measure(free: free, arrived: published.addingClamped(partial))
  }
}
