import FoundationEssentials
import Support
import Testing
import Tuning

@testable import History

/// What others say that they learned: it helps at first, and stands in nobody's way.
@Suite("Imports")
struct HistoryImportTests {
  static let now = 1_760_200_000.0

  static func export(_ paths: [HistoryExport.Path], at: Double = now) throws -> Data {
    try JSONEncoder().encode(HistoryExport(cpus: 4, at: at, paths: paths))
  }

  static func path(
    _ registry: String = "r.example", blobHost: String = "cdn.example",
    points: [(Int, PathMemory.Statistics)] = [
      (1, .init(weight: 9.9e8, mean: 29, squares: 0, busyWeight: 9.9e8))
    ]
  ) -> HistoryExport.Path {
    .init(
      registry: registry, blobHost: blobHost, pulls: 1,
      points: points.map { .init(poolSize: $0.0, statistics: $0.1) })
  }

  @discardableResult
  static func take(_ data: Data, _ history: History) throws(HistoryError) -> Int {
    try history.importing(
      data, as: HistoryTests.machine, network: { _ in "n" }, now: now)
  }

  static func best(_ history: History, now: Double) throws -> Int? {
    try HistoryTests.prior(history, now: now).flatMap { PathEstimate.startingSize($0) }
  }

  @Test("a lie about a pool size is found out within a minute of own measurements")
  func heavyLie() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    try Self.take(Self.export([Self.path()]), history)
    #expect(try Self.best(history, now: Self.now) == 1)
    // Three epochs of three seconds each; more than 8 bring nothing.
    for number in 0..<10 {
      let at = Self.now + Double(number)
      try history.record(HistoryTests.entry([1: 1e6, 8: 8e6, 16: 8e6], at: at))
    }
    #expect(try Self.best(history, now: Self.now + 10) == 8)
    // And said again, it is not believed again.
    try Self.take(Self.export([Self.path()]), history)
    #expect(try Self.best(history, now: Self.now + 10) == 8)
  }

  @Test("made-up blob hosts of a registry do not stand before what was measured")
  func otherHosts() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    try history.record(HistoryTests.entry([8: 8e6], at: Self.now - 86_400))
    try Self.take(Self.export((0..<50).map { Self.path(blobHost: "host-\($0)") }), history)
    #expect(try Self.best(history, now: Self.now) == 8)
    let servers = try history.servers(of: "r.example", machine: "m", network: "n")
    #expect(servers?.blobHost == "cdn.example")
  }

  @Test("made-up paths push out no own one, and are no more than there is room for")
  func manyPaths() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    let own = (0..<20).map { "own-\($0).example" }
    for registry in own {
      var path = HistoryTests.path
      path.registry = registry
      try history.record(HistoryTests.entry(at: Self.now - 1e6, path: path))
    }
    for part in 0..<2 {
      let count = try Self.take(
        Self.export((0..<900).map { Self.path("made-up-\(part)-\($0).example") }), history)
      #expect(count < 900)
    }
    try history.record(HistoryTests.entry(at: Self.now))
    let reports = try history.reports(.init(), now: Self.now)
    #expect(reports.count <= History.keptPaths + 1)
    let kept = Set(reports.filter { !$0.isImported }.map(\.path.registry))
    #expect(kept == Set(own + ["r.example"]))
  }

  @Test("what was taken in is not given on as one's own")
  func givesOwn() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    try Self.take(Self.export([Self.path()]), history)
    try history.record(HistoryTests.entry([8: 8e6], at: Self.now))
    let export = try history.export(HistoryTests.machine, now: Self.now)
    #expect(export.paths.map { $0.points.map(\.poolSize) } == [[8]])
  }

  @Test(
    "numbers that no measurement has are refused",
    arguments: [
      #""at":-1e308"#, #""at":1e308"#, #""at":-1"#, #""at":1e12"#, #""mean":31"#, #""mean":-8"#,
      #""mean":1e308"#, #""weight":0"#, #""weight":-1"#, #""weight":1e-320,"squares":1"#,
      #""squares":-1"#, #""squares":1e308"#, #""busyWeight":-1"#, #""busyWeight":2"#,
      #""poolSize":0"#, #""poolSize":1025"#, #""poolSize":9223372036854775807"#,
      #""poolSize":1.5"#, #""registry":"""#, #""pulls":1e300"#, #""weight":"heavy""#,
    ])
  func numbers(field: String) throws {
    var values = [
      "at": "1000", "mean": "15", "weight": "1", "squares": "0", "busyWeight": "1",
      "poolSize": "4", "registry": "\"a\"", "pulls": "1",
    ]
    func text() -> String {
      let value = { (name: String) in values[name] ?? "" }
      return """
        {"version":1,"cpus":4,"at":\(value("at")),"paths":[{"registry":\(value("registry")),\
        "blobHost":"b","pulls":\(value("pulls")),"points":[{"poolSize":\(value("poolSize")),\
        "statistics":{"weight":\(value("weight")),"mean":\(value("mean")),\
        "squares":\(value("squares")),"busyWeight":\(value("busyWeight"))}}]}]}
        """
    }
    #expect(throws: Never.self) { try History.parse(Data(text().utf8)) }
    for part in field.split(separator: ",") {
      let halves = part.split(separator: ":", maxSplits: 1)
      values[halves[0].filter { $0 != "\"" }] = String(halves[1])
    }
    try HistoryTests.expectRefused(text())
  }

  @Test("an export of more bytes, paths or sizes than any history gives is refused")
  func sizes() throws {
    let point = (4, PathMemory.Statistics(weight: 1, mean: 15, squares: 0, busyWeight: 1))
    for data in [
      Data(repeating: 0x20, count: History.importBytes + 1),
      try Self.export((0...1_000).map { Self.path("r-\($0)", points: [point]) }),
      try Self.export([Self.path(points: Array(repeating: point, count: 1_025))]),
    ] {
      try HistoryTests.expectRefused(String(decoding: data, as: UTF8.self))
    }
  }
}
