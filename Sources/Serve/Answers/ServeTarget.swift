package import OCI
import Registry

/// What a caller of the local endpoint asks for.
package enum ServeTarget: Hashable, Sendable {
  /// `/v2/`: whether this is a registry, and for which callers.
  case base
  /// A manifest or an index.
  case manifest(Upstream, Selector)
  /// A blob.
  case blob(Upstream, Digest)
  /// The tags of a repository, with the query as it came.
  case tags(Upstream, query: String)
  /// What refers to a manifest, with the query as it came.
  case referrers(Upstream, Digest, query: String)
  /// Figures for Prometheus.
  case metrics
  /// Whether the service lives.
  case health

  /// How a manifest is named.
  package enum Selector: Hashable, Sendable {
    case tag(String)
    case digest(Digest)
  }

  /// Reads a request's target: `/v2/ubuntu/manifests/latest?ns=docker.io`,
  /// `/v2/docker.io/library/ubuntu/manifests/latest`.
  ///
  /// - Parameter target: the path and the query, as the request line has them.
  /// - Returns: nil where nothing of that kind is served.
  package init?(_ target: String) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.count > 1 ? String(parts[1]) : ""
    guard let path = PercentCode.decoded(parts.first ?? "") else { return nil }
    switch path {
    case "/v2", "/v2/": self = .base
    case "/metrics": self = .metrics
    case "/healthz": self = .health
    default:
      guard let found = Self.content(path, query: query) else { return nil }
      self = found
    }
  }

  private static func content(_ path: String, query: String) -> ServeTarget? {
    var names = path.split(separator: "/", omittingEmptySubsequences: false)
    guard names.count >= 5, names[0].isEmpty, names[1] == "v2" else { return nil }
    let selector = String(names.removeLast())
    let kind = names.removeLast()
    guard let upstream = Upstream(names.dropFirst(2), query: query) else { return nil }
    switch kind {
    case "manifests":
      if let digest = try? Digest(selector) { return .manifest(upstream, .digest(digest)) }
      return Reference.isTag(selector) ? .manifest(upstream, .tag(selector)) : nil
    case "blobs": return (try? Digest(selector)).map { .blob(upstream, $0) }
    case "referrers":
      return (try? Digest(selector)).map { .referrers(upstream, $0, query: query) }
    case "tags": return selector == "list" ? .tags(upstream, query: query) : nil
    default: return nil
    }
  }
}
