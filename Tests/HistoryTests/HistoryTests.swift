import Foundation
import SQLite
import Support
import Testing
import Tuning

@testable import History

@Suite("History")
struct HistoryTests {
  static let machine = MachineIdentity(name: "m", cpus: 4, os: "linux", architecture: "x86_64")
  static let path = PathIdentity(registry: "r.example", blobHost: "cdn.example", network: "n")

  static func entry(
    _ rates: [Int: Double] = [4: 1e6], at: Double = 1_000, machine: MachineIdentity = machine,
    path: PathIdentity = path, refusals: [Int] = []
  ) -> History.PullEntry {
    let epochs = rates.sorted { $0.key < $1.key }.map {
      Epoch(
        poolSize: $0.key, startedAt: 1, seconds: 3, bytes: Int64($0.value * 3),
        roundTripSeconds: 0.02, reason: "r")
    }
    return History.PullEntry(
      machine: machine, path: path, at: at, policy: "climb", isComplete: true,
      record: PullRecord(
        seconds: 9, bytes: 9_000_000, epochs: epochs, idleRoundTripSeconds: 0.02,
        servedAtRefusals: refusals, limitedBy: .line),
      layers: [
        .init(
          digest: "sha256:aa", size: 5, bytes: 5, seconds: 1, rate: 5, retries: 1, isComplete: true)
      ])
  }

  static func prior(
    _ history: History, cpus: Int = 4, registry: String = "r.example", now: Double = 1_000
  ) throws -> Prior? {
    var machine = machine
    machine.cpus = cpus
    return try history.prior(machine: machine, registry: registry, network: "n", now: now)
  }

  @Test("what a pull wrote down is what the next one starts from")
  func remembers() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/state/history.sqlite"
    let history = try History(file: file)
    #expect(try Self.prior(history) == nil)
    try history.record(Self.entry([4: 4e6, 8: 8e6], refusals: [12]))
    let reopened = try History(file: file)
    let prior = try #require(try Self.prior(reopened))
    #expect(prior.isOwn && prior.ceiling == 12 && prior.idleRoundTripSeconds == 0.02)
    #expect(prior.limitedBy == .line)
    #expect(prior.points.map(\.poolSize) == [4, 8])
    #expect(abs(prior.points[1].rate - 8e6) < 10)
  }

  @Test("who served a registry's blobs and tokens last is remembered")
  func remembersServers() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    func servers(of registry: String = "r.example", in network: String = "n") throws
      -> RegistryServers?
    {
      try history.servers(of: registry, machine: "m", network: network)
    }
    #expect(try servers() == nil)
    try history.record(Self.entry(at: 1_000))
    #expect(try servers() == RegistryServers(blobHost: "cdn.example"))
    var entry = Self.entry(
      at: 2_000, path: PathIdentity(registry: "r.example", blobHost: "r.example", network: "n"))
    entry.tokenRealm = "https://auth.example/token"
    entry.tokenService = "r"
    try history.record(entry)
    #expect(
      try servers()
        == RegistryServers(
          blobHost: "r.example", tokenRealm: "https://auth.example/token", tokenService: "r"))
    #expect(try servers(of: "other.example") == nil)
    #expect(try servers(in: "abroad") == nil)
    // A registry that wants no token any more.
    entry.tokenRealm = nil
    try history.record(entry)
    #expect(try servers()?.tokenRealm == nil)
  }

  @Test("a pull is written down whole: machine, path, pull, layers, epochs")
  func writesAll() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    try history.record(Self.entry([2: 1e6, 4: 2e6]))
    let counts: [Int] = try history.read { db in
      try ["machine", "path", "pull", "layer", "epoch"].map {
        try db.first("SELECT count(*) FROM \($0)") ?? 0
      }
    }
    #expect(counts == [1, 1, 1, 1, 2])
  }

  @Test("the files are their owner's alone")
  func isPrivate() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/new/history.sqlite"
    try History(file: file).record(Self.entry())
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try mode(file) == 0o600)
    #expect(try mode(folder.path + "/new") == 0o700)
    // Made by a wider umask.
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    try History(file: file).record(Self.entry())
    #expect(try mode(file) == 0o600)
  }

  @Test("a path over which nothing was measured is seen, whatever others say of theirs")
  func seen() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    try history.record(Self.entry([:]))
    let seen = try #require(try Self.prior(history))
    #expect(seen.wasSeen && !seen.isOwn && seen.points.isEmpty)
    let other = PathIdentity(registry: "other.example", blobHost: "other.example", network: "n")
    try history.record(Self.entry([8: 8e6], path: other))
    let hinted = try #require(try Self.prior(history))
    #expect(hinted.wasSeen && !hinted.isOwn && hinted.points.map(\.poolSize) == [8])
    let new = try #require(try Self.prior(history, registry: "new.example"))
    #expect(!new.wasSeen && !new.isOwn && new.points.map(\.poolSize) == [8])
  }

  @Test("another CPU count and another registry start from the nearest that is known, as a hint")
  func hints() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    var far = Self.machine
    far.cpus = 32
    try history.record(Self.entry([16: 1e6], at: 2_000, machine: far))
    try history.record(Self.entry([4: 1e6], refusals: [9]))
    let other = try #require(try Self.prior(history, cpus: 6))
    #expect(!other.isOwn && other.points.map(\.poolSize) == [4] && other.ceiling == nil)
    let registry = try #require(try Self.prior(history, registry: "new.example"))
    #expect(!registry.isOwn && registry.points.map(\.poolSize) == [4])
  }

  @Test("old pulls are folded into one row for each size, and nothing that they taught is lost")
  func folds() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    var direct = PathMemory()
    for number in 0..<(History.keptPulls + 15) {
      let entry = Self.entry([4: 1e6 * Double(1 + number % 3)], at: Double(number))
      try history.record(entry)
      direct.learn(entry.record, at: entry.at)
    }
    let pulls: Int? = try history.read { try $0.first("SELECT count(*) FROM pull") }
    #expect(pulls == History.keptPulls)
    let layers: Int? = try history.read { try $0.first("SELECT count(*) FROM layer") }
    #expect(layers == History.keptPulls)
    let now = 100.0
    let (kept, whole) = (try #require(try Self.prior(history, now: now)), direct.prior(at: now))
    let wanted = try #require(whole?.points.first)
    #expect(abs(kept.points[0].logRate - wanted.logRate) < 1e-9)
    #expect(abs(kept.points[0].weight - wanted.weight) < 1e-6)
    #expect(try history.reports(.init(), now: now)[0].pulls == History.keptPulls + 15)
  }

  @Test("forgetting takes what was selected and leaves the rest")
  func forgets() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    var other = Self.machine
    other.name = "other"
    var elsewhere = Self.path
    elsewhere.registry = "x.example"
    try history.record(Self.entry())
    try history.record(Self.entry(path: elsewhere))
    try history.record(Self.entry(machine: other))
    #expect(try history.forget(.init(machine: "m", registry: "x.example")) == 1)
    #expect(try history.reports(.init(), now: 0).count == 2)
    #expect(try history.forget(.init(machine: "m")) == 1)
    #expect(try history.reports(.init(), now: 0).map(\.machine.name) == ["other"])
    #expect(try history.forget(.init()) == 1)
    let left: Int? = try history.read { try $0.first("SELECT count(*) FROM epoch") }
    #expect(left == 0)
  }

  @Test("what another machine learned weighs less than what this one learns")
  func imports() throws {
    let folder = try TemporaryFolder()
    let giver = try History(file: folder.path + "/giver.sqlite")
    try giver.record(Self.entry([8: 1e6]))
    let data = try JSONEncoder().encode(try giver.export(Self.machine, now: 1_000))
    #expect(!String(decoding: data, as: UTF8.self).contains("\"m\""))
    let taker = try History(file: folder.path + "/taker.sqlite")
    let count = try taker.importing(data, as: Self.machine, network: { _ in "n" }, now: 1_000)
    #expect(count == 1)
    let first = try #require(try Self.prior(taker)?.points.first)
    #expect(abs(first.weight - 0.9) < 1e-6)
    var own = Self.path
    own.blobHost = "cdn.example"
    try taker.record(Self.entry([8: 4e6], path: own))
    let mixed = try #require(try Self.prior(taker)?.points.first)
    #expect(mixed.rate > 2.5e6)
  }

  @Test(
    "what is no export is refused",
    arguments: [
      "", "{}", #"{"version":2,"cpus":1,"at":1,"paths":[]}"#,
      #"{"version":1,"cpus":1,"at":1,"paths":[{"registry":"a b","blobHost":"c","pulls":1,"points":[]}]}"#,
      #"{"version":1,"cpus":1,"at":1,"paths":[{"registry":"a","blobHost":"c","pulls":1,"points":[{"poolSize":0,"statistics":{"weight":1,"mean":1,"squares":0}}]}]}"#,
      #"{"version":1,"cpus":1,"at":1,"paths":[{"registry":"a","blobHost":"c","pulls":1,"points":[{"poolSize":4,"statistics":{"weight":-1,"mean":1,"squares":0}}]}]}"#,
    ])
  func refusesImports(text: String) throws { try Self.expectRefused(text) }

  @Test(
    "hosts' names in an export are names",
    arguments: ["a b", "a\u{1B}[2Jb", "a\u{9B}31m", "a\u{7F}"])
  func refusesNames(name: String) throws {
    func export(_ registry: String) throws -> Data {
      try JSONSerialization.data(withJSONObject: [
        "version": 1, "cpus": 1, "at": 1,
        "paths": [["registry": registry, "blobHost": "c", "pulls": 1, "points": [Any]()]],
      ])
    }
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    let count = try history.importing(
      export("a-b"), as: Self.machine, network: { _ in "n" }, now: 0)
    #expect(count == 1)
    try Self.expectRefused(String(decoding: export(name), as: UTF8.self))
  }

  static func expectRefused(_ text: String) throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    do throws(HistoryError) {
      _ = try history.importing(
        Data(text.utf8), as: machine, network: { _ in "n" }, now: 0)
      Issue.record("taken: \(text)")
    } catch {
      #expect(error.kind == .notAnExport)
    }
  }

  // MARK: Bad databases

  static func kind(_ body: () throws(HistoryError) -> Void) -> HistoryError.Kind? {
    do throws(HistoryError) {
      try body()
      return nil
    } catch {
      return error.kind
    }
  }

  @Test("a damaged database is set aside whole, and a new one made")
  func setsAside() throws {
    let folder = try TemporaryFolder()
    let file = try Self.fixture("3", in: folder)
    // The tables are named on the first page; it has a table's root no more.
    var damaged = try readFile(file)
    damaged.replaceSubrange(100..<108, with: repeatElement(0xFF, count: 8))
    try writeFile(file, damaged)
    var warnings: [String] = []
    let history = try History(file: file) { warnings.append($0) }
    #expect(warnings.count == 1)
    try history.record(Self.entry())
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let aside = try #require(names.first { $0.contains("corrupt") })
    #expect(try readFile(folder(aside)) == damaged)
  }

  /// Files of each version: 1 to 3 as GRDB wrote them, when it was what the history was read with.
  static func fixture(_ version: String, in folder: TemporaryFolder) throws -> String {
    let file = folder("version-\(version).sqlite")
    let source = URL(filePath: #filePath).deletingLastPathComponent().path + "/Fixtures"
    try writeFile(file, readFile("\(source)/version-\(version).sqlite"))
    return file
  }

  @Test(
    "an older version's database is brought up to date, and what it knew counts",
    arguments: ["1", "2", "3", "4"])
  func older(version: String) throws {
    let folder = try TemporaryFolder()
    let file = try Self.fixture(version, in: folder)
    let history = try History(file: file)
    let now = 1_760_200_000.0
    let prior = try #require(try Self.prior(history, now: now))
    #expect(prior.isOwn && prior.ceiling == 9)
    #expect(prior.points.map(\.poolSize) == [4, 8])
    #expect(prior.points.allSatisfy { !$0.isBound })
    try history.record(Self.entry([4: 1e6], at: now))
    let reports = try History(file: file).reports(.init(), now: now)
    #expect(reports.map(\.pulls) == [44, 0] && reports.map(\.isImported) == [false, true])
    let done: [String] = try history.read { db in
      try db.rows("SELECT identifier FROM grdb_migrations ORDER BY 1") { $0.value(0) }
    }
    #expect(done == ["1", "2", "3", "4"])
  }

  static func sweepEntry(_ size: Int, _ seconds: Double, plan: String = "1", at: Double = 1_000)
    -> History.SweepEntry
  {
    History.SweepEntry(
      machine: machine, path: path, plan: plan, reference: "r.example/a:1", at: at,
      run: .init(poolSize: size, seconds: seconds, bytes: 10_000_000),
      record: PullRecord(seconds: seconds, bytes: 10_000_000, idleRoundTripSeconds: 0.03))
  }

  @Test("a sweep's pulls are kept as what they are, and decide what the next pull starts from")
  func keepsSweeps() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    for repeats in 0..<3 {
      for (size, seconds) in [(1, 8.0), (2, 4.0), (4, 2), (8, 2), (16, 2)] {
        try history.record(Self.sweepEntry(size, seconds, at: 1_000 + Double(repeats)))
      }
    }
    let report = try #require(try history.reports(.init(), now: 1_010).first)
    #expect(report.pulls == 15 && !report.isImported)
    let sweep = try #require(report.prior?.sweeps.first)
    #expect(sweep.runs == 15 && sweep.reference == "r.example/a:1" && sweep.age == 8)
    let prior = try #require(try Self.prior(history, now: 1_010))
    #expect(prior.points.isEmpty && prior.idleRoundTripSeconds == 0.03)
    #expect(PathEstimate(prior)?.gap == nil && PathEstimate.startingSize(prior) == 4)
    // Only the newest are kept.
    for plan in 2...5 {
      try history.record(Self.sweepEntry(4, 2, plan: "\(plan)", at: 2_000 + Double(plan)))
    }
    let runs: Int? = try history.read { try $0.first("SELECT count(*) FROM sweepRun") }
    #expect(runs == 3)
    #expect(try history.forget(.init()) == 1)
    #expect(try history.read { try $0.first("SELECT count(*) FROM sweepRun") } == 0)
  }

  @Test("a new database has the tables that one has that GRDB began")
  func sameSchema() throws {
    func tables(_ file: String) throws -> [String] {
      try Database(file: file).rows("SELECT sql FROM sqlite_schema ORDER BY name") { row in
        row.value(0).map { (sql: String) in sql.filter { !$0.isWhitespace } }
      }
    }
    let folder = try TemporaryFolder()
    let old = try Self.fixture("3", in: folder)
    _ = try (History(file: folder("new.sqlite")), History(file: old))
    #expect(try tables(folder("new.sqlite")) == tables(old))
  }

  @Test("a newer version's database is left alone")
  func newer() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/history.sqlite"
    try History(file: file).write { db in
      try db.execute("INSERT INTO grdb_migrations (identifier) VALUES ('99')")
    }
    #expect(Self.kind { () throws(HistoryError) in _ = try History(file: file) } == .newer)
  }

  @Test("one that others hold locked is given up after a while")
  func locked() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/history.sqlite"
    let history = try History(file: file)
    let other = try Database(file: file)
    try other.execute("BEGIN EXCLUSIVE")
    #expect(
      Self.kind { () throws(HistoryError) in try history.record(Self.entry()) } == .locked)
    try other.execute("ROLLBACK")
    try history.record(Self.entry())
  }

  @Test("one on a full disk reports that, and keeps what it had")
  func full() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder.path + "/history.sqlite")
    try history.record(Self.entry())
    let pages: Int = try history.database.first("PRAGMA page_count") ?? 0
    try history.database.execute("PRAGMA max_page_count = \(pages)")
    var big = Self.entry()
    big.layers = Array(repeating: big.layers[0], count: 5_000)
    #expect(Self.kind { () throws(HistoryError) in try history.record(big) } == .full)
    #expect(try history.reports(.init(), now: 0)[0].pulls == 1)
  }

  @Test("several processes' pulls are all kept")
  func concurrent() async throws {
    let folder = try TemporaryFolder()
    // Also those that find no file at all, and all make it.
    let file = folder.path + "/history.sqlite"
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<4 {
        group.addTask {
          for step in 0..<5 {
            guard let history = try? History(file: file),
              (try? history.record(Self.entry(at: Double(number * 5 + step)))) != nil
            else { return false }
          }
          return true
        }
      }
      for await isGood in group { #expect(isGood) }
    }
    #expect(try History(file: file).reports(.init(), now: 0)[0].pulls == 20)
  }

  static let oddValues = [
    "NULL", "'text'", "x'00'", "-9223372036854775808", "9223372036854775807", "1e308", "-1e308",
    "9e999", "-1", "0.5",
  ]

  /// A file that somebody edited may hold anything in any column.
  @Test("rows with values that no pull has are passed over", arguments: oddValues)
  func oddRows(value: String) throws {
    let folder = try TemporaryFolder()
    let columns = [
      "machine": ["cpus", "name", "os"], "path": ["pulls", "usedAt", "blobHost", "limitedBy"],
      "pull": ["at", "seconds", "bytes", "idleRoundTrip"],
      "epoch": [
        "poolSize", "startedAt", "seconds", "bytes", "roundTrip", "isAppLimited", "reason",
      ],
      "aggregate": ["poolSize", "at", "weight", "mean", "squares", "busyWeight"],
      "ceiling": ["poolSize", "at"],
    ]
    for (table, names) in columns {
      for name in names {
        let history = try History(file: folder("\(table)-\(name).sqlite"))
        for number in 0..<43 {
          try history.record(
            Self.entry([4: 4e6, 8: 8e6], at: 1_000 + Double(number), refusals: [9]))
        }
        try history.write { db in
          // What may not be null, or must be unique, stays as it is.
          try db.execute("UPDATE OR IGNORE \(table) SET \(name) = \(value)")
        }
        let everything = History.Selection()
        _ = try history.reports(everything, now: 2_000)
        _ = try? Self.prior(history, now: 2_000)
        _ = try history.servers(of: "r.example", machine: "m", network: "n")
        _ = try history.export(Self.machine, now: 2_000)
        try history.record(Self.entry([4: 4e6, 8: 8e6], at: 3_000))
        for report in try history.reports(everything, now: 4_000) {
          #expect(report.prior?.points.allSatisfy { $0.rate.isFinite } ?? true)
        }
        #expect(try Self.prior(history, now: 3_000)?.points.isEmpty == false)
      }
    }
  }
}
