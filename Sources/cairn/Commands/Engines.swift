import CurlTransfer
import Transfer

/// The engines of a run: one for all registries that are reached in the same way.
struct Engines: Sendable {
  private let engines: [String: CurlEngine]
  private let first: CurlEngine

  /// - Parameters:
  ///   - options: how each registry is reached.
  ///   - rateLimit: bytes a second for all together; where there are several engines, each has an equal part of it.
  /// - Throws: `CommandFailure`.
  init(_ options: [String: RegistryOptions], rateLimit: Double?) throws {
    var made: [(settings: TransferSettings, engine: CurlEngine)] = []
    var engines: [String: CurlEngine] = [:]
    let ways = options.values.map(\.transferSettings)
    let count = ways.enumerated().count { index, way in !ways[..<index].contains(way) }
    for (registry, own) in options.sorted(by: { $0.key < $1.key }) {
      let settings = own.transferSettings
      if let known = made.first(where: { $0.settings == settings }) {
        engines[registry] = known.engine
      } else {
        let engine = try own.engine(
          rateLimit: rateLimit.map { $0 / Double(max(1, count)) }, of: max(1, count))
        made.append((settings, engine))
        engines[registry] = engine
      }
    }
    guard let first = made.first?.engine else {
      throw CommandFailure(message: "no registry is asked", exitCode: 70)
    }
    (self.engines, self.first) = (engines, first)
  }

  /// The one that reaches a registry.
  subscript(registry: String) -> CurlEngine { engines[registry] ?? first }

  func stop() {
    var stopped: [CurlEngine] = []
    for engine in engines.values where !stopped.contains(where: { $0 === engine }) {
      engine.stop()
      stopped.append(engine)
    }
  }
}
