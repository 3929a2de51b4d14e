import Tuning

/// Links drawn at random, for judging a policy on what nobody tuned it for.
package enum LinkDraw {
  /// Draws links.
  ///
  /// - Parameters:
  ///   - count: how many; every fourth one changes with time, every sixth one punishes many workers.
  ///   - seed: equal seeds draw equal links.
  package static func links(_ count: Int, seed: UInt64) -> [LinkModel] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { link("draw-\(seed)-\($0)", number: $0, &random) }
  }

  private static func link(_ name: String, number: Int, _ random: inout RandomSource) -> LinkModel {
    func between(_ low: Double, _ high: Double) -> Double {
      low * exp(Double.random(in: 0...1, using: &random) * log(high / low))
    }
    func happens(_ chance: Double) -> Bool { Double.random(in: 0..<1, using: &random) < chance }
    let bandwidth = between(2, 1_500) * 125_000
    let roundTrip = between(1, 300) / 1e3
    var link = LinkModel(
      name: name, about: "drawn at random", bandwidth: bandwidth, roundTrip: roundTrip,
      buffer: max(32_768, bandwidth * roundTrip * between(0.1, 4)))
    if happens(0.4) { link.perConnection = bandwidth / between(1.5, 60) }
    if happens(0.25) { link.loss = between(0.0001, 0.01) }
    if happens(0.4) { link.rateNoise = between(0.02, 0.2) }
    link.tlsRoundTrips = happens(0.8) ? (happens(0.8) ? 1 : 2) : 0
    link.tlsSeconds = 0.002
    link.server.redirects = happens(0.4)
    link.server.responseSeconds = happens(0.5) ? between(1, 40) / 1e3 : 0
    if happens(0.15) { link.client.diskRate = bandwidth / between(1.2, 4) }
    if number % 6 == 5 {
      let most = Int(between(4, 40))
      if happens(0.5) {
        link.server.connectionLimit = most
        link.server.retryAfter = happens(0.7) ? 1 : nil
      } else {
        link.server.overloadBeyond = most
        link.server.overloadSlope = between(0.02, 0.1)
      }
      link.perConnection = min(link.perConnection, bandwidth / Double(most) * between(0.7, 1.3))
    } else if number % 4 == 3 {
      change(&link, between, happens)
    }
    return link
  }

  private static func change(
    _ link: inout LinkModel, _ between: (Double, Double) -> Double, _ happens: (Double) -> Bool
  ) {
    if happens(0.4) {
      let from = between(1, 8)
      link.crossTraffic = [
        .init(flows: Int(between(2, 10)), from: from, until: from + between(4, 30))
      ]
      return
    }
    var at = 0.0
    for _ in 0..<3 {
      at += between(2, 14)
      link.changes.append(.init(at: at, bandwidth: link.bandwidth * between(0.3, 1.6)))
    }
  }
}
