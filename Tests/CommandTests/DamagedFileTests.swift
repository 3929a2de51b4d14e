import Foundation
import Support
import Testing
import Transfer

@testable import History
@testable import OCI
@testable import Registry
@testable import Simulation
@testable import Store
@testable import Tuning

/// What others or an accident left in a file ends no process, whatever it is: it is read, passed
/// over, or an error that says so.
///
/// Damaged histories are in `HostileTests`.
@Suite("Damaged files")
struct DamagedFileTests {
  static let each = 1_100

  /// A file of the project, or a text, and who reads it: true where it was taken for what it should be.
  private struct Kind: Sendable {
    var seed = ""
    var text = ""
    var read: @Sendable ([UInt8]) -> Bool

    func good() throws -> [UInt8] {
      guard !seed.isEmpty else { return Array(text.utf8) }
      let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      return try readFile(root.appending(path: "tools/fuzz-corpus/\(seed)").path)
    }
  }

  private static let digest = "sha256:" + String(repeating: "a", count: 64)

  private static let kinds: [String: Kind] = [
    "an export": Kind(seed: "history-export/one", read: export),
    "a trace": Kind(seed: "trace/seed-0", read: replay),
    "a link model": Kind(seed: "link-model/seed-2") { (try? LinkModel(json: Data($0))) != nil },
    "an image model": Kind(seed: "image-model/seed-0") { (try? ImageModel(json: Data($0))) != nil },
    "a blob's journal": Kind(text: "+ 0 500\n= 0 100\n+ 900 1000\n", read: resume),
    "a sweep's state": Kind(
      text: """
        {"reference":"r","sizes":[1,2,3],"repeats":4,"seed":9,"runs":[{"poolSize":2,"seconds":1.5},{"poolSize":1,"seconds":3}]}
        """, read: sweep),
    "logins": Kind(seed: "auth-file/seed-0") {
      guard let file = try? AuthFile(Data($0)) else { return false }
      _ = file.answers(registry: "docker.io", repository: "library/a")
      return true
    },
    "registries.conf": Kind(seed: "registries-conf/seed-0", read: registries),
    "a store's index": Kind(seed: "layout-index/seed-0") {
      guard let index = LayoutIndex(json: Data($0)) else { return false }
      _ = try? index.encoded()
      return index.manifests.map(\.size).clampedSum >= 0
    },
  ]

  @Test("no damage ends the process", arguments: kinds.keys.sorted())
  func survives(name: String) async throws {
    let kind = try #require(Self.kinds[name])
    let good = try kind.good()
    // Else nothing would be tried but the first look.
    #expect(kind.read(good))
    var damage = Damage(seed: UInt64(name.utf8.count))
    for number in 0..<Self.each {
      _ = kind.read(damage.variant(of: good))
      // Others want their turns, too.
      if number % 50 == 0 { await Task.yield() }
    }
  }

  // MARK: Readers

  private static func replay(_ bytes: [UInt8]) -> Bool {
    guard let steps = try? Replay.read(Data(bytes)) else { return false }
    for step in Replay.run(steps, ClimbPolicy(maximum: 64)) {
      #expect(step.decision.poolSize >= 1)
    }
    return true
  }

  private static func export(_ bytes: [UInt8]) -> Bool {
    guard let parsed = try? History.parse(Data(bytes)) else { return false }
    for path in parsed.paths {
      var memory = PathMemory()
      for point in path.points { memory.merge([point.poolSize: point.statistics], at: parsed.at) }
      let estimate = memory.prior(at: parsed.at).flatMap { PathEstimate($0) }
      #expect(estimate?.rate(at: 1)?.middle.isFinite ?? true)
    }
    return true
  }

  /// With checksums for its lines: a changed line without one is not read at all.
  private static func resume(_ bytes: [UInt8]) -> Bool {
    guard let digest = try? Digest(digest) else { return false }
    let good = ResumeMap(digest: digest, size: 1_000, bootID: "boot").text
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let journal = good + lines.map { ResumeMap.line(String($0)) }.joined()
    guard let map = ResumeMap(parsing: journal, digest: digest, size: 1_000) else { return false }
    for range in map.written.union(map.synced).ranges {
      #expect(range.lowerBound >= 0 && range.upperBound <= 1_000)
    }
    return !map.written.ranges.isEmpty
  }

  private static func sweep(_ bytes: [UInt8]) -> Bool {
    guard let sweep = try? JSONDecoder().decode(Sweep.self, from: Data(bytes)),
      sweep.sizes == [1, 2, 3], sweep.repeats == 4
    else { return false }
    _ = (sweep.next, sweep.secondsLeft, sweep.results)
    return true
  }

  private static func registries(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let file = try? RegistriesFile(text, path: "/r.conf"),
      let reference = try? Reference("ex.am/a/b:1")
    else { return false }
    var config = RegistriesConfig()
    config.add(file, path: "/r.conf")
    _ = try? config.plan(for: reference, plainHTTP: false)
    return true
  }
}
