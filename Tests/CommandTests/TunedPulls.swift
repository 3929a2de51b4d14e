import Foundation
import Testing

/// Pulls of one image with the pool tuned, and what became of the pool.
protocol TunedPulls {
  var cairn: Command { get }
  var image: String { get }
}

extension TunedPulls {
  func pull(_ number: Int, _ arguments: String...) async throws -> Command.Outcome {
    let outcome = try await Command.finish(
      cairn.process(
        ["pull", image, "--progress", "json", "--store", cairn.folder("store\(number)")]
          + arguments))
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  func lines(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }

  /// Pool sizes in the order in which they were decided, and the last one's reason.
  func pools(_ outcome: Command.Outcome) throws -> (sizes: [Int], reasons: [String]) {
    let pools = try lines(outcome.output).filter { $0["event"] as? String == "pool" }
    return (
      pools.compactMap { $0["poolSize"] as? Int }, pools.compactMap { $0["poolReason"] as? String }
    )
  }

  func report() async throws -> [[String: Any]] {
    let outcome = try await cairn("tune", "--report", "--format", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let rows = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return rows as? [[String: Any]] ?? []
  }
}
