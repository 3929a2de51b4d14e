package import OCI
import Synchronization
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
  /// redirects, those who fetch the blob know from then on where it is. Who refuses the range, in
  /// whatever words, is asked for all of it, once: his word on that counts.
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
    // Of any server: the last one's word is the one that is thrown, and it may be away.
    let mayBeTheRange = Mutex(false)
    do throws(RegistryError) {
      return try await client.retrying({ _ in !mayBeTheRange.withLock { $0 } }) {
        (stalls) async throws(RegistryError) in
        try await self.ask(Question(digest: digest, range: range, expected: expected), stalls) {
          if $0.mayBeTheRange { mayBeTheRange.withLock { $0 = true } }
        }
      }
    } catch {
      guard mayBeTheRange.withLock({ $0 }) else { throw error }
      return try await client.retrying { (stalls) async throws(RegistryError) in
        try await self.ask(Question(digest: digest, range: nil, expected: expected), stalls)
      }
    }
  }

  /// What is asked of a blob.
  private struct Question {
    let digest: Digest
    /// The bytes that are to come; nil: all, which are not taken.
    let range: Range<Int64>?
    /// Its size, where that is known.
    let expected: Int64?

    /// What a mirror that has no answer is not asked for again.
    var key: String { range == nil ? "all of \(digest)" : "size of \(digest)" }

    /// Whether the size of what comes is only seen when it is here.
    func mustBeTaken(_ head: ResponseHead) -> Bool {
      head.isWhole && expected == nil && !PageRule.isPage(head) && !isPart(head)
        && (head.contentLength == nil || head.encoding != nil)
        && head.contentLength ?? 0 <= Int64(RepositoryClient.documentLimit)
    }

    /// Whether a part comes, whatever status it has.
    func isPart(_ head: ResponseHead) -> Bool {
      range.map { BlobVerdict.part(head, wanted: $0) != nil } ?? false
    }
  }

  /// Asks the servers in their order, once each.
  ///
  /// - Parameters:
  ///   - question: what to ask.
  ///   - stalls: how often nobody had answered in time.
  ///   - fails: told what each one said that has no answer.
  private func ask(
    _ question: Question, _ stalls: Int,
    fails: @escaping @Sendable (RegistryError) -> Void = { _ in }
  ) async throws(RegistryError) -> Glimpse {
    let patience = client.headTimeout(stalls: stalls)
    // Who denies a part may give all of it, which is asked for next.
    let subject = question.range == nil ? Subject.blob(question.digest) : nil
    return try await client.failover.first(
      of: endpoints, for: question.key, about: subject, patience: patience
    ) { (endpoint) async throws(RegistryError) in
      do throws(RegistryError) {
        return try await self.client.asking(for: question.digest, at: endpoint) {
          () async throws(RegistryError) in
          try await self.ask(question, at: endpoint, patience)
        }
      } catch {
        fails(error)
        throw error
      }
    }
  }

  private func ask(
    _ question: Question, at endpoint: Endpoint, _ patience: Double
  ) async throws(RegistryError) -> Glimpse {
    var route = try Self.route(to: question.digest, endpoint, client)
    let glimpse = try await route.run(fields: Self.fields) {
      (request, route) async throws(TransferError) -> RequestRoute.Outcome<Glimpse> in
      var request = request
      request.range = question.range
      request.headTimeout = patience
      // Whoever fetches the blob next has a connection to that place, then.
      request.sharesConnection = !route.isElsewhere
      let isTaken = Mutex(false)
      do throws(TransferError) {
        let response = try await self.client.engine.perform(request) { head, _ in
          if question.mustBeTaken(head) {
            isTaken.withLock { $0 = true }
            return .memory(limit: RepositoryClient.documentLimit)
          }
          // Who ignores the range is about to send all of it.
          return head.isWhole && !question.isPart(head)
            ? .refuse : .beginning(limit: RepositoryClient.asideLimit)
        }
        return Self.outcome(response, question)
      } catch {
        guard error.kind == .badResponse, isTaken.withLock({ $0 }) else { throw error }
        return Self.sizeless
      }
    }
    if !glimpse.bytes.isEmpty {
      noteSender(.endpoint(endpoint), of: question.digest, at: route.url)
    }
    await locators[endpoint]?.reportAnswer(question.digest, route.place)
    return glimpse
  }

  /// What an answer says of a blob.
  private static func outcome(
    _ response: TransferResponse, _ question: Question
  ) -> RequestRoute.Outcome<Glimpse> {
    let head = response.head
    let said = head.fields["content-range"]
    if head.status == 416, let size = said.flatMap({ ContentRange.size(in: $0) }) {
      return .content(Glimpse(size: size))
    }
    guard head.isWhole || head.status == 206 else { return .aside(response) }
    if PageRule.isPage(head) {
      return .page(response, else: .refused(.integrity, "sent a page in place of a blob"))
    }
    let isPart = head.status == 206 || question.isPart(head)
    let size =
      isPart
      ? said.flatMap { ContentRange.size(in: $0) } ?? question.expected
      : self.size(ofAll: response, question)
    guard let size else { return sizeless }
    var glimpse = Glimpse(size: size, offset: question.range?.lowerBound ?? 0)
    // What it is not sure to be is asked for again, and so is all of a blob: only hashed bytes may
    // make it whole.
    if let range = question.range, range.count < size, head.encoding == nil,
      let part = BlobVerdict.part(head, wanted: range),
      part.range.lowerBound == range.lowerBound, part.range.upperBound <= range.upperBound,
      part.range.count == response.body.count
    {
      glimpse.bytes = response.body
    }
    return .content(glimpse)
  }

  /// What comes of an answer that may have the blob, of nobody knows which size.
  private static var sizeless: RequestRoute.Outcome<Glimpse> {
    .refused(.protocolError(transient: false), "does not say how large it is")
  }

  /// The size of a blob that an answer has all of; nil: nobody can tell.
  private static func size(ofAll response: TransferResponse, _ question: Question) -> Int64? {
    let (head, length) = (response.head, response.head.contentLength)
    if question.mustBeTaken(head) {
      let content = EncodedBlob.content(
        of: response, question.digest, limit: RepositoryClient.documentLimit)
      return content.map { Int64($0.count) }
    }
    // The length is of what comes, which is more or less than the blob where that is encoded.
    return head.encoding == nil ? length ?? question.expected : question.expected ?? length
  }
}
