import Testing
import Tuning

@testable import Scheduling

/// What 401 and 403 mean for one of many requests (aria2#577, registry-image-resource#55).
@Suite("Denials")
struct DenialTests {
  @Test(
    "a server that denies what is beyond so many requests at a time limits them",
    arguments: [1, 2, 3], [0.05, 0.15, 0.6])
  func limit(served: Int, firstByte: Double) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8), firstByte: firstByte) { _, _ in
      .good(rate: 5e6)
    }
    network.mostServed = served
    network.denies = true
    for _ in 0..<6 { network.add(3_000_000) }
    network.run(limit: 300)
    #expect(network.complete.count == 6 && network.givenUp.isEmpty)
    #expect(network.samples.contains { !$0.sample.refusals.isEmpty })
  }

  @Test(
    "what is denied with nothing else at work is believed at the fifth time", arguments: [4, 5])
  func alone(denials: Int) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8)) { _, count in
      count <= denials ? .fails(after: 0, .denied) : .good(rate: 1e6)
    }
    network.add(1000)
    network.run(limit: 60)
    #expect(network.made.count == 5)
    #expect(network.givenUp.isEmpty == (denials < 5))
    #expect(network.samples.allSatisfy { $0.sample.refusals.isEmpty })
  }

  @Test("where all is denied, the end comes as soon as for one", arguments: [1_000, 5_000_000])
  func all(size: Int64) {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 8)) { _, _ in
      .fails(after: 0, .denied)
    }
    for _ in 0..<6 { network.add(size) }
    while network.givenUp.isEmpty, network.seconds < 60 { network.advance() }
    #expect(network.seconds < 10)
  }

  @Test("what is denied beside others that are served is asked for alone before that is believed")
  func besideOthers() {
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { fetch, _ in
      fetch.blob.index == 1 ? .fails(after: 0, .denied) : .good(rate: 2e6)
    }
    network.add(400_000_000)
    network.add(1000)
    var others: [Int] = []
    var asked = 0
    while network.givenUp.isEmpty, network.seconds < 100 {
      network.advance()
      let made = network.made.filter { $0.blob.index == 1 }.count
      if made > asked { others.append(network.flights.values.count { $0.fetch.blob.index == 0 }) }
      asked = made
    }
    #expect(network.givenUp.keys.map(\.index) == [1])
    #expect(others.count == 5 && others.last == 0 && others.dropLast().allSatisfy { $0 > 0 })
    network.run(limit: 200)
    #expect(network.complete.count == 1)
  }

  @Test("a blob that is served once it is asked for alone holds up the others for no longer")
  func servedAlone() {
    var isHeld = true
    let network = FakeNetwork(policy: FixedPolicy(poolSize: 4)) { _, _ in .good(rate: 2e6) }
    network.behave = { [unowned network] fetch, _ in
      guard fetch.blob.index == 1, isHeld else { return .good(rate: 2e6) }
      isHeld = network.flights.values.contains { $0.fetch.blob.index != 1 }
      return isHeld ? .fails(after: 0, .denied) : .good(rate: 2e6)
    }
    network.add(100_000_000)
    network.add(2_000_000)
    network.run(limit: 100)
    #expect(network.complete.count == 2 && !isHeld)
  }
}
