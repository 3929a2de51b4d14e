package import OCI
import Transfer

extension RepositoryClient {
  /// Something small of a repository, as a server sent it.
  package struct Page: Sendable, Equatable {
    /// The body, without an encoding.
    package var body: [UInt8]
    /// The `Content-Type`.
    package var type: String?
    /// The query of the page that follows, without `ns` and as URLs have it; nil: this is the last.
    package var next: String?
    /// `OCI-Filters-Applied`.
    package var filters: String?
  }

  /// Lists that a registry has of a repository.
  package enum List: Sendable {
    case tags
    /// What refers to a manifest.
    case referrers(Digest)
  }

  /// The most bytes of a page that is handed on: as many as skopeo and podman take.
  ///
  /// - Source: containers/image, `internal/iolimits`, `MaxTagListBodySize`.
  package static let pageLimit = 4 << 20

  /// Fetches one page of a list: of tags as `listing` says, else from the first server that has it.
  ///
  /// - Parameters:
  ///   - list: which.
  ///   - query: what it is asked with; of `ns` only our own is said.
  /// - Throws: `RegistryError`.
  package func page(of list: List, query: String) async throws(RegistryError) -> Page {
    let fields = NamespaceField.removed(from: query[...])
    let query = fields.isEmpty ? "" : "?" + fields.joined(separator: "&")
    switch list {
    case .tags:
      // Who asks for more than a number of tags goes on where a page of ours has ended.
      let goesOn = fields.contains { !$0.hasPrefix("n=") }
      return try await listing(goesOn: goesOn) { (lister) async throws(RegistryError) in
        let page = try await self.part(of: lister) {
          (endpoint, patience) async throws(RegistryError) in
          try await self.page("/tags/list", query, "application/json", from: endpoint, patience)
        }
        guard lister.isFirst || page.next == nil else {
          throw RegistryError(
            .protocolError(transient: false),
            "\(lister.endpoint.origin.authority) has more tags than a page, and no other server goes on"
          )
        }
        return page
      }.list
    case .referrers(let digest):
      let path = "/referrers/\(digest)"
      return try await retrying { (stalls) async throws(RegistryError) in
        let patience = self.headTimeout(stalls: stalls)
        return try await self.failover.first(
          of: self.endpoints.filter(\.resolvesTags), for: path, about: .list,
          patience: patience
        ) { (endpoint) async throws(RegistryError) in
          try await self.page(
            path, query, MediaType.ociIndex.rawValue, from: endpoint, patience)
        }
      }
    }
  }

  private func page(
    _ path: String, _ query: String, _ accept: String, from endpoint: Endpoint,
    _ patience: Double
  ) async throws(RegistryError) -> Page {
    let repository = endpoint.repository(of: reference)
    var route = try RequestRoute(
      .endpoint(endpoint, path: "/\(repository)\(path)\(query)", remembered: nil),
      what: "list of \(repository)", client: self)
    let (response, _) = try await take(
      along: &route, fields: HTTPFields([("Accept", accept)]), limit: Self.pageLimit,
      patience: patience)
    let page = try await LargeDocuments.read(
      response.documentLength(limit: Self.pageLimit)
    ) { Page(response, with: accept == MediaType.ociIndex.rawValue ? "manifests" : nil) }
    guard var page else {
      if PageRule.isPage(response) { throw PageRule.error(route.url, route.what) }
      throw RegistryError(
        .integrity, "\(route.url.origin.authority) sent something else for a list")
    }
    switch TagPages.next(response.head.fields, of: path) {
    case nil: break
    // The same page is no other.
    case .behind(let next) where next == query: break
    case .behind(let next) where next.hasPrefix("?"): page.next = String(next.dropFirst())
    // Callers go on with a query, and a list without its end is not to look whole.
    case .behind: throw unlisted("the next page is at another path", route)
    case .lost(let reason): throw unlisted(reason, route)
    }
    return page
  }

  private func unlisted(_ reason: String, _ route: RequestRoute) -> RegistryError {
    RegistryError(
      .protocolError(transient: false),
      "\(route.url.origin.authority), \(route.what): \(reason)")
  }
}

extension RepositoryClient.Page {
  /// - Parameter member: what its document must have; nil: nothing.
  /// - Returns: nil for what is no object of JSON, or has no such member.
  init?(_ response: TransferResponse, with member: String?) {
    let plain = try? response.documentBody(limit: RepositoryClient.pageLimit)
    body = plain ?? response.body
    // It is handed on as it came: nothing of it has to be in memory twice.
    var reader = JSONReader(body)
    var hasMember = member == nil
    let isObject = reader.whole {
      $0.members { name, reader in
        hasMember = hasMember || JSONString.content(name) == member
        return reader.pass()
      }
    }
    guard isObject, hasMember else { return nil }
    type = response.head.fields["content-type"]
    filters = response.head.fields["oci-filters-applied"]
  }
}
