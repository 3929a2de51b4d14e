import Foundation
import Support
import Testing
import Tuning

@testable import History

/// What the machines of a site know: used where nothing else is known, and never more than a hint.
@Suite("A site's history")
struct SiteHistoryTests {
  private static let now = 1_760_200_000.0
  private static let day = 86_400.0

  private static func statistics(_ rate: Double, _ seconds: Double = 60) -> PathMemory.Statistics {
    .init(weight: seconds, mean: log(rate), squares: 0, busyWeight: seconds)
  }

  private static func export(
    _ source: String?, _ rates: [Int: Double], registry: String = "r.example", pulls: Int = 3,
    at: Double = now
  ) -> HistoryExport {
    var export = HistoryExport(
      cpus: 4, at: at,
      paths: [
        .init(
          registry: registry, blobHost: "cdn.example", pulls: pulls,
          points: rates.map { .init(poolSize: $0.key, statistics: statistics($0.value)) })
      ])
    export.source = source
    return export
  }

  private static func read(_ export: HistoryExport) throws -> HistoryExport {
    try HistoryExport(reading: JSONEncoder().encode(export))
  }

  @Test("machines are put together, with their pulls, as a hint that weighs little")
  func together() throws {
    let site = SiteHistory([
      Self.export("a", [4: 1e6, 8: 2e6]), Self.export("b", [8: 2e6, 16: 2.1e6], pulls: 5),
      Self.export("c", [2: 1e6], registry: "other.example"),
    ])
    let known = try #require(site.known(of: "r.example", now: Self.now))
    #expect(known.pulls == 8 && known.machines == 2 && known.blobHost == "cdn.example")
    #expect(!known.prior.isOwn && known.prior.points.map(\.poolSize) == [4, 8, 16])
    #expect(known.prior.points.allSatisfy { $0.weight <= 2 * SiteHistory.weight })
    #expect(
      SiteHistory.weight < History.importedWeight && SiteHistory.share < History.importedShare)
    #expect(site.known(of: "none.example", now: Self.now) == nil)
    #expect(site.registries == ["other.example", "r.example"])
    #expect(SiteHistory([]).registries.isEmpty)
  }

  @Test("of one machine the newest export counts, in whatever file it stands")
  func newest() throws {
    let old = Self.export("a", [4: 1e6], pulls: 9, at: Self.now - Self.day)
    let site = SiteHistory([
      old.merged(into: Self.export("b", [8: 1e6])), Self.export("a", [2: 1e6]),
    ])
    let known = try #require(site.known(of: "r.example", now: Self.now))
    #expect(known.machines == 2 && known.pulls == 6)
    #expect(known.prior.points.map(\.poolSize) == [2, 8])
  }

  @Test("what is old fades, and what a clock that is ahead says is as of now")
  func ages() throws {
    func weight(_ at: Double) throws -> Double {
      let known = SiteHistory([Self.export("a", [8: 1e6], at: at)]).known(
        of: "r.example", now: Self.now)
      return try #require(known?.prior.points.first).weight
    }
    let fresh = try weight(Self.now)
    #expect(abs(try weight(Self.now - PathMemory.halfLife) / fresh - 0.5) < 0.01)
    #expect(try weight(Self.now + 1e9) == fresh)
  }

  @Test("a merge keeps what others exported, and replaces what this machine did")
  func merges() throws {
    let first = Self.export("a", [4: 1e6])
    let both = Self.export("b", [8: 1e6]).merged(into: first)
    #expect(both.source == "b" && both.others?.map(\.source) == ["a"])
    let again = Self.export("a", [16: 1e6]).merged(into: try Self.read(both))
    #expect(again.others?.map(\.source) == ["b"])
    #expect(again.all.allSatisfy { $0.source == "a" || $0.others == nil })
    #expect(Self.export("a", [2: 1e6]).merged(into: first).others == nil)
    // Machines without a number cannot be told apart: nobody's is thrown away.
    #expect(Self.export(nil, [1: 1e6]).merged(into: Self.export(nil, [2: 1e6])).all.count == 2)
  }

  @Test("an import takes all machines of a file in, the newest last")
  func imports() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    let file = Self.export("b", [8: 4e6]).merged(
      into: Self.export("a", [4: 1e6, 8: 1e6], at: Self.now - Self.day))
    #expect(try HistoryImportTests.take(JSONEncoder().encode(file), history) == 2)
    let prior = try #require(try HistoryTests.prior(history, now: Self.now))
    #expect(prior.points.map(\.poolSize) == [4, 8])
    #expect(abs((prior.points.last?.rate ?? 0) - 4e6) < 1)
  }

  @Test("what stands within others, or is out of range there, is refused")
  func refuses() throws {
    var nested = Self.export("a", [1: 1e6])
    var inner = Self.export("b", [1: 1e6])
    inner.others = [Self.export("c", [1: 1e6])]
    nested.others = [inner]
    #expect(throws: HistoryError.self) { try Self.read(nested) }
    var wrong = Self.export("a", [1: 1e6])
    wrong.others = [Self.export("b", [0: 1e6])]
    #expect(throws: HistoryError.self) { try Self.read(wrong) }
    for source in ["", "a b", "\u{1B}", String(repeating: "a", count: 65)] {
      #expect(throws: HistoryError.self) { try Self.read(Self.export(source, [1: 1e6])) }
    }
  }

  @Test("reports are of registries that a machine knows nothing of itself")
  func reports() {
    let site = SiteHistory([
      Self.export("a", [8: 1e6]), Self.export("b", [8: 1e6], registry: "other.example"),
    ])
    let found = site.reports(for: HistoryTests.machine, besides: ["r.example"], now: Self.now)
    #expect(found.map(\.path.registry) == ["other.example"])
    #expect(found.first?.siteMachines == 1 && found.first?.pulls == 3)
  }
}
