import Foundation
import Rivals
import Testing
import Tuning

@testable import Simulation

/// Clients that come one after the other to one pool.
@Suite("Arrivals")
struct ArrivalTests {
  private func run(
    _ clients: Int, _ link: String = "home-100", blobs: [Int64], seed: UInt64 = 1
  ) throws -> Arrivals.Outcome {
    let model = try LinkModel(
      json: Data(contentsOf: ModelTests.folder.appending(path: "\(link).json")))
    return Arrivals.run(
      clients, .climb, model: model, image: ImageModel(name: "shape", blobs: blobs), seed: seed,
      keepsTrace: true)
  }

  @Test(
    "a layer that several want is fetched once, and everybody has all of his image",
    arguments: [1, 2, 8], ["home-100", "cdn-cap-5", "long-fat"])
  func fetchesOnce(clients: Int, link: String) throws {
    let outcome = try run(clients, link, blobs: [4_000_000, 3_000_000, 2_000_000, 1_000_000])
    #expect(outcome.clients.count == clients)
    #expect(outcome.clients.allSatisfy { $0.seconds.isFinite })
    // Of four layers, the larger two are everybody's: seven tenths of an image.
    let image = Double(outcome.wanted) / Double(clients)
    let needed = image * (0.7 + 0.3 * Double(clients))
    #expect(abs(Double(outcome.fetched) - needed) < 10)
  }

  @Test("who wants nothing but what is there has it at once")
  func joins() throws {
    let outcome = try run(4, blobs: [5_000_000])
    #expect(outcome.fetched == outcome.wanted / 4)
    let end = outcome.clients[0].seconds
    for client in outcome.clients { #expect(client.seconds == max(0, end - client.arrivedAt)) }
  }

  @Test("the pool's clock stands still while nothing is wanted", arguments: [UInt64(1), 2, 3])
  func pauses(seed: UInt64) throws {
    let outcome = try run(3, blobs: [3_000_000, 1_000], seed: seed)
    let last = try #require(outcome.clients.last)
    let clock = try #require(outcome.pull.trace.last).sample.now.seconds
    // After the first image, all that is fetched is next to nothing.
    #expect(clock < last.arrivedAt + last.seconds || last.arrivedAt < outcome.clients[0].seconds)
    let times = outcome.pull.trace.map(\.sample.now)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test("equal seeds give equal outcomes, others do not")
  func repeats() throws {
    let blobs: [Int64] = [4_000_000, 1_000_000]
    let (one, again, other) = (
      try run(5, blobs: blobs), try run(5, blobs: blobs), try run(5, blobs: blobs, seed: 2)
    )
    #expect(one.clients.map(\.seconds) == again.clients.map(\.seconds))
    #expect(one.clients.map(\.arrivedAt) != other.clients.map(\.arrivedAt))
  }
}
