import FoundationEssentials
import Glibc
import SQLite
import Support
import Testing
import Tuning

@testable import History

/// A history and an export are data from outside: whatever is in them, a pull goes on. One after
/// the other, with a pause after each file: thousands of files would keep every other test from its
/// turn.
@Suite("Hostile histories", .serialized)
struct HostileTests {
  /// Numbers that are the same for the same seed (SplitMix64).
  struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  static let now = 1_760_200_000.0
  static let columns = [
    "machine": ["id", "name", "cpus", "os", "architecture"],
    "path": [
      "id", "machine", "registry", "blobHost", "network", "pulls", "usedAt", "limitedBy",
      "tokenRealm", "tokenService",
    ],
    "pull": ["id", "path", "at", "seconds", "bytes", "policy", "limitedBy", "idleRoundTrip"],
    "layer": ["pull", "digest", "size"],
    "epoch": [
      "pull", "poolSize", "startedAt", "seconds", "bytes", "roundTrip", "isAppLimited", "reason",
    ],
    "aggregate": [
      "path", "poolSize", "isImported", "at", "weight", "mean", "squares", "busyWeight", "pulls",
      "bound", "boundWeight",
    ],
    "sweep": ["id", "path", "plan", "reference", "at"],
    "sweepRun": ["sweep", "poolSize", "seconds", "bytes", "idleRoundTrip"],
    "ceiling": ["path", "poolSize", "at"],
    "grdb_migrations": ["identifier"],
  ]

  /// What must hold whatever is in a file: a pull is learned from, in it or in a new one where its
  /// damage had it set aside, unless it cannot be read at all, or seems to be somebody else's.
  static func outlive(_ file: String) async throws {
    var answer = try await drive(file)
    if answer == .corrupt { answer = try await drive(file) }
    guard let answer else { return }
    #expect([.foreign, .newer, .unreadable].contains(answer))
  }

  /// Does with a file what a pull and its user would; a `HistoryError` is an answer, anything else is none.
  ///
  /// - Returns: why it was not used; nil: it was.
  private static func drive(_ file: String) async throws -> HistoryError.Kind? {
    await Task.yield()
    do throws(HistoryError) {
      let history = try History(file: file)
      _ = try history.servers(of: "r.example", machine: "m", network: "n")
      let prior = try history.prior(
        machine: HistoryTests.machine, registry: "r.example", network: "n", now: now)
      for prior in [prior].compactMap({ $0 }) { check(prior) }
      try history.record(HistoryTests.entry([4: 4e6, 8: 8e6], at: now))
      let learned = try history.prior(
        machine: HistoryTests.machine, registry: "r.example", network: "n", now: now)
      #expect(learned?.points.isEmpty == false, "nothing was learned")
      for report in try history.reports(.init(), now: now) {
        #expect(report.usedAt.isFinite)
        if let prior = report.prior { check(prior) }
      }
      _ = try history.export(HistoryTests.machine, now: now)
      _ = try history.forget(.init(registry: "far.example"))
      return nil
    } catch {
      #expect(!error.description.isEmpty)
      return error.kind
    }
  }

  static func check(_ prior: Prior) {
    for point in prior.points {
      #expect(point.rate.isFinite && point.weight.isFinite && point.variance.isFinite)
      #expect(point.weight >= 0 && point.variance >= 0)
    }
    guard let estimate = PathEstimate(prior) else { return }
    #expect(estimate.rate.isFinite && estimate.interval.lowerBound >= 1)
    #expect(estimate.gap != nil || estimate.interval.contains(estimate.optimum))
    let policy = ClimbPolicy(maximum: 64, prior: prior)
    #expect(policy.name == "climb")
  }

  @Test(
    "after any flipped bits a pull is learned from, or it cannot be read", arguments: 0..<8)
  func flippedBits(part: Int) async throws {
    let folder = try TemporaryFolder.inMemory()
    var numbers = Numbers(state: UInt64(part))
    for number in 0..<50 {
      let version = ["1", "2", "3", "4"][number % 4]
      var bytes = try readFile(HistoryTests.fixture(version, in: folder))
      for _ in 0..<Int.random(in: 1...4, using: &numbers) {
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
      }
      let file = folder("flipped-\(number).sqlite")
      try writeFile(file, bytes)
      try await Self.outlive(file)
    }
  }

  @Test(
    "after a cut or an overwritten page a pull is learned from, or it cannot be read",
    arguments: 0..<4)
  func torn(part: Int) async throws {
    let folder = try TemporaryFolder.inMemory()
    var numbers = Numbers(state: UInt64(100 + part))
    let whole = try readFile(HistoryTests.fixture("4", in: folder))
    for number in 0..<30 {
      var bytes = whole
      let page = 4_096 * Int.random(in: 0..<(whole.count / 4_096), using: &numbers)
      switch number % 3 {
      case 0: bytes.removeLast(Int.random(in: 1...whole.count, using: &numbers))
      case 1: bytes.replaceSubrange(page..<(page + 4_096), with: repeatElement(0, count: 4_096))
      default:
        let other = 4_096 * Int.random(in: 0..<(whole.count / 4_096), using: &numbers)
        bytes.replaceSubrange(page..<(page + 4_096), with: whole[other..<(other + 4_096)])
      }
      let file = folder("torn-\(number).sqlite")
      try writeFile(file, bytes)
      try await Self.outlive(file)
    }
  }

  static let values = [
    "NULL", "'text'", "''", "x'00'", "x'FFFE'", "CAST(x'C328FF' AS TEXT)", "char(0)", "-1", "0",
    "1", "-9223372036854775808", "9223372036854775807", "4294967296", "1e308", "-1e308", "9e999",
    "-9e999", "5e-324", "0.5", "9.9e8", "1e11", "1e15", "randomblob(100000)",
    "replace(hex(zeroblob(60000)), '0', 'a')", "'\u{1B}[2J'",
  ]

  /// Tables without their constraints take anything: SQLite holds any type in any column.
  @Test(
    "whatever is in a column, a pull is learned from, or it cannot be read", arguments: values)
  func anyValue(value: String) async throws {
    let folder = try TemporaryFolder.inMemory()
    for (table, names) in Self.columns {
      for name in names {
        let file = try HistoryTests.fixture("4", in: folder)
        let database = try Database(file: file)
        // As somebody would who edits the file: the rows stay, what they may be does not.
        try database.execute(
          """
          PRAGMA foreign_keys = OFF;
          CREATE TABLE copy AS SELECT * FROM \(table);
          DROP TABLE \(table);
          ALTER TABLE copy RENAME TO \(table);
          UPDATE \(table) SET \(name) = \(value);
          """)
        try await Self.outlive(file)
      }
    }
  }

  @Test(
    "whatever is in several columns, a pull is learned from, or it cannot be read",
    arguments: 0..<4)
  func anyValues(part: Int) async throws {
    let folder = try TemporaryFolder.inMemory()
    var numbers = Numbers(state: UInt64(200 + part))
    for _ in 0..<40 {
      let file = try HistoryTests.fixture("4", in: folder)
      let database = try Database(file: file)
      try database.execute("PRAGMA foreign_keys = OFF")
      for _ in 0..<6 {
        let tables = Self.columns.keys.sorted().filter { $0 != "grdb_migrations" }
        let table = try #require(tables.randomElement(using: &numbers))
        let name = try #require(Self.columns[table]?.randomElement(using: &numbers))
        let value = try #require(Self.values.randomElement(using: &numbers))
        try? database.execute(
          "UPDATE OR IGNORE \(table) SET \(name) = \(value) WHERE abs(random() % 3) = 0")
      }
      try await Self.outlive(file)
    }
  }

  @Test(
    "what a file's schema calls for is not run, and a pull does not wait for it",
    arguments: [
      "CREATE TRIGGER t AFTER INSERT ON pull BEGIN DELETE FROM epoch; END",
      "DROP TABLE ceiling; CREATE VIEW ceiling AS WITH RECURSIVE n(i) AS "
        + "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS path, i AS poolSize, 1 AS at FROM n",
      "DROP TABLE layer",
      "ALTER TABLE epoch DROP COLUMN reason",
      "ALTER TABLE path ADD COLUMN more CHECK (length(hex(zeroblob(1e9))) > 0)",
      "CREATE INDEX i ON pull (abs(-9223372036854775808 + id - id))",
      "PRAGMA user_version = 77", "PRAGMA journal_mode = WAL",
    ])
  func schema(sql: String) async throws {
    let folder = try TemporaryFolder.inMemory()
    let file = try HistoryTests.fixture("4", in: folder)
    try? Database(file: file).execute("PRAGMA foreign_keys = OFF; \(sql)")
    try await Self.outlive(file)
  }

  // MARK: What is left alone

  @Test(
    "what is no history is left as it is",
    arguments: ["rubbish", "text", "another's", "another's with GRDB", "a folder", "a pipe"])
  func leavesAlone(what: String) throws {
    let folder = try TemporaryFolder()
    let file = folder("history.sqlite")
    switch what {
    case "rubbish": try writeFile(file, [UInt8](repeating: 0x5A, count: 10_000))
    case "text": try writeFile(file, Array("SQLite format 3\0 is how it begins".utf8))
    case "another's": try Database(file: file).execute("CREATE TABLE machine (id)")
    case "another's with GRDB":
      try Database(file: file).execute(
        "CREATE TABLE grdb_migrations (identifier); INSERT INTO grdb_migrations VALUES (1), (2), (3)"
      )
    case "a folder":
      try FileManager.default.createDirectory(
        atPath: file, withIntermediateDirectories: true)
    default: #expect(mkfifo(file, 0o600) == 0)
    }
    let before = what.hasPrefix("a ") ? nil : try readFile(file)
    chmod(file, 0o644)
    let kind = HistoryTests.kind { () throws(HistoryError) in _ = try History(file: file) }
    #expect(kind == .foreign || kind == .newer)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["history.sqlite"])
    var info = stat()
    #expect(stat(file, &info) == 0 && info.st_mode & 0o777 == 0o644)
    if let before { #expect(try readFile(file) == before) }
  }

  /// What a rollback journal begins with.
  static let magic: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]

  /// As SQLite writes it.
  static func number(_ value: Int) -> [UInt8] {
    (0..<4).reversed().map { UInt8(value >> ($0 * 8) & 255) }
  }

  /// The first sector of a rollback journal without a page.
  ///
  /// - Parameter pages: those that the database had.
  static func journalHead(pages: Int) -> [UInt8] {
    let head = magic + [0, 1, pages, 512, 4096].flatMap(number)
    return head + [UInt8](repeating: 0, count: 512 - head.count)
  }

  @Test(
    "a journal that names another file leads SQLite nowhere, whenever it comes",
    arguments: [false, true])
  func journalOfSeveral(comesLater: Bool) throws {
    let folder = try TemporaryFolder()
    let (file, mine) = (folder("h.sqlite"), folder("mine"))
    var history: History? = try History(file: file)
    if !comesLater { history = nil }
    try writeFile(mine, Array("precious".utf8))
    let name = Array(mine.utf8)
    let sum = name.reduce(0) { $0 + Int($1) }
    try writeFile(
      file + "-journal",
      Self.journalHead(pages: 1) + Self.number((1 << 30) / 4096 + 1) + name
        + Self.number(name.count) + Self.number(sum) + Self.magic)
    // What SQLite makes of the rest of it is its own matter.
    if let history {
      _ = try? history.reports(.init(), now: 0)
    } else {
      _ = try? History(file: file)
    }
    #expect(access(file + "-journal", F_OK) != 0)
    #expect(try readFile(mine) == Array("precious".utf8))
    _ = try History(file: file)
  }

  @Test(
    "a journal that would make it larger than any history is one's damage, whenever it comes",
    arguments: [(1 << 31) - 1, 1 << 30, (1 << 18) + 1], [false, true])
  func journalOfMuch(pages: Int, comesLater: Bool) throws {
    let folder = try TemporaryFolder()
    let file = folder("h.sqlite")
    var history: History? = try History(file: file)
    if !comesLater { history = nil }
    try writeFile(file + "-journal", Self.journalHead(pages: pages))
    if let history { _ = try? history.reports(.init(), now: 0) }
    try History(file: file).record(HistoryTests.entry(at: Self.now))
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      var info = stat()
      #expect(stat(folder(name), &info) == 0 && info.st_size < 1 << 20, "\(name)")
    }
    let aside = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.contains("corrupt")
    }
    #expect(aside.contains { $0.hasSuffix("-journal") }, "\(aside)")
  }

  @Test("devices are left alone", arguments: ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"])
  func devices(file: String) {
    let kind = HistoryTests.kind { () throws(HistoryError) in _ = try History(file: file) }
    #expect(kind == .foreign || kind == .unreadable)
  }

  @Test(
    "damage that shows while a history is used sets it aside, and the next pull begins a new one")
  func damageLater() throws {
    let folder = try TemporaryFolder()
    let file = try HistoryTests.fixture("4", in: folder)
    let root: Int = try #require(
      try Database(file: file).first("SELECT rootpage FROM sqlite_schema WHERE name = 'pull'"))
    var bytes = try readFile(file)
    bytes.replaceSubrange((root - 1) * 4_096..<root * 4_096, with: repeatElement(7, count: 4_096))
    try writeFile(file, bytes)
    let history = try History(file: file)
    let kind = HistoryTests.kind { () throws(HistoryError) in
      _ = try history.reports(.init(), now: Self.now)
    }
    #expect(kind == .corrupt)
    try History(file: file).record(HistoryTests.entry(at: Self.now))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(names.count { $0.contains("corrupt") } == 1)
  }

  // MARK: Times

  @Test(
    "what was learned under a clock that was ahead ends like the rest",
    arguments: [1.0, 3_600.0, 345_600.0, 34_560_000.0, 1e10])
  func futureClock(ahead: Double) throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    try history.record(HistoryTests.entry([4: 4e6], at: Self.now + ahead, refusals: [3]))
    // The clock was set, and a pull later all is as if it had been.
    try history.record(HistoryTests.entry([8: 8e6], at: Self.now))
    let soon = try #require(try HistoryTests.prior(history, now: Self.now))
    #expect(soon.points.map(\.poolSize) == [4, 8])
    let later = Self.now + PathMemory.ceilingLife + 10
    #expect(try HistoryTests.prior(history, now: later)?.ceiling == nil)
    let much = Self.now + 10 * PathMemory.halfLife
    #expect(
      try HistoryTests.prior(history, now: much)?.points.allSatisfy { $0.weight < 0.1 } == true)
  }

  @Test("a ceiling dated far ahead is none, also where nothing can be written")
  func futureCeiling() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    try history.record(HistoryTests.entry([4: 4e6], at: Self.now + 1e8, refusals: [3]))
    #expect(try HistoryTests.prior(history, now: Self.now)?.ceiling == nil)
  }

  @Test("a pull under a clock that was never set costs nothing of what is known")
  func unsetClock() throws {
    let folder = try TemporaryFolder()
    let history = try History(file: folder("history.sqlite"))
    for number in 0..<60 {
      try history.record(HistoryTests.entry([4: 4e6], at: Self.now + Double(number)))
    }
    for number in 0..<5 { try history.record(HistoryTests.entry([9: 1e6], at: Double(number))) }
    let prior = try #require(try HistoryTests.prior(history, now: Self.now + 60))
    #expect(prior.points.contains { $0.poolSize == 4 && $0.weight > 150 })
  }
}
