import Foundation
import SQLite
import Support
import Testing

/// The tuned pool, the history and `cairn tune`, against real servers.
@Suite("Tuning", .enabled(if: Command.hasServers), .timeLimit(.minutes(10)), .serialized)
struct TuneTests: TunedPulls {
  let cairn: Command
  /// A registry behind nginx that gives each connection 1 MB/s, and its largest image.
  let image: String

  init() throws {
    cairn = try Command()
    image = "\(try #require(Command.server("SLOW")))/big"
  }

  @Test("a fixed number teaches too; --explain and --trace show what happened")
  func explains() async throws {
    let trace = cairn.folder("trace.jsonl")
    let outcome = try await cairn(
      "pull", image, "--workers", "6", "--explain", "--trace", trace)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("policy fixed 6"))
    #expect(outcome.errors.contains("6 workers  given by --workers"))
    let steps = try lines(String(contentsOfFile: trace, encoding: .utf8))
    #expect(steps.count > 5)
    for step in steps {
      let sample = step["sample"] as? [String: Any]
      #expect(sample?["bytesDone"] is Int && step["decision"] is [String: Any])
    }
    let replay = try await cairn("simulate", "--replay", trace)
    #expect(replay.status == 0 && replay.output.split(separator: "\n").count > 1)
    #expect(try await report().first?["pulls"] as? Int == 1)
  }

  @Test("a pull whose rate the user limits teaches nothing, down to the history's rows")
  func learnsNothingFromACap() async throws {
    _ = try await pull(1, "--workers", "4", "--limit-rate", "4M")
    #expect(try await report().isEmpty)
    let database = try Database(file: cairn.folder(".local/state/cairn/history.sqlite"))
    for table in ["path", "pull", "layer", "epoch", "aggregate", "ceiling"] {
      let rows: Int? = try database.transaction(writes: false, within: 5) {
        try $0.first("SELECT count(*) FROM \(table)")
      }
      #expect(rows == 0, "\(table)")
    }
  }

  @Test("--policy pulls with another rule, and only with auto")
  func otherPolicies() async throws {
    let outcome = try await pull(1, "--policy", "fixed-3")
    #expect(try pools(outcome).sizes == [3])
    #expect(try await cairn("pull", image, "--policy", "aimd", "--workers", "2").status == 64)
    #expect(try await cairn("pull", image, "--policy", "magic").status == 64)
  }

  @Test("a sweep is stopped, resumed, and ends in a table and a plot; all of it is learned")
  func sweeps() async throws {
    let plot = cairn.folder("sweep.svg")
    let arguments = [
      "tune", "--sweep", image, "--workers", "8,16", "--repeat", "2", "--plot", plot, "--format",
      "json", "--yes",
    ]
    let running = try Running.start(cairn.process(arguments))
    // As soon as the first pull is written down, and long before the last one is over.
    let history = cairn.folder(".local/state/cairn/history.sqlite")
    var options = Database.Options()
    options.isReadOnly = true
    try await eventually {
      guard let database = try? Database(file: history, options) else { return false }
      let runs: Int? = try? database.transaction(writes: false, within: 5) {
        try $0.first("SELECT count(*) FROM sweepRun")
      }
      return runs ?? 0 > 0
    }
    running.process.interrupt()
    let stopped = await running.finished()
    #expect(stopped.status == 130)
    #expect(stopped.errors.contains("run the same command again"))
    #expect(stopped.errors.contains("4 pulls of ") && stopped.errors.contains(" each: "))
    let outcome = try await Command.finish(cairn.process(arguments))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("going on after"))
    let rows = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let sizes = (rows as? [[String: Any]] ?? []).compactMap { $0["workers"] as? Int }
    #expect(sizes == [8, 16])
    #expect(try String(contentsOfFile: plot, encoding: .utf8).hasPrefix("<svg"))
    #expect(try await report().first?["pulls"] as? Int ?? 0 >= 4)
  }

  @Test("what was learned is reported, exported, imported and forgotten")
  func manages() async throws {
    _ = try await pull(1, "--workers", "4")
    let text = try await cairn("tune", "--report")
    #expect(
      text.output.contains("not known yet: ") && text.output.contains("starts from 4 workers"))
    #expect(text.output.contains("####"))
    let points = try #require(try await report().first?["points"] as? [[String: Any]])
    #expect(points.first?["poolSize"] as? Int == 4 && points.first?["rate"] as? Int ?? 0 > 0)
    let csv = try await cairn("tune", "--format", "csv")
    #expect(csv.output.contains(",points\n") && csv.output.contains("4 "))
    let page = try await cairn("tune", "--format", "html")
    #expect(page.output.hasPrefix("<!DOCTYPE html>") && page.output.contains("<svg"))
    // On a phone the reasons stand below the figures.
    #expect(page.output.contains("<table class=\"steps\">") && page.output.contains(".steps tr"))
    #expect(
      page.output.contains("given by --workers") && !page.output.contains("http-equiv=\"refresh"))
    #expect(try await cairn("tune", "--report", "--registry", "other").output.contains("nothing"))
    let (file, other) = (cairn.folder("export.json"), cairn.folder("other.sqlite"))
    #expect(try await cairn("tune", "--export", file).status == 0)
    #expect(try await cairn("tune", "--import", file, "--history", other).status == 0)
    let imported = try await cairn("tune", "--report", "--history", other)
    #expect(imported.output.contains("imported"))
    #expect(try await cairn("tune", "--import", cairn.folder("none")).status == 66)
    // Without a terminal it does not ask, and does not forget.
    #expect(try await cairn("tune", "--reset").status == 64)
    #expect(try await report().count == 1)
    #expect(try await cairn("tune", "--reset", "--yes").output.contains("forgot one path"))
    #expect(try await report().isEmpty)
  }

  @Test(
    "a file to import may be anything: what is none of ours is refused, however long it is",
    arguments: [("/dev/zero", 66), ("/dev/null", 65), ("/proc/self/mem", 66), ("/", 66)])
  func oddImports(file: String, status: Int32) async throws {
    let outcome = try await cairn("tune", "--import", file)
    #expect(outcome.status == status, "\(outcome.errors)")
  }

  @Test("an export may be of one registry, and says nothing of others")
  func exportsOneRegistry() async throws {
    _ = try await pull(1, "--workers", "4")
    let registry = try #require(image.split(separator: "/").first.map(String.init))
    let file = cairn.folder("export.json")
    let none = try await cairn("tune", "--export", file, "--registry", "other.example")
    #expect(none.status == 66, "\(none.errors)")
    #expect(none.errors == "cairn: nothing was learned of other.example yet\n")
    #expect(!FileManager.default.fileExists(atPath: file))
    let own = try await cairn("tune", "--export", file, "--registry", registry)
    #expect(own.status == 0 && own.errors.contains("wrote one path to"))
    #expect(try String(contentsOfFile: file, encoding: .utf8).contains(registry))
  }

  @Test("an export comes through a pipe, too")
  func importsFromPipe() async throws {
    let (file, pipe) = (cairn.folder("export.json"), cairn.folder("pipe"))
    _ = try await pull(1, "--workers", "4")
    #expect(try await cairn("tune", "--export", file).status == 0)
    #expect(mkfifo(pipe, 0o600) == 0)
    // Its writer waits for a reader, as a shell's would.
    async let written = cairn("tune", "--export", pipe)
    let taken = try await cairn("tune", "--import", pipe, "--history", cairn.folder("new.sqlite"))
    #expect(taken.output.contains("one path"), "\(taken.errors)")
    _ = try await written
  }

  @Test("a history that cannot be used is a warning, once, and the pull goes on")
  func badHistory() async throws {
    let file = cairn.folder("bad.sqlite")
    try Data(repeating: 1, count: 5_000).write(to: URL(filePath: file))
    let other = try await cairn("pull", image, "--history", file, "--workers", "8")
    #expect(other.status == 0 && other.errors.contains("left alone"))
    #expect(FileManager.default.contents(atPath: file) == Data(repeating: 1, count: 5_000))
    let pipe = cairn.folder("pipe.sqlite")
    #expect(mkfifo(pipe, 0o600) == 0)
    try FileManager.default.createDirectory(
      atPath: cairn.folder("folder"), withIntermediateDirectories: true)
    for other in [pipe, "/dev/full", cairn.folder("folder/")] {
      let odd = try await cairn("pull", image, "--history", other, "--workers", "8")
      #expect(odd.status == 0 && odd.errors.contains("is no file"), "\(odd.errors)")
    }
    let folder = try await cairn(
      "pull", image, "--history", "/proc/nothing/history.sqlite", "--workers", "8", "--store",
      cairn.folder("second"))
    #expect(folder.status == 0)
    #expect(folder.warnings.count == 1, "\(folder.errors)")
  }

  @Test("a history, a trace and a plot may be bare names in the working directory")
  func bareNames() async throws {
    for arguments in [
      ["pull", image, "--workers", "4", "--history", "h.sqlite", "--trace", "t.jsonl"],
      ["tune", "--report", "--history", "h.sqlite", "--plot", "p.svg"],
      [
        "tune", "--sweep", image, "--workers", "16", "--repeat", "1", "--yes", "--history",
        "h.sqlite",
      ],
      ["tune", "--export", "e.json", "--history", "h.sqlite"],
      ["tune", "--import", "e.json", "--history", "i.sqlite"],
      ["simulate", "--replay", "t.jsonl"],
    ] {
      let process = cairn.process(arguments)
      process.currentDirectoryURL = URL(filePath: cairn.folder(""))
      let outcome = try await Command.finish(process)
      #expect(outcome.status == 0, "\(arguments) \(outcome.errors)")
    }
  }

  @Test("pulls with fixed pools are predicted at an image's own size")
  func predicts() async throws {
    let link = cairn.folder("link.json")
    try writeFile(
      link,
      Array(
        """
        {"name": "l", "about": "a", "bandwidthMbit": 80, "roundTripMs": 20, "bufferKiB": 1024,
         "tls": {"roundTrips": 1}, "perConnectionMbit": 8}
        """.utf8))
    let image = cairn.folder("image.json")
    try writeFile(image, Array(#"{"name": "i", "about": "a", "layersKB": [10000]}"#.utf8))
    let outcome = try await cairn(
      "simulate", "--model", link, "--image", image, "--workers", "1,5", "--format", "csv")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0] == "link,image,workers,seconds,MiB/s", "\(outcome.errors)")
    let seconds = lines.dropFirst().compactMap { Double($0.split(separator: ",")[3]) }
    // A megabyte a second for each connection, after some round trips.
    #expect(seconds.count == 2 && seconds[0] > 10 && seconds[0] < 11)
    #expect(seconds[1] > 2 && seconds[1] < 3)
    let wrong = try await cairn("simulate", "--workers", "0")
    #expect(wrong.status == 64)
  }

  @Test("one mode at a time, and options where they belong")
  func usage() async throws {
    let (plain, asked) = (try await cairn("tune"), try await cairn("tune", "--report"))
    #expect(plain.status == 0 && plain.output == asked.output && !plain.output.isEmpty)
    #expect(try await cairn("tune", "--report", "--reset").status == 64)
    #expect(try await cairn("tune", "--report", "--yes").status == 64)
    #expect(try await cairn("tune", "--sweep", "a", "--workers", "3-1").status == 64)
    for misfit in [
      ["--workers", "3"], ["--export", "-", "--repeat", "10"],
      ["--sweep", image, "--registry", "h"],
    ] {
      let outcome = try await Command.finish(cairn.process(["tune"] + misfit))
      #expect(outcome.status == 64 && outcome.errors.contains(" belong"), "\(misfit)")
    }
    // Without a terminal nobody can be asked, and nothing is pulled.
    let unasked = try await cairn("tune", "--sweep", image, "--workers", "1", "--repeat", "1")
    #expect(unasked.status == 64 && unasked.errors.contains("without one, give --yes"))
    #expect(unasked.errors.contains("one pull of ") && unasked.output.isEmpty)
  }
}
