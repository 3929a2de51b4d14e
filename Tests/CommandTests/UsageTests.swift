import Foundation
import Support
import Testing

@Suite("Command line", .timeLimit(.minutes(10)))
struct UsageTests {
  @Test(
    "help screens",
    arguments: [
      ("cairn", []), ("pull", ["pull"]), ("simulate", ["simulate"]), ("tune", ["tune"]),
      ("inspect", ["inspect"]), ("tags", ["tags"]), ("digest", ["digest"]),
      ("store", ["store"]), ("store-remove", ["store", "remove"]),
      ("store-list", ["store", "list"]), ("store-verify", ["store", "verify"]),
      ("store-prune", ["store", "prune"]), ("store-path", ["store", "path"]),
      ("serve", ["serve"]),
      ("completion", ["completion"]),
      ("config", ["config"]), ("config-show", ["config", "show"]),
      ("config-path", ["config", "path"]),
    ] as [(String, [String])])
  func help(name: String, command: [String]) async throws {
    let cairn = try Command()
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Help/\(name).txt")
    let outcome = try await Command.finish(
      cairn.process(command + ["--help"], environment: ["COLUMNS": "80"]))
    #expect(outcome.status == 0)
    #expect(outcome.output == (try String(contentsOf: file, encoding: .utf8)))
  }

  @Test("a malformed reference points at the character")
  func malformedReference() async throws {
    let cairn = try Command()
    let outcome = try await cairn("pull", "ghcr.io/o/N")
    #expect(outcome.status == 64)
    #expect(
      outcome.errors == """
        cairn: invalid image reference: repository names are lower case: ghcr.io/o/n
          ghcr.io/o/N
                    ^

        """)
    #expect(outcome.output.isEmpty)
  }

  @Test(
    "a word in a command's place says which command may be meant",
    arguments: [
      ("pul x", "cairn has no command \"pul\"", "is \"cairn pull\" meant?"),
      ("images", "cairn has no command \"images\"", "is \"cairn store list\" meant?"),
      ("store rm x", "cairn store has no command \"rm\"", "is \"cairn store remove\" meant?"),
      ("store lst", "cairn store has no command \"lst\"", "is \"cairn store list\" meant?"),
      (
        "store frobnicate", "cairn store has no command \"frobnicate\"",
        "see \"cairn store --help\""
      ),
      (
        "ubuntu:22.04 --quiet", "cairn has no command \"ubuntu:22.04\"",
        "to download an image: cairn pull ubuntu:22.04"
      ),
      (
        "login ghcr.io", "cairn has no command \"login\"",
        "cairn uses the logins of docker, podman and skopeo: log in with one of them, or give --creds"
      ),
    ])
  func strayWord(line: String, message: String, hint: String) async throws {
    let cairn = try Command()
    let words = line.split(separator: " ").map(String.init)
    let outcome = try await Command.finish(cairn.process(words, environment: [:]))
    #expect(outcome.status == 64)
    #expect(outcome.errors == "cairn: \(message)\nhint: \(hint)\n")
    #expect(outcome.output.isEmpty)
  }

  @Test(
    "usage errors exit 64 and touch nothing",
    arguments: [
      ["pull"], ["pull", "x", "--workers", "0"], ["pull", "x", "--workers", "many"],
      ["pull", "x", "--workers", "4", "--max-workers", "2"],
      ["pull", "x", "--quiet", "--progress", "json"],
      ["pull", "x", "--platform", "linux"],
      ["pull", "x", "--platform", "linux/arm64", "--all-platforms"],
      ["pull", "x", "--output", "nonsense"],
      ["pull", "x", "--output", "tar:y"], ["pull", "x", "--limit-rate", "fast"],
      ["pull", "x", "--retries", "-1"],
      ["pull", "x", "--creds", ":p"], ["pull", "x", "--creds", "user"],
      ["pull", "x", "--ca-file", "/nowhere.pem"], ["pull", "x", "--ca-file", "/dev/null"],
      ["pull", "x", "--ca-only", "/nowhere.pem"], ["pull", "x", "--ca-only", "/"],
      ["pull", "x", "--ca-file", "a.pem", "--ca-only", "a.pem"],
      ["pull", "x", "--authfile", "/nowhere.json"], ["pull", "x", "--key", "/etc/passwd"],
      ["pull", "x", "--cert", "/nowhere.pem"], ["pull", "x", "--registries-conf", "/nowhere.conf"],
      ["pull", "x", "--short-names", "crane"], ["inspect", "x", "--explain-endpoints", "--raw"],
      ["pull", "x", "--connect-timeout", "0"],
      ["pull", "x", "--output", "docker-archive:-", "--output", "oci-archive:-"], ["inspect"],
      ["frobnicate"],
      ["tags"], ["tags", "x:1"], ["tags", "X"], ["digest"], ["digest", "x", "--platform", "linux"],
      ["tags", "x@sha256:\(String(repeating: "a", count: 64))"],
      ["store", "remove"], ["store", "remove", "x", "--platform", "linux"],
      ["store", "prune", "--older-than", "soon"], ["store", "prune", "--keep-bytes", "lots"],
    ])
  func usage(arguments: [String]) async throws {
    let cairn = try Command()
    let outcome = try await Command.finish(cairn.process(arguments))
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(!outcome.errors.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: cairn.store))
  }

  @Test("a variable that is no setting's is warned of, once, whatever the command")
  func unknownVariable() async throws {
    let cairn = try Command()
    let outcome = try await cairn("store", "list", environment: ["CAIRN_MAX_WORKER": "3"])
    let words =
      "warning: $CAIRN_MAX_WORKER is no setting's variable; is $CAIRN_MAX_WORKERS meant?\n"
    #expect(outcome.status == 0)
    #expect(outcome.errors.components(separatedBy: words).count == 2, "\(outcome.errors)")
  }

  @Test("an error that nobody can be told has its exit code all the same")
  func fullStandardError() async throws {
    let cairn = try Command()
    let process = cairn.process(["store", "list", "--store", "/dev/null/none"])
    process.standardError = FileHandle(forWritingAtPath: "/dev/full")
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 73)
  }

  @Test(
    "words on standard output that nobody can be given are an error",
    arguments: [["store", "list", "--format", "json"], ["tune", "--report"]])
  func fullStandardOutput(arguments: [String]) async throws {
    let cairn = try Command()
    let process = cairn.process(arguments)
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 73)
  }

  @Test("progress that cannot be written is warned of, once, and the pull ends well")
  func lostOutput() async throws {
    let cairn = try Command()
    let registry = try FakeRegistry(try FakeImage(layers: [Content.bytes(300_000, seed: 1)]))
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", "exec \"$0\" pull $1/o/n --plain-http --progress json > /dev/full", Command.path,
      registry.host,
    ]
    let outcome = try await Running.start(process).finished()
    let words = outcome.errors
    #expect(outcome.status == 0, "\(words)")
    #expect(words.components(separatedBy: "warning:").count == 2, "\(words)")
    #expect(words.lowercased().contains("no space left"), "\(words)")
  }

  @Test("a trace that cannot be written is warned of once, and the pull goes on")
  func lostTrace() async throws {
    let cairn = try Command()
    let registry = try FakeRegistry(try FakeImage(layers: [Content.bytes(300_000, seed: 1)]))
    // Long enough for some samples.
    let outcome = try await Command.finish(
      cairn.process([
        "pull", "\(registry.host)/o/n", "--plain-http", "--limit-rate", "400K", "--trace",
        "/dev/full",
      ]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.errors.components(separatedBy: "warning: the trace is not whole").count == 2,
      "\(outcome.errors)")
  }

  @Test("too few open files are said to be too few", arguments: [4, 5, 6, 13, 20, 24, 31])
  func fewFiles(limit: Int) async throws {
    let cairn = try Command()
    let process = cairn.process(["store", "list"])
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "ulimit -n \(limit); exec \"$0\" store list", Command.path]
    let outcome = try await Running.start(process).finished()
    #expect(
      outcome.status == 73 && outcome.errors.contains("\(limit) open files (ulimit -n) are too few")
    )
  }

  @Test(
    "too little memory for threads is said at once, and is no reason to wait for ever",
    arguments: ["-v 123000", "-d 30000", "-d 8000", "-v 140000"],
    [["store", "list"], ["pull", "127.0.0.1:1/x", "--retries", "0"], ["--version"]])
  func littleMemory(limit: String, arguments: [String]) async throws {
    let cairn = try Command()
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments =
      ["-c", "ulimit \(limit); exec timeout -k 1 20 \"$0\" \"$@\"", Command.path] + arguments
    let outcome = try await Running.start(process).finished()
    // Below some bound not even the libraries are loaded.
    let isSaid = outcome.status == 70 && outcome.errors.contains("too little memory")
    #expect(isSaid || outcome.status == 127, "\(outcome)")
  }

  @Test(
    "too few threads are said at once (ulimit -u)", .enabled(if: geteuid() == 0), arguments: 1...12)
  func fewThreads(limit: Int) async throws {
    let cairn = try Command()
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/usr/bin/setpriv")
    // Root's own are not counted; nobody has others of this user.
    process.arguments = [
      "--reuid", "61616", "--clear-groups", "prlimit", "--nproc=\(limit)", Command.path,
      "--version",
    ]
    let outcome = try await Running.start(process).finished()
    let isSaid = outcome.status == 70 && outcome.errors.contains("too few threads")
    #expect(isSaid || outcome.status == 0, "\(outcome)")
    #expect(isSaid || limit > 2)
  }

  @Test("a registry that is not there is a network error, with a hint where one helps")
  func noRegistry() async throws {
    let cairn = try Command()
    let refused = try await cairn("pull", "127.0.0.1:1/x", "--retries", "0")
    #expect(refused.status == 69)
    #expect(refused.errors.contains("127.0.0.1:1, manifest x:latest: "))
    let unknown = try await cairn("pull", "does-not-exist.invalid/x", "--retries", "0")
    #expect(unknown.status == 69)
    #expect(unknown.errors.contains("hint: check the registry's name"))
  }

  @Test("a store that cannot be written, is none, or is from a later version")
  func badStores() async throws {
    let cairn = try Command()
    let unwritable = try await cairn("pull", "127.0.0.1:1/x", "--store", "/proc/cairn")
    #expect(unwritable.status == 73)
    #expect(unwritable.errors.contains("/proc/cairn"))
    let other = cairn.folder("mine")
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
    try writeFile(other + "/precious", [1])
    let none = try await cairn("store", "list", "--store", other)
    #expect(none.status == 73)
    #expect(none.errors == "cairn: \(other) exists but is no OCI image layout\n")
    try FileManager.default.createDirectory(
      atPath: cairn.store + "/.cairn", withIntermediateDirectories: true)
    try writeFile(cairn.store + "/.cairn/version", Array("9\n".utf8))
    let json = try await cairn("pull", "127.0.0.1:1/x", "--progress", "json")
    #expect(json.output.contains("\"event\":\"failed\"") && json.errors.isEmpty)
    let newer = try await cairn("store", "list")
    #expect(newer.status == 73)
    #expect(newer.errors.contains("made by a later cairn"))
  }

  @Test("the store's place: option, then CAIRN_STORE, then XDG_DATA_HOME, then home")
  func storePath() async throws {
    let cairn = try Command()
    #expect(try await cairn("store", "path", "--store", "/a").output == "/a\n")
    #expect(try await cairn("store", "path").output == cairn.store + "\n")
    #expect(
      try await cairn("store", "path", environment: ["CAIRN_STORE": "", "XDG_DATA_HOME": "/d"])
        .output
        == "/d/cairn/store\n")
    #expect(
      try await cairn("store", "path", environment: ["CAIRN_STORE": ""]).output
        == cairn.folder.path + "/.local/share/cairn/store\n")
  }

  @Test("secrets given on the command line are never shown")
  func hidesSecrets() async throws {
    let server = try RawServer { _ in .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")]) }
    let cairn = try Command()
    let outcome = try await cairn(
      "pull", "\(server.host)/x", "--plain-http", "--creds", "user:hunter2", "--log-level", "debug")
    #expect(outcome.status == 77)
    #expect(!(outcome.errors + outcome.output).contains("hunter2"))
  }

  @Test("escape codes in a registry's words do not reach the terminal")
  func harmlessWords() async throws {
    let server = try RawServer { _ in
      .status(404, [], "{\"errors\":[{\"message\":\"\\u001b]0;owned\\u0007\"}]}")
    }
    let cairn = try Command()
    let outcome = try await cairn("pull", "\(server.host)/x", "--plain-http")
    #expect(outcome.status == 66)
    #expect(!outcome.errors.contains("\u{1B}") && !outcome.errors.contains("\u{7}"))
  }

  @Test("schema 1, a wrong digest and damaged content exit 65")
  func integrity() async throws {
    let cairn = try Command()
    let schema1 = try RawServer { _ in .ok(#"{"schemaVersion":1,"fsLayers":[]}"#) }
    let outcome = try await cairn("pull", "\(schema1.host)/x", "--plain-http")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("schema 1"))
    var image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    image.blobs[image.layers[0]]?[0] ^= 1
    let damaged = try FakeRegistry(image)
    let second = try await cairn("pull", "\(damaged.host)/x", "--plain-http")
    #expect(second.status == 65)
    #expect(second.errors.contains("layer 1 of \(damaged.host)/x:latest is damaged"))
  }
}
