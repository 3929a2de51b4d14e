package import OCI
package import Transfer

/// A server that can answer for a registry: the registry itself, or a mirror of it.
package struct Endpoint: Sendable, Hashable {
  /// Where it is.
  package var origin: RemoteURL.Origin
  /// What stands before the repository in a path; `/v2` by the specification.
  package var pathPrefix: String
  /// The `ns` query that tells a mirror whose images are meant; nil for the registry itself.
  package var namespace: String?
  /// The registry whose credentials it wants, as in a reference; nil: the reference's, of a mirror
  /// with a `namespace` its own name.
  package var registry: String?
  /// The repository's path there, where it is another than the reference's.
  package var repository: String?
  /// Whether it is the registry itself, as its user's files have it; else it is a mirror.
  package var isRegistry = false
  /// False for a mirror that must not be asked what a tag means.
  package var resolvesTags = true
  /// False for a mirror that serves no content.
  package var servesContent = true
  /// True where `origin` may be tried over plain HTTP when it turns out not to speak TLS.
  package var allowsPlainFallback: Bool
  /// Its certificates and time limits, where they differ from those of any other server.
  package var access = ServerAccess()
  /// Fields that every request at its origin carries; never printed, since they may hold secrets.
  package var fields = HTTPFields()
  /// The file that names it; nil: the reference itself, or an option.
  package var source: String?

  /// Makes an endpoint.
  ///
  /// - Parameters:
  ///   - origin: where it is.
  ///   - pathPrefix: what stands before the repository in a path.
  ///   - namespace: the `ns` query of a mirror.
  ///   - allowsPlainFallback: whether plain HTTP may be tried after a failed handshake.
  package init(
    origin: RemoteURL.Origin, pathPrefix: String = "/v2", namespace: String? = nil,
    allowsPlainFallback: Bool = false
  ) {
    self.origin = origin
    self.pathPrefix = pathPrefix
    self.namespace = namespace
    self.allowsPlainFallback = allowsPlainFallback
  }

  /// The endpoint of a reference's own registry.
  ///
  /// A registry on this very machine may speak plain HTTP, as with Docker: it is asked by TLS first.
  ///
  /// - Parameters:
  ///   - reference: names the registry.
  ///   - plainHTTP: use plain HTTP and nothing else.
  /// - Throws: `TransferError` when the host cannot be part of a URL.
  package init(of reference: Reference, plainHTTP: Bool) throws(TransferError) {
    let url = try RemoteURL("\(plainHTTP ? "http" : "https")://\(reference.apiHost)/")
    self.init(origin: url.origin, allowsPlainFallback: !plainHTTP && url.origin.isLoopback)
    isRegistry = true
  }

  /// The repository's path below the API's root there, which tokens and credentials are for.
  package func repository(of reference: Reference) -> String { repository ?? reference.repository }

  /// The name under which credentials for it are kept.
  package func registry(of reference: Reference) -> String {
    registry ?? (namespace == nil ? reference.registry : origin.authority)
  }

  /// Where it is asked without TLS: the port is the same, unless it was the usual one.
  var plainOrigin: RemoteURL.Origin {
    let port = origin.port == 443 ? 80 : origin.port
    return (try? RemoteURL("http://\(origin.host):\(port)/"))?.origin ?? origin
  }

  func url(_ path: String, over origin: RemoteURL.Origin) throws(TransferError) -> RemoteURL {
    let query = namespace.map { (path.contains("?") ? "&" : "?") + "ns=\($0)" } ?? ""
    return try RemoteURL(origin: origin, target: pathPrefix + path + query)
  }
}
