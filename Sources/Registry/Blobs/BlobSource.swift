import FoundationEssentials
public import OCI
import Synchronization
public import Transfer

/// Fetches byte ranges of one repository's blobs into windows of files.
///
/// Where an endpoint redirects, a `BlobLocator` finds out the places ahead; a place is good for all of a
/// blob's ranges, and asked for again when it has expired.
public final class BlobSource: Sendable {
  /// One range to fetch.
  public struct Request: Sendable {
    /// The blob.
    public var blob: Descriptor
    /// The bytes wanted.
    public var range: Range<Int64>
    /// False asks for the whole blob, because the server does not serve ranges of it.
    public var ranged: Bool
    /// Where the bytes go.
    public var window: FileWindow

    /// Makes a request.
    public init(blob: Descriptor, range: Range<Int64>, ranged: Bool, window: FileWindow) {
      self.blob = blob
      self.range = range
      self.ranged = ranged
      self.window = window
    }
  }

  /// What happens to a request.
  public enum Event: Sendable {
    /// It is known where the blob is, and it is asked for.
    case sent
    /// Content begins to arrive.
    case responded(TransferTiming)
    /// The server ignored the range and sends all of the blob.
    case wholeBody
    /// The window is full, or an error; the last event of a request.
    case ended(Result<TransferTiming, RegistryError>)
  }

  private let client: RepositoryClient
  private let locators: [Endpoint: BlobLocator]
  private let served = Mutex<[String: Int64]>([:])

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - client: of the repository.
  ///   - blobHost: the host that served the registry's blobs the last time; nil: not known.
  public init(client: RepositoryClient, blobHost: String? = nil) {
    self.client = client
    var locators: [Endpoint: BlobLocator] = [:]
    let endpoints = client.endpoints.filter(\.servesContent)
    for endpoint in endpoints {
      // Who answers first is who did the last time; of the others nothing is known.
      let redirects =
        endpoint == endpoints[0] ? blobHost.map { $0 != endpoint.origin.authority } : nil
      locators[endpoint] = BlobLocator(redirects: redirects) {
        await Self.place(of: $0, endpoint, client)
      }
    }
    self.locators = locators
  }

  /// Says which blobs will be wanted, so that it is known in time where they are.
  ///
  /// - Parameter blobs: in the order in which they are fetched.
  public func expect(_ blobs: [Descriptor]) async {
    for locator in locators.values { await locator.expect(blobs) }
  }

  /// Ends what is still asked ahead of workers that will not come.
  public func close() async {
    for locator in locators.values { await locator.close() }
  }

  /// The host that served most bytes so far, with its port where that is not the scheme's; nil: none.
  public var busiestHost: String? {
    served.withLock { $0.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key }
  }

  /// What the transfer engine last measured.
  public func engineReadings() -> EngineReadings { engine.readings() }

  /// Fetches a range; returns when it ended.
  ///
  /// - Parameters:
  ///   - request: what to fetch; cancelling the task ends it.
  ///   - report: told what happens, on any thread; `ended` comes last.
  public func fetch(_ request: Request, report: @escaping @Sendable (Event) -> Void) async {
    do throws(RegistryError) {
      let timing = try await fetchFromAnywhere(request, report)
      guard request.window.isFull else {
        throw RegistryError(
          .protocolError(transient: true), "the answer ended before the end of its range")
      }
      report(.ended(.success(timing)))
    } catch {
      report(.ended(.failure(error)))
    }
  }

  private func fetchFromAnywhere(
    _ request: Request, _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    var last: RegistryError?
    let endpoints = client.memory.alive(client.endpoints.filter(\.servesContent))
    for (index, endpoint) in endpoints.enumerated() {
      do throws(RegistryError) {
        return try await exchange(request, endpoint, report)
      } catch {
        last = error
        guard index < endpoints.count - 1, Self.isMirrorsFault(error) else { break }
        if error.isDeadServer { client.memory.noteDead(endpoint) }
        client.notify("mirror \(endpoint.origin): \(error); trying the next")
      }
    }
    let failure = last ?? RegistryError(.notFound, "no server is known")
    guard failure.kind == .notFound, let urls = request.blob.urls, !urls.isEmpty else {
      throw failure
    }
    return try await fetchForeign(request, urls, report)
  }

  private static func isMirrorsFault(_ error: RegistryError) -> Bool {
    switch error.kind {
    case .transfer(let cause): cause.kind != .cancelled && !cause.isDisk
    case .notFound, .unauthorised, .protocolError, .refusedTarget, .overloaded, .rangeRefused,
      .integrity:
      true
    }
  }

  private func exchange(
    _ request: Request, _ endpoint: Endpoint, _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    let place = await locators[endpoint]?.place(of: request.blob) ?? .endpoint
    report(.sent)
    do throws(RegistryError) {
      return try await exchange(request, endpoint, place, report)
    } catch {
      // Others may be waiting to hear what came of it.
      if place == .question { await learn(request.blob.digest, .unknown, of: endpoint) }
      throw error
    }
  }

  private func learn(_ digest: Digest, _ answer: BlobLocator.Answer, of endpoint: Endpoint) async {
    await locators[endpoint]?.learn(digest, answer)
  }

  private func exchange(
    _ request: Request, _ endpoint: Endpoint, _ place: BlobLocator.Place,
    _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    let digest = request.blob.digest
    let locator = locators[endpoint]
    var remembered: RemoteURL?
    if case .elsewhere(let url) = place { remembered = url }
    var walk = try Self.walk(to: digest, endpoint, client, remembered: remembered)
    while true {
      let fields = try await walk.fields(adding: HTTPFields([("Accept-Encoding", "identity")]))
      let outcome: Outcome
      do throws(TransferError) {
        outcome = try await perform(
          request,
          as: walk.request(
            fields: fields, sharesConnection: place == .question && !walk.isElsewhere), report)
      } catch {
        if error.kind != .cancelled, !error.isDisk {
          await locator?.forget(digest, ifStillAt: walk.url)
        }
        try walk.recover(from: error)
        continue
      }
      switch outcome {
      case .content(let timing):
        served.withLock { $0[walk.url.origin.authority, default: 0] += timing.bytes }
        await learn(digest, walk.place, of: endpoint)
        return timing
      case .refused(let kind, let reason):
        throw RegistryError(kind, "\(walk.url.origin.authority), blob \(digest.short): \(reason)")
      case .aside(let response):
        await locator?.forget(digest, ifStillAt: walk.url)
        try await walk.follow(response)
        if place == .question, walk.isElsewhere {
          await learn(digest, walk.place, of: endpoint)
        }
      }
    }
  }

  private static func walk(
    to digest: Digest, _ endpoint: Endpoint, _ client: RepositoryClient,
    remembered: RemoteURL? = nil
  ) throws(RegistryError) -> Walk {
    let repository = client.reference.repository
    return try Walk(
      endpoint: endpoint, path: "/\(repository)/blobs/\(digest)",
      what: "blob \(digest.short) of \(repository)", client: client, remembered: remembered)
  }

  /// Asks an endpoint for a blob's first byte, only to see whether it redirects.
  private static func place(
    of blob: Descriptor, _ endpoint: Endpoint, _ client: RepositoryClient
  ) async -> BlobLocator.Answer {
    do throws(RegistryError) {
      var walk = try walk(to: blob.digest, endpoint, client)
      while true {
        let fields = try await walk.fields(adding: HTTPFields([("Accept-Encoding", "identity")]))
        let request = walk.request(fields: fields, range: 0..<1)
        let response: TransferResponse
        do throws(TransferError) {
          response = try await client.engine.perform(request) { head, _ in
            // Who ignores the range is about to send all of it.
            head.status == 200 ? .refuse : .memory(limit: RepositoryClient.asideLimit)
          }
        } catch {
          try walk.recover(from: error)
          continue
        }
        if RedirectRule.isRedirect(response.head.status) {
          return .elsewhere(try RedirectRule.target(response.head, of: walk.url))
        }
        if [200, 206, 416].contains(response.head.status) { return .here }
        try await walk.follow(response)
      }
    } catch {
      return .unknown
    }
  }

  /// Other places that a descriptor names; never with credentials (CVE-2020-15157).
  private func fetchForeign(
    _ request: Request, _ urls: [String], _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    var last: RegistryError?
    let source = client.memory.origin(of: client.endpoints[client.endpoints.count - 1])
    for text in urls.prefix(8) {
      do throws(RegistryError) {
        return try await fetchForeign(request, text, from: source, report)
      } catch {
        last = error
      }
    }
    throw last ?? RegistryError(.notFound, "blob \(request.blob.digest.short) is nowhere to be had")
  }

  private func fetchForeign(
    _ request: Request, _ text: String, from source: RemoteURL.Origin,
    _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    let what = "layer \(request.blob.digest.short)"
    var url: RemoteURL
    do throws(TransferError) {
      url = try RemoteURL(text)
    } catch {
      throw RegistryError(.refusedTarget, "the layer URL is refused: \(error)")
    }
    try RedirectRule.check(url, from: source, what: "layer URL")
    for _ in 0..<RedirectRule.limit {
      var transfer = TransferRequest(
        .get, url, fields: HTTPFields([("Accept-Encoding", "identity")]))
      transfer.mayReachLinkLocal = url.origin == source
      let outcome: Outcome
      do throws(TransferError) {
        outcome = try await perform(request, as: transfer, report)
      } catch {
        throw .transfer(error, from: url.origin, fetching: what)
      }
      switch outcome {
      case .content(let timing): return timing
      case .refused(let kind, let reason):
        throw RegistryError(kind, "\(url.origin.authority), \(reason)")
      case .aside(let response) where RedirectRule.isRedirect(response.head.status):
        url = try RedirectRule.target(response.head, of: url)
      case .aside(let response):
        throw ResponseJudge.error(
          response, what: what, origin: url.origin,
          hiding: Secrets(url: url), now: Date().timeIntervalSince1970)
      }
    }
    throw RegistryError(
      .protocolError(transient: false), "\(url.origin.authority) redirects in a circle")
  }

  private enum Outcome {
    case content(TransferTiming)
    case aside(TransferResponse)
    case refused(RegistryError.Kind, String)
  }

  /// One HTTP exchange; content goes straight into the window.
  private func perform(
    _ request: Request, as transfer: TransferRequest,
    _ report: @escaping @Sendable (Event) -> Void
  ) async throws(TransferError) -> Outcome {
    let isAll = !request.ranged || request.range == 0..<request.blob.size
    let wanted = isAll ? nil : request.range
    let size = request.blob.size
    let window = request.window
    var transfer = transfer
    transfer.range = wanted
    let response = try await engine.perform(transfer) { head, timing in
      switch BlobJudge.judge(head, wanted: wanted, size: size) {
      case .content(let offset, let isWhole):
        report(.responded(timing))
        if isWhole, !(request.range == 0..<size) { report(.wholeBody) }
        return .window(window, offset: offset)
      case .aside: return .memory(limit: RepositoryClient.asideLimit)
      case .refused: return .refuse
      }
    }
    switch BlobJudge.judge(response.head, wanted: wanted, size: size) {
    case .content: return .content(response.timing)
    case .aside: return .aside(response)
    case .refused(let kind, let reason): return .refused(kind, reason)
    }
  }

  private var engine: any TransferEngine { client.engine }
}

extension TransferError {
  /// True where this machine's disk failed, which no other server can mend.
  fileprivate var isDisk: Bool {
    if case .disk = kind { true } else { false }
  }
}
