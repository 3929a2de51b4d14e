import FoundationEssentials
import OCI
import Registry

/// Manifests and indexes.
extension Answerer {
  /// Answers with a manifest or an index, or what it is like.
  func manifest(
    _ selector: ServeTarget.Selector, _ upstream: Upstream, _ session: any ServeSession,
    isHead: Bool
  ) async throws(RegistryError) -> Answer {
    let name: DocumentName
    switch selector {
    case .tag(let tag): name = .tag(tag)
    case .digest(let digest):
      if session.granted(digest) != nil, let document = await stored(digest) {
        if !isHead { begin(digest, document.content, upstream, session) }
        return described(
          digest, document.content.mediaType, .bytes(Array(document.data)), .cache)
      }
      name = .digest(digest, size: nil)
    }
    // A HEAD does not count as a pull everywhere; who does not answer one may have it all the same.
    if isHead, let said = try? await session.client.announcement(name), let size = said.size {
      session.grant(said.digest, size: size)
      return described(said.digest, said.type, .nothing(length: size), .upstream)
    }
    let document = try await documents.ask(.init(session, "\(name)")) {
      () async throws(RegistryError) in
      let document = try await session.client.document(name)
      session.grant(document.digest, size: Int64(document.data.count))
      await keep(document)
      return document
    }
    if !isHead { begin(document.digest, document.content, upstream, session) }
    return described(
      document.digest, document.content.mediaType, .bytes(Array(document.data)), .upstream)
  }

  /// A document that is in the store.
  private func stored(_ digest: Digest) async -> (data: Data, content: ImageDocument)? {
    guard let data = await onDisk({ [cache] in cache.document(digest) }),
      let content = try? ImageDocument.parse(data, contentType: nil)
    else { return nil }
    return (data, content)
  }

  /// Begins with the blobs of an image that somebody has just been told of.
  private func begin(
    _ digest: Digest, _ document: ImageDocument, _ upstream: Upstream, _ session: any ServeSession
  ) {
    guard case .manifest(let manifest) = document else { return }
    let (ahead, source) = (ahead, session.source)
    // Whoever waits for the manifest need not wait for this.
    Task { await ahead.begin(digest, manifest, upstream, from: source) }
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
