import FoundationEssentials
public import OCI
import Synchronization
public import Transfer

/// Fetches byte ranges of one repository's blobs into windows of files.
///
/// The place where a redirect led is remembered for the blob's other ranges, and asked for again when
/// it has expired.
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
    /// Content begins to arrive.
    case responded(TransferTiming)
    /// The server ignored the range and sends all of the blob.
    case wholeBody
    /// The window is full, or an error; the last event of a request.
    case ended(Result<TransferTiming, RegistryError>)
  }

  private let client: RepositoryClient
  private let locations = Mutex<[Digest: RemoteURL]>([:])
  private let served = Mutex<[String: Int64]>([:])

  /// Makes a source.
  ///
  /// - Parameter client: of the repository.
  public init(client: RepositoryClient) { self.client = client }

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
    let digest = request.blob.digest
    var walk = try Walk(
      endpoint: endpoint, path: "/\(client.reference.repository)/blobs/\(digest)", client: client,
      remembered: locations.withLock { $0[digest] })
    while true {
      let fields = try await walk.fields(adding: HTTPFields([("Accept-Encoding", "identity")]))
      let outcome: Outcome
      do throws(TransferError) {
        outcome = try await perform(request, at: walk.url, fields, report)
      } catch {
        locations.withLock { $0[digest] = nil }
        try walk.recover(from: error)
        continue
      }
      switch outcome {
      case .content(let timing):
        served.withLock { $0[walk.url.origin.authority, default: 0] += timing.bytes }
        if walk.isElsewhere { locations.withLock { $0[digest] = walk.url } }
        return timing
      case .refused(let kind, let reason):
        throw RegistryError(kind, "\(walk.url.origin.authority), blob \(digest.short): \(reason)")
      case .aside(let response):
        locations.withLock { $0[digest] = nil }
        try await walk.follow(
          response, what: "blob \(digest.short) of \(client.reference.repository)")
      }
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
    var url: RemoteURL
    do throws(TransferError) {
      url = try RemoteURL(text)
    } catch {
      throw RegistryError(.refusedTarget, "the layer URL is refused: \(error)")
    }
    try RedirectRule.check(url, from: source, what: "layer URL")
    for _ in 0..<RedirectRule.limit {
      let outcome: Outcome
      do throws(TransferError) {
        outcome = try await perform(
          request, at: url, HTTPFields([("Accept-Encoding", "identity")]), report)
      } catch {
        throw .transfer(error, from: url.origin)
      }
      switch outcome {
      case .content(let timing): return timing
      case .refused(let kind, let reason):
        throw RegistryError(kind, "\(url.origin.authority), \(reason)")
      case .aside(let response) where RedirectRule.isRedirect(response.head.status):
        url = try RedirectRule.target(response.head, of: url)
      case .aside(let response):
        throw ResponseJudge.error(
          response, what: "layer \(request.blob.digest.short)", origin: url.origin,
          now: Date().timeIntervalSince1970)
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
    _ request: Request, at url: RemoteURL, _ fields: HTTPFields,
    _ report: @escaping @Sendable (Event) -> Void
  ) async throws(TransferError) -> Outcome {
    let isAll = !request.ranged || request.range == 0..<request.blob.size
    let wanted = isAll ? nil : request.range
    let size = request.blob.size
    let window = request.window
    let response = try await engine.perform(
      TransferRequest(.get, url, fields: fields, range: wanted)
    ) { head, timing in
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
