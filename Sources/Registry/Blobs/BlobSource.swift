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
    /// The window is full, or an error; the last event of a request.
    case ended(Result<TransferTiming, RegistryError>)
  }

  let client: RepositoryClient
  /// Told of each blob that an endpoint gives.
  private let given: @Sendable (Descriptor) -> Void
  let locators: [Endpoint: BlobLocator]
  let endpoints: [Endpoint]
  private let served = Mutex<[String: Int64]>([:])
  /// Whoever began to send a blob.
  private let sendingHosts = Mutex<Set<String>>([])
  /// Who sent bytes of a blob, for when its digest turns out to be wrong; and from where.
  private let senders = Mutex<[Digest: [Sender: Set<RemoteURL>]]>([:])
  /// Who sent wrong bytes of a blob; of mirrors the ledger knows it, too.
  private let liars = Mutex<[Digest: Set<Sender>]>([:])
  /// Where wrong bytes of a blob came from.
  private let liedPlaces = Mutex<[Digest: Set<RemoteURL>]>([:])
  /// Blobs that came in another length than they should have: something on the way may have changed them.
  private let suspects = Mutex<Set<Digest>>([])

  /// Who can send bytes of a blob.
  enum Sender: Hashable {
    case endpoint(Endpoint)
    /// A URL that the manifest names.
    case place(String)
  }

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
  package var servedBytes: [String: Int64] { served.withLock { $0 } }

  /// The same, which are counted from 0 from now on.
  package func takeServedBytes() -> [String: Int64] {
    served.withLock { served in
      defer { served = [:] }
      return served
    }
  }

  /// The hosts that blobs came from so far.
  package var hosts: Set<String> { sendingHosts.withLock { $0 } }

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
    suspect(blob)
    let guilty = senders.withLock { $0.removeValue(forKey: blob.digest) } ?? [:]
    let places = guilty.values.reduce(into: Set()) { $0.formUnion($1) }
    liedPlaces.withLock { $0[blob.digest, default: []].formUnion(places) }
    let mirrors = endpoints.dropLast().filter { guilty[.endpoint($0)] != nil }
    for mirror in mirrors { client.ledger.disprove(mirror, for: blob.digest.description) }
    let isNews = liars.withLock {
      let before = $0[blob.digest, default: []].count
      $0[blob.digest, default: []].formUnion(guilty.keys)
      return $0[blob.digest, default: []].count > before
    }
    let othersAreLeft = !mirrors.isEmpty || isNews && !honestPlaces(of: blob).isEmpty
    return (Set(places.map(\.origin.authority)).sorted(), othersAreLeft)
  }

  /// Notes that a blob came in another length than it should have.
  func suspect(_ blob: Descriptor) { suspects.withLock { _ = $0.insert(blob.digest) } }

  /// Whether a blob arrived wrong before.
  func isSuspect(_ blob: Descriptor) -> Bool { suspects.withLock { $0.contains(blob.digest) } }

  /// The URLs that a manifest names for a blob, without those that sent wrong bytes of it.
  func honestPlaces(of blob: Descriptor) -> [String] {
    let liars = liars.withLock { $0[blob.digest] ?? [] }
    return (blob.urls ?? []).prefix(Self.mostPlaces).filter { !liars.contains(.place($0)) }
  }
  private static let mostPlaces = 8

  func isLiar(_ endpoint: Endpoint?, for blob: Descriptor) -> Bool {
    guard let endpoint else { return false }
    return liars.withLock { $0[blob.digest]?.contains(.endpoint(endpoint)) ?? false }
  }

  /// Whether wrong bytes of a blob came from a place.
  func hasLied(_ place: RemoteURL, of digest: Digest) -> Bool {
    liedPlaces.withLock { $0[digest]?.contains(place) ?? false }
  }

  func note(_ timing: TransferTiming, of digest: Digest, from host: String) {
    served.withLock { $0[host, default: 0] += timing.bytes }
  }

  /// Notes who begins to send a blob that was asked for as somebody's.
  func noteSender(_ sender: Sender, of blob: Descriptor, at place: RemoteURL) {
    let isNews = noteSender(sender, of: blob.digest, at: place)
    if isNews, case .endpoint = sender { given(blob) }
  }

  /// Notes who sends something; whether it was not known of that sender.
  @discardableResult
  func noteSender(_ sender: Sender, of digest: Digest, at place: RemoteURL) -> Bool {
    sendingHosts.withLock { _ = $0.insert(place.origin.authority) }
    return senders.withLock {
      let isNews = $0[digest]?[sender] == nil
      $0[digest, default: [:]][sender, default: []].insert(place)
      return isNews
    }
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
}
