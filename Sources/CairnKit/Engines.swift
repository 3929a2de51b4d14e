import CurlTransfer
import Transfer

/// The engines of a run: one for all registries that are reached in the same way.
struct Engines: Sendable {
  private let engines: [String: CurlEngine]

  /// - Parameters:
  ///   - accesses: how each registry is reached.
  ///   - rateLimit: bytes a second for all together; where there are several engines, each has an
  ///     equal part of it.
  init(_ accesses: [String: RegistryAccess], rateLimit: Double?) throws(CairnError) {
    let ways = accesses.mapValues(\.transferSettings)
    var different: [TransferSettings] = []
    for way in ways.values where !different.contains(way) { different.append(way) }
    let count = max(1, different.count)
    var made: [(way: TransferSettings, engine: CurlEngine)] = []
    var engines: [String: CurlEngine] = [:]
    do throws(CairnError) {
      for (registry, access) in accesses.sorted(by: { $0.key < $1.key }) {
        let way = access.transferSettings
        if let known = made.first(where: { $0.way == way }) {
          engines[registry] = known.engine
        } else {
          let engine = try access.engine(
            rateLimit: rateLimit.map { $0 / Double(count) }, of: count)
          made.append((way, engine))
          engines[registry] = engine
        }
      }
    } catch {
      for (_, engine) in made { engine.stop() }
      throw error
    }
    self.engines = engines
  }

  /// The one that reaches a registry.
  ///
  /// - Throws: it is none of the run's.
  func engine(of registry: String) throws(CairnError) -> CurlEngine {
    guard let engine = engines[registry] else {
      throw .internalFailure("nothing is known of the registry \(registry)")
    }
    return engine
  }

  func stop() {
    var stopped: [CurlEngine] = []
    for engine in engines.values where !stopped.contains(where: { $0 === engine }) {
      engine.stop()
      stopped.append(engine)
    }
  }
}
