import Scheduling
import Tuning

/// Requests, as a scheduler has them made.
extension SimulatedClient {
  func complete(_ blob: BlobID) { end(blob) }

  func giveUp(_ blob: BlobID, after request: RequestID) { end(blob) }

  func sampled(_ sample: Sample, _ decision: PoolDecision) {
    recorder.observe(sample, decision)
    if keepsTrace { trace.append(TraceStep(sample: sample, decision: decision)) }
  }

  func open(_ fetch: Fetch) -> Window? {
    Window(
      position: Double(fetch.range.lowerBound), end: Double(fetch.range.upperBound),
      reported: fetch.range.lowerBound)
  }

  func shorten(_ window: inout Window, to offset: Int64) -> Int64? {
    guard window.position < Double(offset) else { return Int64(window.position) }
    window.end = Double(offset)
    return nil
  }

  func extend(_ window: inout Window, to end: Int64) { window.end = Double(end) }

  func start(_ fetch: Fetch, in window: Window) {
    let now = at
    tally.requests += 1
    var connect: Double?
    let flow: Int
    if let free = idle.popLast() {
      flow = free
    } else {
      let opened = network.link.open(client: index, now: now)
      connect = opened.connectSeconds
      flow = opened.flow
    }
    // Later blobs are located ahead of the workers.
    let isFirst = now - startedAt < network.link.model.roundTrip
    let isRedirected =
      network.link.model.server.redirects && isFirst && located.insert(fetch.blob).inserted
    let sentAt = now + (connect ?? 0)
    let firstByte = network.link.request(flow, sentAt: sentAt, redirected: isRedirected)
    flights.append(
      Flight(
        request: fetch.request, segment: fetch.segment, flow: flow,
        offset: Double(fetch.range.lowerBound), responseEnd: Double(fetch.range.upperBound),
        noticedAt: network.link.noisy(firstByte),
        connectSeconds: connect.map { network.link.noisy($0) },
        losses: network.link.flows[flow].losses))
  }

  func stop(_ request: RequestID) {
    guard let index = flights.firstIndex(where: { $0.request == request }) else { return }
    retire(flights.remove(at: index), isReusable: false, at: at)
  }

  func close(_ window: Window, of segment: SegmentID) {}
}
