import Foundation
import Support
import Testing

@Suite("Files of settings", .timeLimit(.minutes(10)))
struct SettingFileTests {
  private let cairn: Command
  private let path: String

  init() throws {
    cairn = try Command()
    path = cairn.folder(".config/cairn/config.toml")
    try FileManager.default.createDirectory(
      atPath: cairn.folder(".config/cairn"), withIntermediateDirectories: true)
  }

  private func write(_ text: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws
    -> Command.Outcome
  {
    try await Command.finish(cairn.process(arguments, environment: environment))
  }

  @Test(
    "what is wrong is named, with its key, file and line",
    arguments: [
      ("max-worker = 3", "1: there is no setting \"max-worker\"; is \"max-workers\" meant?"),
      ("\n[regitry.\"x.y\"]\nretries = 1", "3: there is no setting \"regitry.x.y.retries\""),
      ("max-workers = \"3\"", "1: max-workers takes a whole number"),
      ("# a\nmax-workers = 5000", "2: max-workers = 5000: --max-workers takes a number from 1"),
      ("workers = \"many\"", "1: workers = many: The value 'many' is invalid for '--workers"),
      ("workers = true", "1: workers takes a whole number, or \"auto\""),
      ("progress = \"loud\"", "1: progress takes one of \"auto\", \"bar\""),
      ("creds = \"u:hunter2\"", "1: \"creds\" is no setting: credentials belong in an auth file"),
      ("[registry.\"a.b\"]\ncreds = \"u:hunter2\"", "2: \"creds\" is no setting: credentials"),
      ("output = \"oci:x\"", "1: \"output\" is no setting: it says what one run is to write"),
      ("[command.tune]\nreset = true", "2: \"command.tune.reset\" is no setting: it makes the"),
      (
        "repeat = 3", "1: \"repeat\" is only that command's: it belongs in [command.tune]"
      ),
      ("[registry.x]\nretries = 1", "2: \"x\" is no registry's name"),
      ("[registry]\nretries = 1", "2: \"retries\" is no registry's name"),
      ("registry = 1", "1: registries have tables"),
      ("[registry.\"a.b\"]\nstore = \"/s\"", "2: \"store\" is the same for every registry"),
      (
        "[registry.\"a.b\"]\nretrys = 1", "2: there is no setting \"retrys\"; is \"retries\" meant?"
      ),
      ("retries = 1\nretries = 2", "2: it has \"retries\" twice"), ("a = [", "1: this is no TOML"),
      ("retries = [1]", "1: retries takes a whole number"),
      ("[retries]\nx = 1", "1: retries takes a whole number"),
      ("[[store]]", "1: store takes a path in quotes"),
      ("key = \"/etc/passwd\"", "1: key = /etc/passwd: --key needs --cert"),
      ("\"a\\u001b[2J\" = 1", "1: there is no setting \"a"),
    ])
  func wrong(text: String, words: String) async throws {
    try write(text)
    let outcome = try await run(["pull", "127.0.0.1:1/x"])
    #expect(outcome.status == 64)
    #expect(outcome.errors.hasPrefix("cairn: \(path):\(words)"), "\(outcome.errors)")
    #expect(!outcome.errors.contains("hunter2") && !outcome.errors.contains("\u{1B}"))
  }

  @Test(
    "whoever looks what is set hears what is wrong; whoever looks for the file or for help is not kept"
  )
  func helpfulWhereWrong() async throws {
    try write("max-workers = 5000")
    let outcome = try await run(["config", "show"])
    #expect(outcome.status == 64 && outcome.errors.contains(":1: max-workers = 5000: --max-w"))
    #expect(outcome.output.contains("max-workers") && outcome.output.contains(" 5000 "))
    try write("max-worker = 5000")
    #expect(try await run(["config", "path"]).output == path + "\n")
    #expect(try await run(["pull", "--help"]).status == 0)
    let mistyped = try await run(["pull", "x", "--frobnicate"])
    #expect(mistyped.errors.contains("Unknown option '--frobnicate'"))
  }

  @Test("a value that is for other commands stops none")
  func others() async throws {
    try write("max-workers = 5000\n[command.tune]\nformat = \"html\"")
    #expect(try await run(["store", "path"]).status == 0)
    // A default that does not go with what was typed is none for it.
    #expect(try await run(["tune", "--reset"]).output == "nothing to forget\n")
    #expect(try await run(["tune"]).output.hasPrefix("<!"))
  }

  @Test("a file that everybody may write is refused, and one that is none or cannot be read named")
  func untrusted() async throws {
    try write("retries = 1")
    #expect(chmod(path, 0o666) == 0)
    let open = try await run(["store", "path"])
    #expect(open.status == 64 && open.errors.contains("everybody may write it"), "\(open.errors)")
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(try await run(["store", "path"]).errors.contains("it is a directory"))
    try FileManager.default.removeItem(atPath: path)
    try Data([0xFF, 0xFE]).write(to: URL(filePath: path))
    #expect(try await run(["store", "path"]).errors.contains("they are not UTF-8"))
    let none = try await run(["store", "path"], ["CAIRN_CONFIG": "/nowhere"])
    #expect(none.status == 64 && none.errors.contains("/nowhere: No such file"))
    let off = try await run(["store", "path"], ["CAIRN_CONFIG": "/dev/null"])
    #expect(off.status == 0 && off.errors.isEmpty)
  }

  @Test(
    "another user's file is passed over, also by root", .enabled(if: geteuid() == 0, "needs root"))
  func strangers() async throws {
    try write("store = \"/elsewhere\"")
    #expect(chown(path, 4_321, 4_321) == 0)
    let outcome = try await run(["store", "path"])
    #expect(outcome.output == cairn.store + "\n")
    #expect(
      outcome.errors == "warning: \(path) is not read: it belongs to another user (4321)\n")
  }

  @Test(
    "settings behind another user's link, at any step, are passed over by root, and so is none that is not there",
    .enabled(if: geteuid() == 0, "needs root"),
    arguments: [".config/cairn/config.toml", ".config/cairn", ".config", "none"])
  func strangersLinks(link: String) async throws {
    try write("store = \"/elsewhere\"")
    let (place, target) = (cairn.folder(link), cairn.folder("of-root"))
    if link == "none" {
      try FileManager.default.removeItem(atPath: path)
      #expect(chown(cairn.folder(".config/cairn"), 4_321, 4_321) == 0)
    } else {
      #expect(rename(place, target) == 0 && symlink(target, place) == 0)
      #expect(lchown(place, 4_321, 4_321) == 0)
    }
    let outcome = try await run(["store", "path"])
    #expect(outcome.output == cairn.store + "\n")
    #expect(
      outcome.errors
        == (link == "none"
          ? ""
          : "warning: \(path) is not read: the link \(place) belongs to another user (4321)\n"))
  }

  @Test("config show has every value, and where it is from")
  func show() async throws {
    try write("max-workers = 32\n\n[registry.\"ghcr.io\"]\nretries = 3\n")
    let variables = ["CAIRN_STALL_TIMEOUT": "7", "CAIRN_MAX_WRKERS": "1"]
    let text = try await run(["config", "show"], variables)
    let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines.contains(["max-workers", "32", "\(path):1"]))
    #expect(lines.contains(["registry.\"ghcr.io\".retries", "3", "\(path):4"]))
    #expect(lines.contains(["stall-timeout", "7.0", "$CAIRN_STALL_TIMEOUT"]))
    #expect(lines.contains(["retries", "8", "default"]))
    #expect(
      text.errors
        == "warning: $CAIRN_MAX_WRKERS is no setting's variable; is $CAIRN_MAX_WORKERS meant?\n")
    let json = try await run(["config", "show", "--format", "json"], variables)
    let document = try JSONSerialization.jsonObject(with: json.bytes) as? [String: Any]
    let rows = try #require(document?["settings"] as? [[String: Any]])
    let own = try #require(rows.first { $0["key"] as? String == "max-workers" })
    #expect(own["value"] as? Int == 32 && own["source"] as? String == "user")
    #expect(own["file"] as? String == path && own["line"] as? Int == 1)
  }

  @Test("each registry of a run has its own settings")
  func perRegistry() async throws {
    let images = try [1, 2].map { try FakeImage(layers: [Content.bytes(90_000, seed: $0)]) }
    let (first, second) = (try FakeRegistry(images[0]), try FakeRegistry(images[1]))
    try write(
      """
      progress = "json"
      workers = 3
      retries = 0
      [registry."\(first.host)"]
      plain-http = true
      workers = 2
      [registry."\(second.host)"]
      plain-http = true
      max-workers = 5
      connect-timeout = 3
      """)
    let outcome = try await run(["pull", "\(first.host)/o/n", "\(second.host)/o/m", "--explain"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("\(first.host), policy fixed 2:"), "\(outcome.errors)")
    // Who says of one registry how many there may be wants them found there.
    #expect(outcome.errors.contains("\(second.host), policy climb:"), "\(outcome.errors)")
    let given = try await run(["digest", "\(first.host)/o/n"])
    #expect(given.status == 0, "\(given.errors)")
  }
}
