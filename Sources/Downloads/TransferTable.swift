import OCI

/// The transfers of everything that is wanted now, one for each blob.
struct TransferTable {
  private var byID: [Int: Transfer] = [:]
  private var byDigest: [Digest: Transfer] = [:]

  /// In no order.
  var all: some Collection<Transfer> { byID.values }

  var isEmpty: Bool { byID.isEmpty }

  subscript(id: Int) -> Transfer? { byID[id] }

  subscript(digest: Digest) -> Transfer? { byDigest[digest] }

  /// Adds the transfer of a blob that has none.
  mutating func add(_ transfer: Transfer) {
    byID[transfer.id] = transfer
    byDigest[transfer.digest] = transfer
  }

  mutating func remove(_ transfer: Transfer) {
    byID[transfer.id] = nil
    byDigest[transfer.digest] = nil
  }
}
