import OCI
import Transfer

/// Who sent what of a repository's blobs, and what became of it.
struct Testimony: Sendable {
  /// Who can send bytes of a blob.
  enum Sender: Hashable {
    case endpoint(Endpoint)
    /// A URL that the manifest names.
    case place(String)
  }

  /// What is known of one blob.
  private struct Record: Sendable {
    /// Who sent bytes of it, for when its digest turns out to be wrong; and from where.
    var senders: [Sender: Set<RemoteURL>] = [:]
    /// Who sent wrong bytes of it; of mirrors the ledger knows it, too.
    var liars: Set<Sender> = []
    /// Where those came from.
    var liedPlaces: Set<RemoteURL> = []
    /// Whether it came in another length than it should have: something on the way may have changed it.
    var isSuspect = false
  }

  private var records: [Digest: Record] = [:]
  /// Bytes that each host served, with its port where that is not the scheme's.
  private var served: [String: Int64] = [:]
  /// Whoever began to send a blob.
  private(set) var hosts: Set<String> = []

  // MARK: Sending

  /// Notes that bytes came from a host.
  mutating func note(_ bytes: Int64, from host: String) { served[host, default: 0] += bytes }

  /// The bytes that came from each host, which are counted from 0 from now on.
  mutating func takeServed() -> [String: Int64] {
    defer { served = [:] }
    return served
  }

  /// The bytes that came from each host so far.
  var servedBytes: [String: Int64] { served }

  /// Notes who sends something, and from where; whether it was not known of that sender.
  mutating func note(_ sender: Sender, of digest: Digest, at place: RemoteURL) -> Bool {
    hosts.insert(place.origin.authority)
    let isNews = records[digest]?.senders[sender] == nil
    records[digest, default: Record()].senders[sender, default: []].insert(place)
    return isNews
  }

  // MARK: Wrong content

  /// Whoever sent bytes of a blob whose digest is wrong sent wrong ones.
  ///
  /// - Returns: who that is, where it came from, and whether anything was not known before.
  mutating func blame(_ digest: Digest) -> (
    guilty: Set<Sender>, places: Set<RemoteURL>, isNews: Bool
  ) {
    var record = records[digest] ?? Record()
    let guilty = Set(record.senders.keys)
    let places = record.senders.values.reduce(into: Set()) { $0.formUnion($1) }
    let isNews = !guilty.isSubset(of: record.liars)
    record.senders = [:]
    record.isSuspect = true
    record.liars.formUnion(guilty)
    record.liedPlaces.formUnion(places)
    records[digest] = record
    return (guilty, places, isNews)
  }

  /// Notes that a blob came in another length than it should have.
  mutating func suspect(_ digest: Digest) { records[digest, default: Record()].isSuspect = true }

  /// Whether a blob arrived wrong before.
  func isSuspect(_ digest: Digest) -> Bool { records[digest]?.isSuspect ?? false }

  /// Whether somebody sent wrong bytes of a blob.
  func isLiar(_ sender: Sender, for digest: Digest) -> Bool {
    records[digest]?.liars.contains(sender) ?? false
  }

  /// Whether wrong bytes of a blob came from a place.
  func hasLied(_ place: RemoteURL, of digest: Digest) -> Bool {
    records[digest]?.liedPlaces.contains(place) ?? false
  }
}
