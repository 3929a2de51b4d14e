package import OCI
import Transfer

extension RepositoryClient {
  /// What the reference names, by the word of the first server that answers for it.
  ///
  /// That is one HEAD, which Docker Hub for one does not count as a pull.
  ///
  /// - Returns: nil where no such word is good enough, and the document itself has to tell: no
  ///   usable `Docker-Content-Digest`, another type than a manifest's, another digest than was
  ///   asked for, or a failure.
  /// - Throws: `RegistryError` where nobody answered in time, and is to be asked but once.
  package func announcedDigest() async throws(RegistryError) -> Digest? {
    // Who does not answer a HEAD for it may have it all the same.
    let name: DocumentName =
      reference.digest.map { .digest($0, size: nil) } ?? .tag(reference.manifestSelector)
    do throws(RegistryError) {
      return try await announcement(name)?.digest
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
      of: asked, for: "HEAD \(name.selector)", patience: patience
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
