import FoundationEssentials
package import OCI
import Synchronization
package import Transfer

/// Fetches byte ranges of one repository's blobs into windows of files.
///
/// Where an endpoint redirects, a `BlobLocator` finds out the places ahead; a place is good for all of a
/// blob's ranges, and asked for again when it has expired.
package final class BlobSource: Sendable {
  /// One range to fetch.
  package struct Request: Sendable {
    /// The blob.
    package var blob: Descriptor
    /// The bytes wanted.
    package var range: Range<Int64>
    /// False asks for the whole blob, because the server does not serve ranges of it.
    package var ranged: Bool
    /// Where the bytes go.
    package var window: FileWindow
    /// How often nothing came of the same bytes for a whole time limit: each time a server may take
    /// longer to begin.
    package var stalls = 0
    /// Whether another request for the same bytes is under way, and late: then a place that was
    /// remembered is where that one went.
    package var isSecond = false
    /// Other sources of the blob, with what each shows to its own registry: their servers are asked after
    /// these, as these are after a mirror.
    package var lent: [BlobSource] = []

    /// Makes a request.
    package init(blob: Descriptor, range: Range<Int64>, ranged: Bool, window: FileWindow) {
      self.blob = blob
      self.range = range
      self.ranged = ranged
      self.window = window
    }

    /// The same without what another server, or an earlier try, has brought of it.
    var rest: Request {
      let begin = window.written
      guard ranged, range.lowerBound < begin, begin < range.upperBound else { return self }
      var rest = self
      rest.range = begin..<range.upperBound
      return rest
    }
  }

  /// What happens to a request.
  package enum Event: Sendable {
    /// It is known where the blob is, and it is asked for.
    case sent
    /// Content begins to arrive.
    case responded(TransferTiming)
    /// The server ignored the range and sends all of the blob.
    case wholeBody
    /// It was brought by a source that was lent.
    case lent(BlobSource)
    /// The window is full, or an error; the last event of a request.
    case ended(Result<TransferTiming, RegistryError>)
  }

  let client: RepositoryClient
  /// Told of each blob that an endpoint gives.
  private let given: @Sendable (Descriptor) -> Void
  let locators: [Endpoint: BlobLocator]
  let endpoints: [Endpoint]
  /// Who sent what, and who lied.
  private let testimony = Mutex(Testimony())

  typealias Sender = Testimony.Sender

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - client: of the repository.
  ///   - blobHost: the host that served the registry's blobs the last time; nil: not known.
  ///   - given: told of each blob of which an endpoint, or the place that it redirects to, begins to
  ///     send bytes, once; not where only another place that the manifest names has it.
  package init(
    client: RepositoryClient, blobHost: String? = nil,
    given: @escaping @Sendable (Descriptor) -> Void = { _ in }
  ) {
    self.client = client
    self.given = given
    endpoints = client.endpoints.filter(\.servesContent)
    var locators: [Endpoint: BlobLocator] = [:]
    for (index, endpoint) in endpoints.enumerated() {
      // `blobHost` was learned from the first endpoint; nothing is known of the others.
      let redirects = index == 0 ? blobHost.map { $0 != endpoint.origin.authority } : nil
      locators[endpoint] = BlobLocator(redirects: redirects, time: client.time) {
        await Self.locate($0, at: endpoint, client)
      }
    }
    self.locators = locators
  }

  /// Says which blobs will be wanted, so that it is known in time where they are.
  ///
  /// - Parameter blobs: in the order in which they are fetched.
  package func expect(_ blobs: [Descriptor]) async {
    for locator in locators.values { await locator.expect(blobs) }
  }

  /// Ends what is still asked ahead of workers that will not come.
  package func close() async {
    for locator in locators.values { await locator.close() }
  }

  /// Bytes that each host served so far, with its port where that is not the scheme's.
  package var servedBytes: [String: Int64] { testimony.withLock { $0.servedBytes } }

  /// The same, which are counted from 0 from now on.
  package func takeServedBytes() -> [String: Int64] { testimony.withLock { $0.takeServed() } }

  /// The hosts that blobs came from so far.
  package var hosts: Set<String> { testimony.withLock { $0.hosts } }

  /// The registry that the repository is in.
  package var registry: String { client.reference.registry }

  /// Who is asked for content, in order: mirrors, and the registry itself.
  package var servers: [String] { endpoints.map(\.origin.authority) }

  /// The token service that the registry named in this run; nil: none.
  package var tokenService: TokenService? {
    get async { await client.tokenService }
  }

  /// What the transfer engine last measured.
  package func engineReadings() -> EngineReadings { client.engine.readings() }

  // MARK: Wrong content

  /// Notes that a blob's bytes have the wrong digest: who sent some of them is not asked for it
  /// again, as long as there are others.
  ///
  /// - Parameter blob: as the manifest gives it.
  /// - Returns: who sent them, and whether others are left that sent none.
  package func blame(_ blob: Descriptor) -> (senders: [String], othersAreLeft: Bool) {
    let (guilty, places, isNews) = testimony.withLock { $0.blame(blob.digest) }
    let mirrors = endpoints.dropLast().filter { guilty.contains(.endpoint($0)) }
    for mirror in mirrors { client.ledger.disprove(mirror, for: blob.digest.description) }
    let othersAreLeft = !mirrors.isEmpty || isNews && !honestPlaces(of: blob).isEmpty
    return (Set(places.map(\.origin.authority)).sorted(), othersAreLeft)
  }

  /// Notes that a blob came in another length than it should have.
  func suspect(_ blob: Descriptor) { testimony.withLock { $0.suspect(blob.digest) } }

  /// Whether a blob arrived wrong before.
  func isSuspect(_ blob: Descriptor) -> Bool { testimony.withLock { $0.isSuspect(blob.digest) } }

  /// The URLs that a manifest names for a blob, without those that sent wrong bytes of it.
  func honestPlaces(of blob: Descriptor) -> [String] {
    testimony.withLock { testimony in
      (blob.urls ?? []).prefix(Self.mostPlaces).filter {
        !testimony.isLiar(.place($0), for: blob.digest)
      }
    }
  }
  private static let mostPlaces = 8

  func isLiar(_ endpoint: Endpoint?, for blob: Descriptor) -> Bool {
    guard let endpoint else { return false }
    return testimony.withLock { $0.isLiar(.endpoint(endpoint), for: blob.digest) }
  }

  /// Whether wrong bytes of a blob came from a place.
  func hasLied(_ place: RemoteURL, of digest: Digest) -> Bool {
    testimony.withLock { $0.hasLied(place, of: digest) }
  }

  func note(_ timing: TransferTiming, from host: String) {
    testimony.withLock { $0.note(timing.bytes, from: host) }
  }

  /// Notes who begins to send a blob that was asked for as somebody's.
  func noteSender(_ sender: Sender, of blob: Descriptor, at place: RemoteURL) {
    let isNews = noteSender(sender, of: blob.digest, at: place)
    if isNews, case .endpoint = sender { given(blob) }
  }

  /// Notes who sends something; whether it was not known of that sender.
  @discardableResult
  func noteSender(_ sender: Sender, of digest: Digest, at place: RemoteURL) -> Bool {
    testimony.withLock { $0.note(sender, of: digest, at: place) }
  }

  // MARK: Fetching

  /// Fetches a range; returns when it ended.
  ///
  /// - Parameters:
  ///   - request: what to fetch; cancelling the task ends it.
  ///   - report: told what happens, on any thread; `ended` comes last.
  package func fetch(_ request: Request, report: @escaping @Sendable (Event) -> Void) async {
    do throws(RegistryError) {
      report(.ended(.success(try await fetchFromAnywhere(request, report))))
    } catch {
      report(.ended(.failure(error)))
    }
  }

  /// Fetches a range, and what is missing of it again where that may help, as documents are.
  ///
  /// - Parameters:
  ///   - request: what to fetch; cancelling the task ends it.
  ///   - report: told what happens, on any thread; `ended` is not among it.
  /// - Throws: why not all of it came.
  package func fetchAll(
    _ request: Request, report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) {
    try await client.retrying { stalls throws(RegistryError) in
      var request = request.rest
      request.stalls = stalls
      _ = try await fetchFromAnywhere(request, report)
      guard request.window.isFull else {
        throw RegistryError(
          .protocolError(transient: true), "\(request.blob.digest.short) broke off")
      }
    }
  }
}
