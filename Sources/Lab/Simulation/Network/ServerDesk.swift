/// A server's side of a link: which requests it is busy with, and what it gives them.
struct ServerDesk {
  /// Requests that it is busy with.
  private(set) var served = 0

  /// Takes a request that has arrived; false where it serves as many as it does at a time.
  mutating func take(_ flow: inout Flow, _ model: LinkModel) -> Bool {
    flow.arrivesAt = nil
    guard served < model.server.connectionLimit ?? .max else { return false }
    flow.isServed = true
    served += 1
    return true
  }

  /// A request is over, answered or not.
  mutating func end(_ flow: inout Flow) {
    if flow.isServed { served -= 1 }
    flow.isServed = false
    flow.arrivesAt = nil
    flow.delivered = 0
  }

  /// Bytes per second that it gives a connection now.
  ///
  /// - Parameters:
  ///   - now: the end of the step.
  ///   - seconds: since the connection's data began, or since the step before.
  func allows(_ flow: Flow, _ model: LinkModel, at now: Double, in seconds: Double) -> Double {
    guard model.perConnectionBySecond, flow.client >= 0 else { return model.perConnection }
    let whole = (now - flow.countedFrom).rounded(.down) + 1
    return max(0, model.perConnection * whole - flow.counted) / seconds
  }

  /// Bytes per second that it sends to all clients together.
  func rate(_ model: LinkModel) -> Double {
    let server = model.server
    guard let beyond = server.overloadBeyond, served > beyond else { return server.rate }
    let peak = min(server.rate, model.bandwidth, Double(beyond) * model.perConnection)
    return peak / (1 + server.overloadSlope * Double(served - beyond))
  }
}
