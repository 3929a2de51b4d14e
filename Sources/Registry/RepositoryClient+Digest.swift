package import OCI
import Transfer

extension RepositoryClient {
  /// What the reference names, by the word of the first server that answers for it.
  ///
  /// That is one HEAD by digest and two by tag, which Docker Hub for one does not count as pulls.
  ///
  /// - Returns: nil where no such word is good enough, and the document itself has to tell: no
  ///   usable `Docker-Content-Digest`, another type than a manifest's, another digest than was
  ///   asked for, or a failure.
  /// - Throws: `RegistryError` where nobody answered in time, and is to be asked but once.
  package func announcedDigest() async throws(RegistryError) -> Digest? {
    // Who does not answer a HEAD for it may have it all the same.
    do throws(RegistryError) {
      guard let digest = reference.digest else {
        return try await meaning(of: reference.manifestSelector)?.digest
      }
      return try await announcement(.digest(digest, size: nil))?.digest
    } catch {
      // The document would be asked for as long once more.
      guard !error.isStall || retryRule.retries > 0 else { throw error }
      return nil
    }
  }

  /// What a manifest is like that was asked for by HEAD.
  package struct Announcement: Sendable, Equatable {
    /// Its digest.
    package var digest: Digest
    /// Its type: an index's or a manifest's.
    package var type: MediaType
    /// Its size in bytes, where the server says.
    package var size: Int64?
  }

  /// What a tag means by a server's word, which counts where the same document can be had by it.
  ///
  /// The head of a tag's answer is the server's claim alone: caches that write documents anew, or
  /// have heads of another day, announce what they would not send. A HEAD of what is announced
  /// disproves that as a rule, and costs no document.
  ///
  /// - Parameter tag: a tag.
  /// - Returns: nil where the document itself has to tell.
  /// - Throws: `RegistryError`. Who does not answer a HEAD may have it all the same.
  private func meaning(of tag: String) async throws(RegistryError) -> Announcement? {
    guard let said = try await announcement(.tag(tag)) else { return nil }
    let own = try await announcement(.digest(said.digest, size: nil))
    return own?.type == said.type && own?.size == said.size ? said : nil
  }

  /// Takes what a tag's answer brought in spite of its head, where nobody else is left to ask and the same
  /// comes twice: what only the way has damaged comes otherwise the next time.
  ///
  /// - Throws: `RegistryError` where a server contradicts itself: the next one is asked, or the same
  ///   once more.
  func accept(
    _ document: FetchedDocument, of endpoint: Endpoint
  ) throws(RegistryError) {
    guard let misnomer = document.misnomer else { return }
    guard endpoint == endpoints.last, misnamed.withLock({ $0.came(document.digest) }) else {
      throw RegistryError(.integrity, misnomer.words)
    }
    guard misnamed.withLock({ $0.says() }) else { return }
    tell(.warning("\(misnomer.words): what it sent is taken"))
  }

  /// What the first server that answers says of a manifest or an index, by one HEAD.
  ///
  /// - Parameter name: a tag or a digest.
  /// - Returns: nil where it says too little, or something else than was asked for: then the
  ///   document itself has to tell.
  /// - Throws: `RegistryError`. Who does not answer a HEAD may have it all the same.
  package func announcement(_ name: DocumentName) async throws(RegistryError) -> Announcement? {
    var digest: Digest?
    if case .digest(let wanted, _) = name { digest = wanted }
    let asked = endpoints.filter { digest == nil ? $0.resolvesTags : $0.servesContent }
    let patience = headTimeout(stalls: 0)
    let found = try await failover.first(
      of: asked, for: "HEAD \(name.selector)", about: Subject(name), patience: patience
    ) { (endpoint) async throws(RegistryError) in
      try await self.head(endpoint, name.selector, patience)
    }
    guard let found, digest == nil || digest == found.digest else { return nil }
    return found
  }

  private func head(
    _ endpoint: Endpoint, _ name: String, _ patience: Double
  ) async throws(RegistryError) -> Announcement? {
    let path = "/\(endpoint.repository(of: reference))/manifests/\(name)"
    var route = try RequestRoute(
      .endpoint(endpoint, path: path, remembered: nil), what: "manifest \(name)", client: self)
    route.method = .head
    let engine = engine
    let answer: ResponseHead? = try await route.run(fields: Self.acceptedManifests) {
      (request, route) async throws(TransferError) in
      var request = request
      request.headTimeout = patience
      let response = try await engine.perform(request) { _, _ in
        .beginning(limit: Self.asideLimit)
      }
      if response.head.isWhole { return .content(response.head) }
      return route.isElsewhere && Self.mayBeForGet(response.head)
        ? .content(nil) : .aside(response)
    }
    guard let head = answer else { return nil }
    let type = head.fields["content-type"].map { MediaType(rawValue: $0) }
    // Who says two things leaves it to the document.
    let said = Set(head.fields.values("docker-content-digest"))
    guard let type, type.isIndex || type.isManifest, said.count == 1,
      let digest = said.first.flatMap({ try? Digest($0) })
    else { return nil }
    return Announcement(digest: digest, type: type, size: head.contentLength)
  }

  /// Whether a place that was redirected to may mean by it that its URL is signed for a GET: a
  /// registry would say how one is let in.
  private static func mayBeForGet(_ head: ResponseHead) -> Bool {
    (400..<500).contains(head.status) && ![408, 425, 429].contains(head.status)
      && head.fields["www-authenticate"] == nil
  }
}

/// What the registry itself sent under another digest's name.
struct Misnamed {
  private var digests: Set<Digest> = []
  private var isSaid = false

  /// The most that are remembered.
  private static let most = 64

  /// Notes that something came; whether the very same had come before.
  mutating func came(_ digest: Digest) -> Bool {
    if digests.contains(digest) { return true }
    if digests.count >= Self.most { digests = [] }
    digests.insert(digest)
    return false
  }

  /// Whether its user is to hear of it: once.
  mutating func says() -> Bool {
    defer { isSaid = true }
    return !isSaid
  }
}
