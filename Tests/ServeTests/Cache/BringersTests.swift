import OCI
import Testing

@testable import Serve

@Suite("What a registry that nobody named has sent")
struct BringersTests {
  @Test("what is here is for those who were named, and for whoever has sent it himself")
  func sent() throws {
    let (digest, other) = (try TagMemoryTests.digest("ab"), try TagMemoryTests.digest("cd"))
    var bringers = Bringers()
    bringers.note(.named, digest)
    #expect(bringers.include(.named, digest) && bringers.include(.named, other))
    #expect(!bringers.include(.alone(registry: "evil.example"), digest))
    bringers.note(.alone(registry: "ghcr.io"), digest)
    #expect(bringers.include(.alone(registry: "ghcr.io"), digest))
    #expect(!bringers.include(.alone(registry: "ghcr.io"), other))
    #expect(!bringers.include(.alone(registry: "evil.example"), digest))
    bringers.prune { $0 == digest }
    #expect(bringers.include(.alone(registry: "ghcr.io"), digest))
    bringers.prune { $0 == other }
    #expect(!bringers.include(.alone(registry: "ghcr.io"), digest))
  }
}
