import OCI
import Store

/// The transfers of everything that is wanted now: one for each blob, in each circle and with each size
/// that it is wanted with.
struct TransferTable {
  private var byID: [Int: Transfer] = [:]
  private var bySpot: [Wish.Spot: [Int64: Transfer]] = [:]

  /// In no order.
  var all: some Collection<Transfer> { byID.values }

  var isEmpty: Bool { byID.isEmpty }

  subscript(id: Int) -> Transfer? { byID[id] }

  subscript(key: Wish.Key) -> Transfer? { bySpot[key.spot]?[key.size] }

  /// Whether a blob is wanted in a circle, with whatever size.
  func has(_ spot: Wish.Spot) -> Bool { bySpot[spot] != nil }

  /// What the files of a transfer are called that there is not yet.
  ///
  /// Of those who believe each other, the first has the plain ones; others of his circle are of another
  /// opinion about the size.
  func name(for wish: Wish) -> PartialName {
    let isPlain = wish.circle == .named && !has(wish.key.spot)
    return isPlain ? PartialName(wish.blob.digest) : .apart(wish.blob.digest)
  }

  /// Adds the transfer of a wish that has none.
  mutating func add(_ transfer: Transfer) {
    byID[transfer.id] = transfer
    let key = transfer.wish.key
    bySpot[key.spot, default: [:]][key.size] = transfer
  }

  mutating func remove(_ transfer: Transfer) {
    byID[transfer.id] = nil
    let key = transfer.wish.key
    bySpot[key.spot]?[key.size] = nil
    if bySpot[key.spot]?.isEmpty ?? false { bySpot[key.spot] = nil }
  }
}
