import OCI
import Registry

/// Lists of tags and of referrers: upstream's, page by page, with links that lead here.
extension Answerer {
  func list(
    _ list: RepositoryClient.List, _ path: String, _ query: String, _ upstream: Upstream,
    _ session: any ServeSession
  ) async throws(RegistryError) -> Answer {
    // How large it is, nobody says before it has come.
    let limit = RepositoryClient.pageLimit
    guard let room = await room.take(limit, patience: roomPatience) else { return .noRoom }
    let page = try await page(of: list, query, session)
    room.shrink(to: page.body.count)
    // A type of the server's choice, with bytes of its choice, is nothing to hand on.
    let type = if case .tags = list { "application/json" } else { MediaType.ociIndex.rawValue }
    var answer = Answer(200, [("Content-Type", type)], .bytes(page.body))
    if let next = page.next {
      let link = upstream.link(to: path, query: next)
      answer.fields.append(("Link", "<\(link)>; rel=\"next\""))
    }
    if page.filters?.lowercased() == "artifacttype" {
      answer.fields.append(("OCI-Filters-Applied", "artifactType"))
    }
    (answer.origin, answer.room) = (.upstream, room)
    return answer
  }

  /// - Throws: `RegistryError`; a registry that has no list of referrers has many words for that, and callers
  ///   go on without one where they hear that it is not there.
  private func page(
    of list: RepositoryClient.List, _ query: String, _ session: any ServeSession
  ) async throws(RegistryError) -> RepositoryClient.Page {
    do throws(RegistryError) {
      return try await session.client.page(of: list, query: query)
    } catch {
      guard case .referrers = list, error.maySayThatThereIsNone else { throw error }
      throw RegistryError(.notFound, error.description)
    }
  }
}

extension RegistryError {
  /// Whether a question that not every server knows came to this: a refusal whoever asks, or a page.
  fileprivate var maySayThatThereIsNone: Bool {
    switch kind {
    case .protocolError(let isTransient), .serverError(let isTransient):
      !isTransient && status != nil
    case .integrity, .refusedTarget: true
    case .unauthorised: status == 403
    case .notFound, .overloaded, .rangeRefused, .unusable, .transfer: false
    }
  }
}

extension Upstream {
  /// Where the caller finds something of the repository here.
  ///
  /// - Parameters:
  ///   - path: below the repository.
  ///   - query: without `ns`, as URLs have it.
  func link(to path: String, query: String) -> String {
    let registry = reference.registry
    switch form {
    case .query: return "/v2/\(reference.repository)/\(path)?\(query)&ns=\(registry)"
    case .path:
      let name = registry.replacing(":", with: "__")
      return "/v2/\(name)/\(reference.repository)/\(path)?\(query)"
    }
  }
}
