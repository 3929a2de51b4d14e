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
    // Whether there is an old answer where this one does not come.
    var hasOld = false
    switch selector {
    // What a tag means that was never asked for is not here, as a rule: a HEAD would only be a round trip
    // more, since Docker Hub counts what comes after it.
    case .tag(let tag) where !isHead && !session.hasAsked(tag): name = .tag(tag)
    case .tag(let tag):
      switch try await meaning(of: tag, session) {
      case .now(let said):
        if isHead, let size = said.size {
          return described(said.digest, said.type, .nothing(length: size), .upstream)
        }
        // A header is good for that nothing changed. What else it names may be another day's.
        if session.wasSent(said.digest, for: tag) {
          if let document = try await stored(said.digest, session) {
            return try await answer(said.digest, document, upstream, session, isHead: isHead)
          }
          name = .digest(said.digest, size: nil)
        } else {
          name = .tag(tag)
        }
      case .last(let known):
        if let document = try await stored(known.digest, session) {
          return try await answer(known.digest, document, upstream, session, isHead: isHead).stale
        }
        name = .tag(tag)
      case .unknown:
        name = .tag(tag)
        hasOld = old(tag, session) != nil
      }
    case .digest(let digest):
      if session.granted(digest) != nil, let document = try await stored(digest, session) {
        return try await answer(digest, document, upstream, session, isHead: isHead)
      }
      name = .digest(digest, size: nil)
    }
    let document: FetchedDocument
    var old: (data: Data, content: ImageDocument)?
    if case .digest(let digest) = selector, session.grantedBefore(digest) != nil {
      old = try await stored(digest, session)
      hasOld = old != nil
    }
    do throws(RegistryError) {
      if isHead, case .digest = selector,
        let said = try await announced(name, session, hasOld: hasOld), let size = said.size
      {
        return described(said.digest, said.type, .nothing(length: size), .upstream)
      }
      document = try await fetched(name, for: selector, session, hasOld: hasOld)
    } catch {
      // It may have been denied meanwhile.
      guard error.isOutage, let digest = before(selector, session) else { throw error }
      if old == nil, case .tag = selector { old = try await stored(digest, session) }
      guard let document = old else { throw error }
      return try await answer(digest, document, upstream, session, isHead: isHead).stale
    }
    if case .tag(let tag) = selector {
      session.remember(tag, document.digest, size: Int64(document.data.count), isSent: true)
    }
    if !isHead { begin(document.digest, document.content, upstream, session) }
    return try await answer(
      document.digest, document.data, document.content.mediaType, session, .upstream)
  }

  /// What a name meant when upstream was asked last, where that may be said again; nil: nothing.
  private func before(_ selector: ServeTarget.Selector, _ session: any ServeSession) -> Digest? {
    switch selector {
    case .digest(let digest): session.grantedBefore(digest) == nil ? nil : digest
    case .tag(let tag): old(tag, session)?.digest
    }
  }

  /// A document, as upstream has it now.
  ///
  /// Some registries make manifests as they are asked for, and have them by tags alone: what a tag
  /// means now, and is not to be had by its digest, is asked for by the tag.
  private func fetched(
    _ name: DocumentName, for selector: ServeTarget.Selector, _ session: any ServeSession,
    hasOld: Bool
  ) async throws(RegistryError) -> FetchedDocument {
    do throws(RegistryError) {
      return try await ask(documents, "\(name)", session, hasOld: hasOld) {
        () async throws(RegistryError) in
        let document = try await session.client.document(name)
        session.grant(document.digest, size: Int64(document.data.count))
        await keep(document, session)
        return document
      }
    } catch {
      guard case .tag(let tag) = selector, name != .tag(tag), !error.isOutage else { throw error }
      return try await fetched(.tag(tag), for: selector, session, hasOld: false)
    }
  }

  /// What upstream says to a HEAD, which does not count as a pull everywhere; nil: too little.
  ///
  /// - Throws: `RegistryError` where a GET would be no better.
  private func announced(
    _ name: DocumentName, _ session: any ServeSession, hasOld: Bool
  ) async throws(RegistryError) -> RepositoryClient.Announcement? {
    do throws(RegistryError) {
      return try await ask(heads, "\(name)", session, hasOld: hasOld) {
        () async throws(RegistryError) in
        let said = try await session.client.announcement(name)
        if let said, let size = said.size { session.grant(said.digest, size: size) }
        return said
      }
    } catch {
      guard error.mayBeOfHeadAlone else { throw error }
      return nil
    }
  }

  /// The answer with a document that is in the store, whose blobs are begun with.
  private func answer(
    _ digest: Digest, _ document: (data: Data, content: ImageDocument), _ upstream: Upstream,
    _ session: any ServeSession, isHead: Bool
  ) async throws(RegistryError) -> Answer {
    if !isHead { begin(digest, document.content, upstream, session) }
    return try await answer(digest, document.data, document.content.mediaType, session, .cache)
  }

  /// The answer with a document: a large one is given from the disk, so that nobody who is slow has it in
  /// memory, and where it is not there it needs room.
  private func answer(
    _ digest: Digest, _ data: Data, _ type: MediaType, _ session: any ServeSession,
    _ origin: Answer.Origin
  ) async throws(RegistryError) -> Answer {
    guard data.count > Self.largeDocument else {
      return described(digest, type, .bytes(Array(data)), origin)
    }
    let blob = Descriptor(mediaType: type, digest: digest, size: Int64(data.count))
    let (cache, circle) = (cache, session.circle)
    if case .file(let reader, let hold) = try await onDisk({ cache.take(blob, for: circle) }) {
      var answer = described(digest, type, .file(reader, 0..<blob.size), origin)
      answer.hold = hold
      return answer
    }
    // Not waited for: it is in memory meanwhile.
    guard let room = room.takeNow(data.count) else { return .noRoom }
    var answer = described(digest, type, .bytes(Array(data)), origin)
    answer.room = room
    return answer
  }

  /// Bytes of a document that every connection may have in memory.
  private static let largeDocument = 64 << 10

  /// A document that is in the store.
  private func stored(
    _ digest: Digest, _ session: any ServeSession
  ) async throws(RegistryError) -> (data: Data, content: ImageDocument)? {
    let (cache, circle) = (cache, session.circle)
    guard let data = try await onDisk({ cache.document(digest, for: circle) }) else { return nil }
    let content = try? await LargeDocuments.read(data.count) {
      try? ImageDocument.parse(data, contentType: nil)
    }
    return content.flatMap { $0 }.map { (data, $0) }
  }

  /// Begins with the blobs of an image that somebody is about to be told of.
  private func begin(
    _ digest: Digest, _ document: ImageDocument, _ upstream: Upstream, _ session: any ServeSession
  ) {
    guard case .manifest(let manifest) = document else { return }
    named.note(manifest, as: digest, in: upstream)
    session.client.note(manifest, as: digest)
    let ahead = ahead
    // Whoever waits for the manifest need not wait for this.
    Task { await ahead.begin(digest, manifest, upstream, as: session) }
  }

  private func keep(_ document: FetchedDocument, _ session: any ServeSession) async {
    // Who asked may get it all the same.
    try? await onDisk { [cache, circle = session.circle] in
      cache.keep(document.data, as: document.digest, for: circle)
    }
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
