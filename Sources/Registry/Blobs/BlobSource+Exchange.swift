import OCI
import Transfer

/// Asking one server for a range, and judging what it sends.
extension BlobSource {
  static let fields = HTTPFields([("Accept-Encoding", "identity")])

  /// Fetches a range from one endpoint, or from where it redirects to.
  func fetch(
    _ given: Request, from endpoint: Endpoint, _ lane: Lane,
    _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    let digest = given.blob.digest
    let locator = locators[endpoint]
    let place = await locator?.place(of: given.blob) ?? .endpoint
    report(.sent)
    let isQuestion = place == .endpointAndReport
    var remembered: RemoteURL?
    if case .elsewhere(let url) = place {
      if given.isSecond || hasLied(url, of: digest) {
        await locator?.forget(digest, ifStillAt: url)
      } else {
        remembered = url
      }
    }
    do throws(RegistryError) {
      var route = try Self.route(to: digest, endpoint, client, remembered: remembered)
      let timing: TransferTiming = try await route.run(
        fields: Self.fields, leaves: { await locator?.forget(digest, ifStillAt: $0) }
      ) { (transfer, route) async throws(TransferError) in
        if isQuestion, route.isElsewhere { await locator?.reportAnswer(digest, route.place) }
        // Whoever asks next for a blob that does not begin to come asks the registry where else it is.
        let late = self.client.time.whenLate {
          Task { await locator?.forget(digest, ifStillAt: transfer.url) }
        }
        defer { late.cancel() }
        return try await self.perform(
          given.rest, as: transfer, sharesConnection: isQuestion && !route.isElsewhere,
          from: .endpoint(endpoint), lane.meter
        ) { event in
          if case .responded = event { late.cancel() }
          report(event)
        }
      }
      note(timing, from: route.url.origin.authority)
      await locator?.reportAnswer(digest, route.place)
      return timing
    } catch {
      // Others may be waiting to hear what came of it.
      if isQuestion { await locator?.reportAnswer(digest, .unknown) }
      throw error
    }
  }

  /// Fetches a range from a URL that the manifest names.
  func fetch(
    _ request: Request, fromForeign text: String, _ meter: ByteMeter,
    _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    let url: RemoteURL
    do throws(TransferError) {
      url = try RemoteURL(text)
    } catch {
      throw RegistryError(.refusedTarget, "the layer URL is refused: \(error)")
    }
    guard let registry = client.endpoints.last.map({ client.ledger.origin(of: $0) }) else {
      throw RegistryError(.notFound, "no server is known")
    }
    try RedirectRule.check(url, from: registry, what: "layer URL")
    var route = try RequestRoute(
      .foreign(url), what: "layer \(request.blob.digest.short)", client: client)
    let timing: TransferTiming = try await route.run(fields: Self.fields) {
      (transfer, _) async throws(TransferError) in
      var transfer = transfer
      transfer.addresses = transfer.url.origin == registry ? .anywhere : .notLinkLocal
      return try await self.perform(
        request, as: transfer, sharesConnection: false, from: .place(text), meter, report)
    }
    note(timing, from: route.url.origin.authority)
    return timing
  }

  /// What came of an answer with content that has ended; some say too late how little they have.
  private func judgeEnd(_ request: Request, _ timing: TransferTiming)
    -> RequestRoute.Outcome<TransferTiming>
  {
    // The window may have got a later end while the last bytes were on their way: that is nobody's fault.
    guard !request.window.isFull, request.window.written < request.range.upperBound else {
      return .content(timing)
    }
    // All that the server has, without a length and ended well: it is less than the manifest says.
    let size = request.blob.size
    if !request.ranged || request.range == 0..<size, timing.bytes < size {
      suspect(request.blob)
      return .refused(.integrity, "\(timing.bytes) bytes came, the manifest says \(size)")
    }
    return .refused(
      .protocolError(transient: true), "the answer ended before the end of its range")
  }

  /// Asks an endpoint for a blob's first byte, only to see whether it redirects.
  static func locate(_ blob: Descriptor, at endpoint: Endpoint, _ client: RepositoryClient) async
    -> BlobLocator.Answer
  {
    do throws(RegistryError) {
      var route = try route(to: blob.digest, endpoint, client)
      return try await route.run(fields: fields) {
        (request, route) async throws(TransferError) -> RequestRoute.Outcome<BlobLocator.Answer> in
        var request = request
        request.range = 0..<1
        // The way to another place has begun: where it ends is seen by who goes it.
        guard !route.isElsewhere else { return .content(route.place) }
        let response = try await client.engine.perform(request) { head, _ in
          // Who ignores the range is about to send all of it.
          head.isWhole ? .refuse : .beginning(limit: RepositoryClient.asideLimit)
        }
        let isThere = response.head.isWhole || [206, 416].contains(response.head.status)
        return isThere ? .content(.here) : .aside(response)
      }
    } catch {
      return .unknown
    }
  }

  static func route(
    to digest: Digest, _ endpoint: Endpoint, _ client: RepositoryClient,
    remembered: RemoteURL? = nil
  ) throws(RegistryError) -> RequestRoute {
    let repository = endpoint.repository(of: client.reference)
    return try RequestRoute(
      .endpoint(endpoint, path: "/\(repository)/blobs/\(digest)", remembered: remembered),
      what: "blob \(digest.short) of \(repository)", client: client)
  }

  /// One HTTP exchange; content goes straight into the window.
  private func perform(
    _ request: Request, as transfer: TransferRequest, sharesConnection: Bool,
    from sender: Sender, _ meter: ByteMeter, _ report: @escaping @Sendable (Event) -> Void
  ) async throws(TransferError) -> RequestRoute.Outcome<TransferTiming> {
    let place = transfer.url
    let reception = BlobReception(
      request, at: place, isSuspect: isSuspect(request.blob), meter)
    var transfer = transfer
    transfer.range = reception.wanted
    transfer.sharesConnection = sharesConnection
    transfer.headTimeout = client.headTimeout(stalls: request.stalls)
    let response: TransferResponse
    do throws(TransferError) {
      response = try await client.engine.perform(transfer) { head, timing in
        reception.decide(head) { isWhole in
          self.noteSender(sender, of: request.blob, at: place)
          report(.responded(timing))
          if isWhole, !(request.range == 0..<request.blob.size) { report(.wholeBody) }
        }
      }
    } catch {
      return .refused(.integrity, try reception.outcome(of: error))
    }
    return try outcome(of: response, to: reception, from: sender, report)
  }

  /// What an answer that has ended comes to.
  private func outcome(
    of response: TransferResponse, to reception: BlobReception, from sender: Sender,
    _ report: @escaping @Sendable (Event) -> Void
  ) throws(TransferError) -> RequestRoute.Outcome<TransferTiming> {
    let request = reception.request
    let judged = reception.judgement(of: response.head)
    if reception.encoded.mayBe(response.head, judged: judged) {
      return try take(
        reception.encoded, response, request, from: sender, at: reception.place, report)
    }
    switch judged {
    case .content, .encoded: return judgeEnd(request, response.timing)
    case .aside: return .aside(response)
    case .refused where PageRule.isPage(response.head):
      suspect(request.blob)
      return .page(response, else: .refused(.integrity, PageRule.words(reception.place)))
    // Whoever encodes unasked does so again: it is not to be waited for.
    case .refused(_, let reason) where response.head.encoding != nil:
      return .refused(.integrity, reason)
    case .refused(let kind, let reason): return .refused(kind, reason)
    }
  }

  /// A blob that came into memory, into its window.
  private func take(
    _ encoded: EncodedBlob, _ response: TransferResponse, _ request: Request,
    from sender: Sender, at place: RemoteURL, _ report: @escaping @Sendable (Event) -> Void
  ) throws(TransferError) -> RequestRoute.Outcome<TransferTiming> {
    let content: [UInt8]
    do throws(RegistryError) {
      content = try encoded.content(of: response)
    } catch {
      return .refused(error.kind, error.message)
    }
    noteSender(sender, of: request.blob, at: place)
    report(.responded(response.timing))
    if request.range != 0..<request.blob.size { report(.wholeBody) }
    let outcome = content.withUnsafeBytes { request.window.accept($0, at: 0) }
    if case .failed(let code) = outcome {
      throw TransferError(.disk(errno: code), "writing failed")
    }
    return .content(response.timing)
  }
}
