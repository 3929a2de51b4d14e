public import OCI
import Transfer

extension RepositoryClient {
  /// What the reference names, by the word of the first server that answers for it.
  ///
  /// That is one HEAD, which Docker Hub for one does not count as a pull.
  ///
  /// - Returns: nil where no such word is good enough, and the document itself has to tell: no usable
  ///   `Docker-Content-Digest`, another type than a manifest's, another digest than was asked for, or a failure.
  public func announcedDigest() async -> Digest? {
    let name = reference.manifestSelector
    let asked = endpoints.filter {
      reference.digest == nil ? $0.resolvesTags : $0.servesContent
    }
    let patience = headTimeout(stalls: 0)
    // Who does not answer a HEAD for it may have it all the same.
    let found = try? await failover.first(of: asked, for: "HEAD \(name)", patience: patience) {
      (endpoint, answered) -> Attempt<Digest?> in
      do throws(RegistryError) {
        let digest = try await self.head(endpoint, name, patience)
        answered()
        return Attempt(result: .success(digest))
      } catch {
        return Attempt(result: .failure(error), isFinal: error.isFinal)
      }
    }
    guard let digest = found ?? nil, reference.digest == nil || reference.digest == digest
    else { return nil }
    return digest
  }

  private func head(
    _ endpoint: Endpoint, _ name: String, _ patience: Double
  ) async throws(RegistryError) -> Digest? {
    let path = "/\(endpoint.repository(of: reference))/manifests/\(name)"
    var route = try RequestRoute(
      .endpoint(endpoint, path: path, remembered: nil), what: "manifest \(name)", client: self)
    route.method = .head
    let engine = engine
    let head: ResponseHead = try await route.run(fields: Self.acceptedManifests) {
      (request, _) async throws(TransferError) in
      var request = request
      request.headTimeout = patience
      let response = try await engine.perform(request) { _, _ in
        .beginning(limit: Self.asideLimit)
      }
      return response.head.isWhole ? .content(response.head) : .aside(response)
    }
    let type = head.fields["content-type"].map { MediaType(rawValue: $0) }
    guard let type, type.isIndex || type.isManifest else { return nil }
    return head.fields["docker-content-digest"].flatMap { try? Digest($0) }
  }
}
