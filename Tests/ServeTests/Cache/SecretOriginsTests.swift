import OCI
import Testing

@testable import Serve

@Suite("What a registry is not believed about")
struct SecretOriginsTests {
  static func asker(_ registry: String, named: Bool, anybody: Bool) -> CacheAsker {
    CacheAsker(registry: registry, isNamed: named, isAnybody: anybody)
  }

  @Test("a registry that nobody named cannot claim what another gave to callers with credentials")
  func claims() throws {
    let digest = try TagMemoryTests.digest("ab")
    let evil = Self.asker("evil.example", named: false, anybody: true)
    let login = Self.asker("evil.example", named: false, anybody: false)
    var secrets = SecretOrigins()
    var said = secrets.admits(evil, to: digest, now: 0)
    #expect(said, "what anybody may have is shared")
    said = secrets.admits(Self.asker("r", named: true, anybody: false), to: digest, now: 1)
    #expect(said)
    for asker in [evil, login, evil] {
      said = secrets.admits(asker, to: digest, now: 2)
      #expect(!said)
    }
    // Also where it had claimed it first.
    let other = try TagMemoryTests.digest("cd")
    said = secrets.admits(login, to: other, now: 0)
    #expect(said)
    said = secrets.admits(Self.asker("ghcr.io", named: false, anybody: false), to: other, now: 1)
    #expect(!said)
    said = secrets.admits(login, to: other, now: 2)
    #expect(!said)
  }

  @Test(
    "what was there before this process is no unnamed registry's, and what is gone is forgotten")
  func unknown() throws {
    let digest = try TagMemoryTests.digest("ab")
    let asker = Self.asker("ghcr.io", named: false, anybody: true)
    var secrets = SecretOrigins()
    secrets.noteUnknown(digest, now: 0)
    var said = secrets.admits(asker, to: digest, now: 1)
    #expect(!said)
    said = secrets.admits(Self.asker("r", named: true, anybody: true), to: digest, now: 1)
    #expect(said)
    secrets.prune(now: 5000) { _ in true }
    said = secrets.admits(asker, to: digest, now: 1)
    #expect(!said)
    secrets.prune(now: 5000) { _ in false }
    said = secrets.admits(asker, to: digest, now: 1)
    #expect(said)
  }
}
