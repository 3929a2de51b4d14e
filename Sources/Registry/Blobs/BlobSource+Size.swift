package import OCI
import Transfer

/// Blobs of which nothing but the digest is known.
extension BlobSource {
  /// What the answer to the question for a blob's size brought.
  package struct Glimpse: Sendable {
    /// Its size in bytes.
    package var size: Int64
    /// Bytes of it, not hashed, that came with the answer; none where they did not.
    package var bytes: [UInt8]
    /// Where those begin.
    package var offset: Int64

    /// Makes one.
    ///
    /// - Parameters:
    ///   - size: of the blob, in bytes.
    ///   - bytes: of it.
    ///   - offset: where those begin.
    package init(size: Int64, bytes: [UInt8] = [], offset: Int64 = 0) {
      (self.size, self.bytes, self.offset) = (size, bytes, offset)
    }
  }

  /// Asks whether a blob may be had, and how large it is: with a request for some of its bytes,
  /// which come with the answer.
  ///
  /// Not by HEAD: places that a registry redirects to have signed a GET. Where the registry
  /// redirects, those who fetch the blob know from then on where it is.
  ///
  /// - Parameters:
  ///   - digest: its digest.
  ///   - offset: of the first byte that is asked for.
  ///   - count: of how many bytes are asked for, at least 1; what fits the first packets of an
  ///     answer takes no longer than one.
  ///   - expected: its size by a manifest of the repository, for registries that do not say it;
  ///     nil: not known.
  /// - Returns: its size, and what came of the bytes.
  /// - Throws: `RegistryError`; `notFound` and `unauthorised` are the registry's word.
  package func glimpse(
    of digest: Digest, from offset: Int64 = 0, count: Int64 = 1, expecting expected: Int64? = nil
  ) async throws(RegistryError) -> Glimpse {
    let offset = min(max(0, offset), .max / 2)
    let range = offset..<(offset + min(max(1, count), Int64(RepositoryClient.asideLimit)))
    let answer = try await client.retrying { (stalls) async throws(RegistryError) in
      let patience = self.client.headTimeout(stalls: stalls)
      return try await self.client.failover.first(
        of: self.endpoints, for: "size of \(digest)", patience: patience
      ) { (endpoint) async throws(RegistryError) in
        try await self.glimpse(of: digest, range, expected, at: endpoint, patience)
      }
    }
    // Who only says that it has fewer bytes than that says of the first how many.
    return if let answer { answer } else { try await glimpse(of: digest, expecting: expected) }
  }

  private func glimpse(
    of digest: Digest, _ range: Range<Int64>, _ expected: Int64?, at endpoint: Endpoint,
    _ patience: Double
  ) async throws(RegistryError) -> Glimpse? {
    var route = try Self.route(to: digest, endpoint, client)
    let glimpse = try await route.run(fields: Self.fields) {
      (request, route) async throws(TransferError) -> RequestRoute.Outcome<Glimpse?> in
      var request = request
      request.range = range
      request.headTimeout = patience
      // Whoever fetches the blob next has a connection to that place, then.
      request.sharesConnection = !route.isElsewhere
      let response = try await self.client.engine.perform(request) { head, _ in
        // Who ignores the range is about to send all of it.
        head.isWhole ? .refuse : .beginning(limit: RepositoryClient.asideLimit)
      }
      return Self.outcome(response, range, expected)
    }
    if let glimpse, !glimpse.bytes.isEmpty {
      noteSender(.endpoint(endpoint), of: digest, at: route.url)
    }
    await locators[endpoint]?.reportAnswer(digest, route.place)
    return glimpse
  }

  /// What an answer says of a blob; nil: that it does not go so far.
  private static func outcome(
    _ response: TransferResponse, _ range: Range<Int64>, _ expected: Int64?
  ) -> RequestRoute.Outcome<Glimpse?> {
    let head = response.head
    let isRange = head.status == 206 || head.status == 416
    guard head.isWhole || isRange else { return .aside(response) }
    if PageRule.isPage(head) {
      return .page(response, else: .refused(.integrity, "sent a page in place of a blob"))
    }
    let said = head.fields["content-range"]
    let size = isRange ? said.flatMap { ContentRange.size(in: $0) } : head.contentLength
    guard let size else {
      if head.status == 416, range.lowerBound > 0 { return .content(nil) }
      if head.isWhole, let expected { return .content(Glimpse(size: expected)) }
      return .refused(.protocolError(transient: false), "does not say how large it is")
    }
    var glimpse = Glimpse(size: size, offset: range.lowerBound)
    // What it is not sure to be is asked for again, and so is all of a blob: only hashed bytes may
    // make it whole.
    if range.count < size,
      head.status == 206, head.encoding == nil, let said, let part = ContentRange(said),
      part.range.lowerBound == range.lowerBound, part.range.upperBound <= range.upperBound,
      part.range.count == response.body.count
    {
      glimpse.bytes = response.body
    }
    return .content(glimpse)
  }
}
