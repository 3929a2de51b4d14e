import OCI
import Transfer

extension RepositoryClient {
  /// The tags of a repository.
  package struct TagList: Sendable, Equatable {
    /// In the registry's order, each once.
    package var tags: [String] = []
    /// How many names it listed that are no tags.
    package var passedOver = 0
  }

  /// Lists the tags of the repository, page by page.
  ///
  /// The first server that answers is asked for all pages. Of a `Link` only the query is taken: that
  /// server is asked, for this repository, whatever else stands in it.
  ///
  /// - Throws: `RegistryError`; of kind `protocolError` where the pages have no end.
  package func tags() async throws(RegistryError) -> TagList {
    var gathering = TagPages()
    var asked = endpoints.filter(\.resolvesTags)
    while let query = gathering.next {
      let (endpoint, page) = try await page(query, of: asked)
      // The next page is that server's.
      asked = [endpoint]
      if let reason = gathering.take(page) {
        throw RegistryError(
          .protocolError(transient: false),
          "\(endpoint.origin.authority), tags of \(reference.repository): \(reason)")
      }
      // A large page takes a moment, and a list that is not wanted any more is no list.
      guard !Task.isCancelled else { throw .cancelled }
    }
    return gathering.list
  }

  private func page(
    _ query: String, of asked: [Endpoint]
  ) async throws(RegistryError) -> (Endpoint, TagPages.Page) {
    try await retrying { (stalls) async throws(RegistryError) in
      let patience = self.headTimeout(stalls: stalls)
      return try await self.failover.first(of: asked, for: "tags/list", patience: patience) {
        (endpoint) async throws(RegistryError) in
        (endpoint, try await self.page(query, from: endpoint, patience))
      }
    }
  }

  private func page(
    _ query: String, from endpoint: Endpoint, _ patience: Double
  ) async throws(RegistryError) -> TagPages.Page {
    let what = "tags of \(reference.repository)"
    let path =
      "/\(endpoint.repository(of: reference))/tags/list" + (query.isEmpty ? "" : "?\(query)")
    var route = try RequestRoute(
      .endpoint(endpoint, path: path, remembered: nil), what: what, client: self)
    let (response, _) = try await take(
      along: &route, fields: HTTPFields([("Accept", "application/json")]),
      limit: TagPages.pageBytes, patience: patience)
    let page = try await LargeDocuments.read(response.documentLength(limit: TagPages.pageBytes)) {
      let plain = try? response.documentBody(limit: TagPages.pageBytes)
      return TagPages.Page(plain ?? response.body, response.head.fields)
    }
    guard let page else {
      throw RegistryError(
        .integrity, "\(route.url.origin.authority) sent something else for \(what)")
    }
    return page
  }
}
