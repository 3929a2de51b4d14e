public import OCI
import Transfer

/// Blobs of which nothing but the digest is known.
extension BlobSource {
  /// Asks whether a blob may be had, and how large it is: with a request for its first byte.
  ///
  /// Not by HEAD: places that a registry redirects to have signed a GET.
  ///
  /// - Parameter digest: its digest.
  /// - Returns: its size in bytes.
  /// - Throws: `RegistryError`; `notFound` and `unauthorised` are the registry's word.
  public func size(of digest: Digest) async throws(RegistryError) -> Int64 {
    try await client.retrying { (stalls) async throws(RegistryError) in
      let patience = self.client.headTimeout(stalls: stalls)
      return try await self.client.failover.first(
        of: self.endpoints, for: "size of \(digest)", patience: patience
      ) { (endpoint) async throws(RegistryError) in
        try await self.size(of: digest, at: endpoint, patience)
      }
    }
  }

  private func size(
    of digest: Digest, at endpoint: Endpoint, _ patience: Double
  ) async throws(RegistryError) -> Int64 {
    var route = try Self.route(to: digest, endpoint, client)
    return try await route.run(fields: Self.fields) {
      (request, _) async throws(TransferError) -> RequestRoute.Outcome<Int64> in
      var request = request
      request.range = 0..<1
      request.headTimeout = patience
      let response = try await self.client.engine.perform(request) { head, _ in
        // Who ignores the range is about to send all of it.
        head.isWhole ? .refuse : .beginning(limit: RepositoryClient.asideLimit)
      }
      let head = response.head
      let isRange = head.status == 206 || head.status == 416
      guard head.isWhole || isRange else { return .aside(response) }
      if PageRule.isPage(head) {
        return .page(response, else: .refused(.integrity, "sent a page in place of a blob"))
      }
      let said = head.fields["content-range"]
      let size = isRange ? said.flatMap { ContentRange.size(in: $0) } : head.contentLength
      if let size { return .content(size) }
      return .refused(.protocolError(transient: false), "does not say how large it is")
    }
  }
}
