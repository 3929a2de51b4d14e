import Foundation
import Testing

/// Finds what reaches for the disk beside `Sources/Disk`.
///
/// A path that is opened by its name follows links, waits for pipes and replaces devices. The door
/// knows about all of that once.
@Suite("The door to the disk")
struct DoorTests {
  /// Calls of the C library that take a path, or change what is on the disk.
  static let calls = [
    "open", "open64", "openat", "creat", "fopen", "freopen", "opendir", "fdopendir", "readdir",
    "scandir", "rename", "renameat", "renameat2", "unlink", "unlinkat", "remove", "rmdir", "mkdir",
    "mkdirat", "mkfifo", "mknod", "mkstemp", "mkdtemp", "tmpfile", "link", "linkat", "symlink",
    "symlinkat", "readlink", "readlinkat", "realpath", "truncate", "ftruncate", "chmod", "fchmod",
    "fchmodat", "chown", "fchown", "lchown", "utimensat", "stat", "lstat", "fstatat", "access",
    "faccessat", "flock", "copy_file_range", "sendfile", "fsync", "fdatasync", "nftw", "fts_open",
  ]
  /// What of Foundation and others does the same.
  static let words = [
    "FileManager", "contentsOf: URL", "contentsOfFile", "contentsOfURL", "forWritingAtPath",
    "forReadingAtPath", "forUpdatingAtPath", "InputStream(", "OutputStream(", "FileDescriptor.open",
    "FilePath(", ".write(to: url", ".write(to: URL", "options: .atomic", "NSData(", "NSFileHandle",
    "fileURLWithPath",
  ]
  /// Files that may, and why.
  static let exempt: [String: String] = [
    "History": "SQLite opens its files by their names",
    "link-emulator": "a tool of the link lab that opens network devices",
    "TerminalPrompt.swift": "the terminal, which is no file",
    "TrustStore.swift": "asks whether /proc shows a file without a name",
    "TrustSettings.swift": "asks whether a directory can be read",
    "CairnCommand.swift": "standard output",
    "DedicatedThread.swift": "the thread's own name, in /proc",
  ]
  /// Rooms without effects have functions of their own with such names.
  static let rooms = ImportTests.pure.union(["Disk", "Progress"])

  /// What a file's text has that belongs behind the door.
  static func offences(in text: String) throws -> [String] {
    let code = text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.trimmingPrefix(while: \.isWhitespace).hasPrefix("//") }.joined(separator: "\n")
    var found = words.filter { code.contains($0) }
    for call in calls {
      for range in code.ranges(of: call + "(") {
        let before = code[..<range.lowerBound]
        // A longer word, a method, a function of that name, or `stat()`, which makes a value.
        let isPart = before.last.map { $0.isLetter || $0.isNumber || "_.`\"".contains($0) } ?? false
        guard !isPart || before.hasSuffix("Glibc."), !before.hasSuffix("func "),
          !code[range.upperBound...].hasPrefix(")")
        else { continue }
        found.append(call)
      }
    }
    return found
  }

  @Test("nothing reaches for the disk but by the door")
  func everythingUsesTheDoor() throws {
    let files = try ImportTests.files()
    for file in files {
      guard !Self.rooms.contains(file.room), Self.exempt[file.room] == nil,
        Self.exempt[file.name] == nil
      else { continue }
      let found = try Self.offences(in: file.text)
      #expect(found.isEmpty, "\(file.room)/\(file.name): \(found)")
    }
    #expect(files.count > 100)
  }

  @Test(
    "the search finds what it is for, and nothing else",
    arguments: [
      ("let x = open(path, O_RDONLY)", ["open"]), ("Glibc.rename(a, b)", ["rename"]),
      ("guard unlink(path) == 0", ["unlink"]),
      ("try Data(contentsOf: URL(x))", ["contentsOf: URL"]),
      ("FileManager.default.x", ["FileManager"]), ("if !(stat(p, &i) == 0)", ["stat"]),
      ("try storeOptions.open()", []), ("var info = stat()", []), ("func open(_ x: Int) {", []),
      ("// open(path)", []), ("  /// unlink(path)", []), ("reopen(x)", []), ("fstat(d, &i)", []),
      ("list.remove(at: 1)", []), ("try data.write(to: url)", [".write(to: url"]),
    ] as [(String, [String])])
  func finds(text: String, found: [String]) throws {
    #expect(try Self.offences(in: text) == found)
  }
}
