import OCI
import Transfer

extension RepositoryClient {
  /// The tags of a repository.
  package struct TagList: Sendable, Equatable {
    /// In the registry's order, each once.
    package var tags: [String] = []
    /// How many names it listed that are no tags.
    package var passedOver = 0
    /// Whether its last page names itself as the next, so that nobody knows if it is the last.
    package var endsInItself = false
    /// The mirror whose list it is; nil: it is the registry's own.
    package var mirror: Mirror?

    /// A mirror that lists what it was asked for until now.
    package struct Mirror: Sendable, Equatable {
      /// Its host and port.
      package var name: String
      /// Why the registry's own list is not there.
      package var reason: String
    }
  }

  /// Lists the tags of the repository, page by page.
  ///
  /// All pages are one server's: the registry's, or a mirror's where it gives none. Of a `Link` only
  /// what stands behind `/tags/list` is taken, and its query: that server is asked, for this
  /// repository, whatever else stands in it. A link that is not followed costs the list.
  ///
  /// - Throws: `RegistryError`; of kind `protocolError` where the pages have no end.
  package func tags() async throws(RegistryError) -> TagList {
    let listing = try await listing { (lister) async throws(RegistryError) in
      try await self.tags(of: lister)
    }
    var list = listing.list
    list.mirror = listing.mirror
    return list
  }

  private func tags(of lister: Lister) async throws(RegistryError) -> TagList {
    var gathering = TagPages()
    while let behind = gathering.next {
      let page: TagPages.Page
      do throws(RegistryError) {
        page = try await part(of: lister) { (endpoint, patience) async throws(RegistryError) in
          try await self.page(behind, from: endpoint, patience)
        }
      } catch {
        // Whose first page came has the repository: half of its list is none.
        throw gathering.hasBegun && error.kind == .notFound
          ? RegistryError(
            .protocolError(transient: false),
            "\(error.message), though its page before it names that")
          : error
      }
      if let reason = gathering.take(page) {
        throw RegistryError(
          .protocolError(transient: false),
          "\(lister.endpoint.origin.authority), tags of "
            + "\(lister.endpoint.repository(of: reference)): \(reason)")
      }
      // A large page takes a moment, and a list that is not wanted any more is no list.
      guard !Task.isCancelled else { throw .cancelled }
    }
    return gathering.list
  }

  private func page(
    _ behind: String, from endpoint: Endpoint, _ patience: Double
  ) async throws(RegistryError) -> TagPages.Page {
    let repository = endpoint.repository(of: reference)
    let what = "tags of \(repository)"
    let path = "/\(repository)/tags/list" + behind
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
      if PageRule.isPage(response) { throw PageRule.error(route.url, what) }
      throw RegistryError(
        .integrity, "\(route.url.origin.authority) sent something else for \(what)")
    }
    return page
  }
}
