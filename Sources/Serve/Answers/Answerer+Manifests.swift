import OCI
import Registry

/// Manifests and indexes.
extension Answerer {
  /// Answers with a manifest or an index, or what it is like.
  func manifest(
    _ selector: ServeTarget.Selector, _ session: any ServeSession, isHead: Bool
  ) async throws(RegistryError) -> Answer {
    let name: DocumentName
    switch selector {
    case .tag(let tag): name = .tag(tag)
    case .digest(let digest):
      if session.granted(digest) != nil, let answer = await stored(digest) { return answer }
      name = .digest(digest, size: nil)
    }
    // A HEAD does not count as a pull everywhere; who does not answer one may have it all the same.
    if isHead, let said = try? await session.client.announcement(name), let size = said.size {
      session.grant(said.digest, size: size)
      return described(said.digest, said.type, .nothing(length: size), .upstream)
    }
    let document = try await session.client.document(name)
    session.grant(document.digest, size: Int64(document.data.count))
    await keep(document)
    return described(
      document.digest, document.content.mediaType, .bytes(Array(document.data)), .upstream)
  }

  /// A document that is in the store.
  private func stored(_ digest: Digest) async -> Answer? {
    guard let data = await onDisk({ [cache] in cache.document(digest) }),
      let content = try? ImageDocument.parse(data, contentType: nil)
    else { return nil }
    return described(digest, content.mediaType, .bytes(Array(data)), .cache)
  }

  private func keep(_ document: FetchedDocument) async {
    _ = await onDisk { [cache] in cache.keep(document.data, as: document.digest) }
  }

  private func described(
    _ digest: Digest, _ type: MediaType, _ body: Answer.Body, _ origin: Answer.Origin
  ) -> Answer {
    var answer = Answer(
      200, [("Content-Type", type.rawValue), ("Docker-Content-Digest", "\(digest)")], body)
    answer.origin = origin
    return answer
  }
}
