import Foundation
import Support
import Testing

/// The program on file systems that say odd things, by a preloaded library that says them for one
/// [rclone#2356, borg#1287].
@Suite(
  "Odd disks", .timeLimit(.minutes(10)),
  .enabled(if: Command.hasServers))
struct OddDiskTests {
  let cairn: Command
  /// The preloaded library that `tools/faults` uses, too.
  private let library: String
  /// What the library writes to when it comes to that.
  private var log: String { cairn.folder("happened") }

  init() async throws {
    cairn = try Command()
    library = cairn.folder("faulty_calls.so")
    let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "tools/cairnlab/faults/faulty_calls.c").path
    try await Command.tool("cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl")
      .expectSuccess()
  }

  func pull(_ variables: [String: String], _ arguments: String...) async throws -> Command.Outcome {
    let host = try #require(Command.server("REGISTRY"))
    return try await Command.finish(
      cairn.process(
        ["pull", "\(host)/demo", "--progress", "plain"] + arguments,
        environment: ["LD_PRELOAD": library, "FAULT_LOG": log].merging(variables) { $1 }))
  }

  static func call(_ call: String, _ code: Int32, path: String = "/") -> [String: String] {
    ["FAULT_CALL": call, "FAULT_ERRNO": "\(code)", "FAULT_PATH": path]
  }

  @Test(
    "a file system that cannot do something keeps an image all the same, and says once what is lacking",
    arguments: [
      (call("fsync", EINVAL), "does not sync directories"),
      (call("fsync", EOPNOTSUPP), "does not sync directories"),
      (call("fsync", EBADF), "does not sync directories"),
      (call("fsync,fdatasync", ENOSYS, path: "store"), "does not sync files"),
      (call("fdatasync", EINVAL), "does not sync files"), (call("flock", ENOLCK), "has no locks"),
      (call("flock", ENOSYS), "has no locks"), (call("flock", EOPNOTSUPP), "has no locks"),
      (call("lock-read", EBADF), nil), (call("across", EXDEV), nil), (call("link", EPERM), nil),
      (call("fchmod", EPERM), nil), (call("inode", 0), nil),
      (call("rename", EEXIST, path: "index.json").merging(["FAULT_TIMES": "1"]) { $1 }, nil),
      (call("fsync,fdatasync,flock,link,fchmod", EOPNOTSUPP, path: "store"), "has no locks"),
      (["FAULT_SPACE": "0,0,4096,4096"], nil), (["FAULT_SPACE": "0,0,0,0"], nil),
      (["FAULT_SPACE": "1000,18446744073709551611,4096,4096"], nil),
      (["FAULT_SPACE": "18446744073709551615,18446744073709551615,4096,4096"], nil),
    ] as [([String: String], String?)])
  func works(variables: [String: String], words: String?) async throws {
    let layout = cairn.folder("layout")
    for _ in 0..<2 {
      let outcome = try await pull(variables, "--output", "oci:\(layout)", "--overwrite", "--link")
      outcome.expectSuccess()
      if let words {
        #expect(outcome.warnings.filter { $0.contains(words) }.count == 1, "\(outcome.errors)")
      } else {
        #expect(outcome.warnings.isEmpty, "\(outcome.errors)")
      }
    }
    // No lock is ever asked of what is open for reading only.
    #expect(
      FileManager.default.fileExists(atPath: log) == (variables["FAULT_CALL"] != "lock-read"))
    let verified = try await cairn("store", "verify")
    verified.expectSuccess()
    #expect(verified.output.contains(" 0 damaged"))
  }

  @Test("a history that cannot be synced is used all the same")
  func historyWithoutSync() async throws {
    let history = cairn.folder("history.sqlite")
    let variables = Self.call("fsync,fdatasync", EINVAL, path: "history")
    let outcome = try await pull(variables, "--history", history)
    outcome.expectSuccess()
    #expect(outcome.warnings.isEmpty, "\(outcome.errors)")
    let report = try await cairn("tune", "--report", "--history", history)
    #expect(report.output.contains("1 pull"), "\(report.output) \(report.errors)")
  }

  @Test(
    "a history without locks is used all the same, and said to be without, before anything is fetched"
  )
  func historyWithoutLocks() async throws {
    let history = cairn.folder("a strange? folder") + "/history.sqlite"
    for _ in 0..<2 {
      let outcome = try await pull(Self.call("fcntl", ENOLCK), "--history", history)
      outcome.expectSuccess()
      #expect(outcome.errors.hasPrefix("warning: the file system of "), "\(outcome.errors)")
      #expect(outcome.errors.contains("no locks") && !outcome.errors.contains("learns"))
    }
    let report = try await cairn("tune", "--report", "--history", history)
    #expect(report.output.contains("1 pull"), "\(report.output) \(report.errors)")
  }

  @Test(
    "a broken disk is no odd one", arguments: [("fsync", EIO), ("fdatasync", EIO), ("flock", EIO)])
  func broken(call: String, code: Int32) async throws {
    let outcome = try await pull(Self.call(call, code, path: "store"))
    #expect(
      outcome.status == 73 && outcome.errors.contains("Input/output error"), "\(outcome.errors)")
  }

  @Test("a full disk is said to be full before anything is fetched")
  func full() async throws {
    let outcome = try await pull(["FAULT_SPACE": "1000,2,4096,4096"])
    #expect(outcome.status == 73 && outcome.errors.contains("8.0 KiB free"), "\(outcome.errors)")
  }

  @Test(
    "a quota that is used up, and a file that may not be larger, are called that (nf-core/configs#775)",
    arguments: [
      (EDQUOT, "the disk quota is used up", "quota counts"),
      (EFBIG, "File too large", "ulimit -f"), (ENOSPC, "not enough space", "free some space"),
    ])
  func lacking(code: Int32, words: String, hint: String) async throws {
    let outcome = try await pull(Self.call("pwrite", code, path: "ingest"))
    #expect(outcome.status == 73 && outcome.errors.contains(words), "\(outcome.errors)")
    let hints = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("hint: ") }
    #expect(hints.count == 1 && hints[0].contains(hint), "\(outcome.errors)")
    #expect(outcome.errors.contains("free some space") == (code == ENOSPC), "\(outcome.errors)")
    try await pull([:]).expectSuccess()
  }

  @Test(
    "a file system, or a limit, that takes no files as large as a layer is known before anything is fetched"
  )
  func tooLarge() async throws {
    let early = try await pull(Self.call("lseek", EINVAL, path: ".cairn/lock"))
    #expect(early.status == 73 && early.errors.contains("keeps no file of"), "\(early.errors)")
  }
}
