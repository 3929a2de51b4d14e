import OCI
import Transfer

/// Who is asked for a range: the endpoints in their order, those of sources that are lent, and other places
/// that a manifest names.
extension BlobSource {
  func fetchFromAnywhere(
    _ request: Request, _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    let places = honestPlaces(of: request.blob)
    // What it has is wrong: layers that it may not distribute it need not have.
    if !places.isEmpty, isLiar(endpoints.last, for: request.blob) {
      return try await fetchForeign(request, places, report)
    }
    let lent = lentEndpoints(request)
    let owners = Dictionary(lent.map { ($0.endpoint, $0.source) }) { first, _ in first }
    let failure: RegistryError
    do throws(RegistryError) {
      return try await client.failover.first(
        of: endpoints, beside: lent.map(\.endpoint), for: request.blob.digest.description,
        about: .blob(request.blob.digest), patience: client.headTimeout(stalls: request.stalls)
      ) { endpoint, lane in
        let source = owners[endpoint] ?? self
        let attempt = await self.attempt(request, lane.meter) { () async throws(RegistryError) in
          try await source.client.asking(for: request.blob.digest, at: endpoint) {
            () async throws(RegistryError) in
            try await source.fetch(request, from: endpoint, lane) { event in
              if case .responded = event { lane.answered() }
              report(event)
            }
          }
        }
        if source !== self, case .success = attempt.result { report(.lent(source)) }
        return attempt
      }
    } catch {
      failure = error
    }
    // Layers that may not be distributed are elsewhere; what the registry says of them varies.
    guard !places.isEmpty, !failure.isFinal else { throw failure }
    do throws(RegistryError) {
      return try await fetchForeign(request, places, report)
    } catch {
      throw error.after([failure.message])
    }
  }

  /// The endpoints of sources that are lent, where they are not this one's, too.
  private func lentEndpoints(_ request: Request) -> [(endpoint: Endpoint, source: BlobSource)] {
    request.lent.flatMap { source in source.endpoints.map { ($0, source) } }
      .filter { !endpoints.contains($0.0) }
  }

  /// What came of asking one server.
  ///
  /// Where some of the range came and then no more, what is left is asked for anew, of a source that is
  /// lent or of anybody, and it is not said that the server is no good.
  private func attempt(
    _ request: Request, _ meter: ByteMeter,
    _ body: () async throws(RegistryError) -> TransferTiming
  ) async -> Attempt<TransferTiming> {
    let before = request.window.written
    do throws(RegistryError) {
      return Attempt(result: .success(try await body()))
    } catch {
      // What came since may be another server's, which is asked at the same time.
      let isUnderWay =
        meter.bytes > 0 && request.window.written > before && error.isBrokenTransfer
      return Attempt(
        result: .failure(error), isFinal: error.isFinal || isUnderWay && request.lent.isEmpty)
    }
  }

  /// Other places that a descriptor names.
  private func fetchForeign(
    _ request: Request, _ places: [String], _ report: @escaping @Sendable (Event) -> Void
  ) async throws(RegistryError) -> TransferTiming {
    var last: RegistryError?
    for text in places {
      let meter = ByteMeter()
      let attempt = await attempt(request, meter) { () async throws(RegistryError) in
        try await self.fetch(request, fromForeign: text, meter, report)
      }
      switch attempt.result {
      case .success(let timing): return timing
      case .failure(let error):
        if attempt.isFinal { throw error }
        last = error
      }
    }
    throw last ?? RegistryError(.notFound, "blob \(request.blob.digest.short) is nowhere to be had")
  }
}
