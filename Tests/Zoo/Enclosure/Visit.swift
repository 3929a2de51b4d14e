import Foundation
import OCI
import Support

/// One request, as an animal sees it.
struct Visit: Sendable {
  /// Which of an animal's servers is spoken to.
  enum Door: String, Sendable, CaseIterable { case registry, storage, tokens }

  /// What is asked for.
  enum Part: Hashable, Sendable {
    /// `/v2/` itself.
    case base
    /// A tag or a digest.
    case manifest(String)
    case blob(Digest)
    /// A blob at the storage host.
    case stored(Digest)
    case token
    case other
  }

  var request: ServedRequest
  let door: Door
  var part: Part
  /// The repository's path, with a mirror's prefix.
  let repository: String
  /// Which visit this is for this very thing, from 1.
  let nth: Int
  /// Which visit this is for content of this kind (documents, blobs, tokens), from 1.
  let nthOfKind: Int
  /// Visits to the token service until now.
  let tokens: Int
  /// Documents that were fetched by their digests until now.
  let manifests: Int
  /// The servers' authorities as this visitor knows them.
  let hosts: [Door: String]

  var isManifest: Bool { if case .manifest = part { true } else { false } }

  /// True where bytes of a blob are asked for, here or at the storage host.
  var isContent: Bool {
    switch part {
    case .blob, .stored: true
    default: false
    }
  }

  var isBlob: Bool { if case .blob = part { true } else { false } }

  /// The URL of a path at one of the animal's servers.
  func url(_ door: Door, _ path: String) -> String { "http://\(hosts[door] ?? "")\(path)" }

  /// The same visit with another request.
  func asking(_ change: (inout ServedRequest) -> Void) -> Visit {
    var visit = self
    change(&visit.request)
    return visit
  }

  /// The same visit, taken for one to something else.
  func being(_ part: Part) -> Visit {
    var visit = self
    visit.part = part
    return visit
  }
}

extension ServedRequest {
  /// The same without some fields.
  mutating func drop(_ name: String) {
    fields.removeAll { $0.name.lowercased() == name.lowercased() }
  }

  /// The path without its query.
  var path: String { String(target.prefix { $0 != "?" }) }

  /// The query's values by name, percent signs undone.
  var query: [String: String] {
    guard let mark = target.firstIndex(of: "?") else { return [:] }
    var values: [String: String] = [:]
    for pair in target[target.index(after: mark)...].split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      values[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
    }
    return values
  }
}
