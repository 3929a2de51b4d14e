import Foundation
import Support
import Testing

@Suite("A site's history, shared", .timeLimit(.minutes(10)))
struct SiteTests: TunedPulls {
  let cairn: Command
  let image: String
  private let registry: FakeRegistry
  private var site: String { cairn.folder("site") }

  init() throws {
    cairn = try Command()
    registry = try FakeRegistry(try FakeImage(layers: [Content.bytes(8_000_000, seed: 1)]))
    image = "\(registry.host)/o/n"
    try FileManager.default.createDirectory(
      atPath: cairn.folder("site"), withIntermediateDirectories: false)
  }

  /// What a machine with 12 workers would have exported.
  private func write(_ name: String, pulls: Int, source: String, workers: Int = 12) throws {
    let now = Int(Date().timeIntervalSince1970)
    let text = """
      {"at":\(now),"cpus":4,"source":"\(source)","version":1,"paths":[{"blobHost":"\(registry.host)",
      "points":[{"poolSize":\(workers),"statistics":{"busyWeight":60,"mean":15,"squares":0,"weight":60}}],
      "pulls":\(pulls),"registry":"\(registry.host)"}]}
      """
    try text.write(toFile: site + "/" + name, atomically: true, encoding: .utf8)
  }

  @Test("a machine that knows nothing opens as others did; one that knows something does not ask")
  func opens() async throws {
    try write("a.json", pulls: 4, source: "a")
    try write("b.json", pulls: 3, source: "b")
    let before = try FileManager.default.contentsOfDirectory(atPath: site)
    let options = ["--plain-http", "--history-site", site]
    func sizes(_ store: Int, _ more: [String]) async throws -> [Int] {
      let outcome = try await Command.finish(
        cairn.process(
          [
            "pull", image, "--progress", "json", "--plain-http", "--store",
            cairn.folder("s\(store)"),
          ]
            + more))
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try pools(outcome).sizes
    }
    #expect(try await sizes(1, options + ["--history", cairn.folder("h1")]).first == 12)
    #expect(try await sizes(2, ["--history", cairn.folder("h2")]).first ?? 0 < 12)
    #expect(try FileManager.default.contentsOfDirectory(atPath: site) == before)
    try write("own.json", pulls: 1, source: "c", workers: 4)
    let own = ["--history", cairn.folder("h3")]
    let taken = try await Command.finish(
      cairn.process(["tune", "--import", site + "/own.json"] + own))
    #expect(taken.status == 0, "\(taken.errors)")
    #expect(try await sizes(3, options + own).first ?? 0 < 12)
  }

  @Test("the report says what is the site's, of how many pulls and machines")
  func report() async throws {
    try write("a.json", pulls: 4, source: "a")
    try write("b.json", pulls: 3, source: "b")
    let text = try await cairn("tune", "--history-site", site)
    #expect(text.output.contains("from the site's history (7 pulls on 2 machines)"))
    #expect(text.output.contains("a hint until it has measured"))
    #expect(!FileManager.default.fileExists(atPath: cairn.folder(".local")))
    let one = try await cairn("tune", environment: ["CAIRN_HISTORY_SITE": site + "/a.json"])
    #expect(one.output.contains("from the site's history (4 pulls on 1 machine)"))
  }

  @Test(
    "files that are none of ours, or too large, are passed over with one warning, and the pull goes on"
  )
  func damaged() async throws {
    try write("good.json", pulls: 4, source: "a")
    try Data("{".utf8).write(to: URL(filePath: site + "/bad.json"))
    try Data("x".utf8).write(to: URL(filePath: site + "/ignored.txt"))
    try Data(repeating: 0x20, count: 9 << 20).write(to: URL(filePath: site + "/huge.json"))
    mkfifo(site + "/pipe.json", 0o600)
    let outcome = try await cairn(
      "pull", image, "--plain-http", "--history-site", site, "--progress", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try pools(outcome).sizes.first == 12)
    let warnings = try lines(outcome.output).filter { $0["event"] as? String == "warning" }
      .compactMap { $0["message"] as? String }.filter { $0.contains("site's history") }
    #expect(warnings.count == 1 && warnings[0].hasSuffix("so are 2 more"), "\(warnings)")
    let none = try await cairn("tune", "--history-site", cairn.folder("none"))
    #expect(none.status == 0 && none.errors.contains("No such file"), "\(none.errors)")
  }

  @Test(
    "an export is merged into what others exported, or replaces it; a file that is none is left")
  func merges() async throws {
    _ = try await cairn("pull", image, "--plain-http", "--workers", "4")
    try write("all.json", pulls: 4, source: "a")
    let file = site + "/all.json"
    let merged = try await cairn("tune", "--export", file, "--merge")
    #expect(merged.status == 0 && merged.errors == "wrote one path to \(file)\n")
    let both = try String(contentsOfFile: file, encoding: .utf8)
    #expect(both.contains("\"source\":\"a\"") && both.contains("\"pulls\":1,"))
    let text = try await cairn("tune", "--history-site", file, "--history", cairn.folder("new"))
    // A pull that was over before anything could be measured counts for none.
    let words = ["(4 pulls on 1 machine)", "(5 pulls on 2 machines)"]
    #expect(words.contains { text.output.contains($0) }, "\(text.output)")
    #expect(try await cairn("tune", "--export", file).status == 0)
    #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("\"source\":\"a\""))
    try Data("mine".utf8).write(to: URL(filePath: file))
    #expect(try await cairn("tune", "--export", file, "--merge").status == 65)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
    #expect(try await cairn("tune", "--export", "-", "--merge").status == 64)
    #expect(try await cairn("tune", "--merge").status == 64)
  }
}
