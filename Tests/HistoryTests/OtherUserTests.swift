import Foundation
import Support
import Testing

@testable import History

/// Another user of the machine, and a history of root's that he can lead elsewhere.
@Suite("Histories within another user's reach", .enabled(if: geteuid() == 0))
struct OtherUserTests {
  static let stranger: uid_t = 65_534

  /// Folders: one of the other user's, one of root's, with a file in it that he is after.
  static func scene() throws -> (TemporaryFolder, his: String, secret: String) {
    let folder = try TemporaryFolder()
    let (his, roots) = (folder("his"), folder("roots"))
    #expect(mkdir(his, 0o755) == 0 && mkdir(roots, 0o700) == 0)
    #expect(chown(his, stranger, stranger) == 0)
    try writeFile(roots + "/file", Array("precious".utf8))
    chmod(roots + "/file", 0o644)
    return (folder, his, roots + "/file")
  }

  static func refusal(_ file: String) -> HistoryError.Kind? {
    HistoryTests.kind { () throws(HistoryError) in _ = try History(file: file) }
  }

  @Test(
    "root uses no history that another user can lead elsewhere, and makes nothing there",
    arguments: [
      "his folder", "his link to a file", "his link to nothing", "his link on the way",
      "his link beside it", "root's link into his folder", "root's link by way of his folder",
      "a folder for all", "a folder for all with its own things", "his file",
    ])
  func refused(what: String) throws {
    let (folder, his, secret) = try Self.scene()
    let roots = Files.parent(secret)
    var file = his + "/h.sqlite"
    switch what {
    case "his link to a file": symlink(secret, file)
    case "his link to nothing": symlink(roots + "/new", file)
    case "his link on the way":
      symlink(roots, his + "/l")
      file = his + "/l/a/h.sqlite"
    case "his link beside it": symlink(roots + "/new", file + "-journal")
    case "root's link into his folder":
      symlink(his, folder("l"))
      file = folder("l/h.sqlite")
    case "root's link by way of his folder":
      symlink(his, folder("l"))
      mkdir(his + "/inner", 0o755)
      file = folder("l/inner/h.sqlite")
    case "a folder for all", "a folder for all with its own things":
      chown(his, 0, 0)
      chmod(his, what.hasSuffix("things") ? 0o1777 : 0o777)
    case "his file":
      file = roots + "/h.sqlite"
      try writeFile(file, [])
      chown(file, Self.stranger, Self.stranger)
    default: break
    }
    for path in [file, file + "-journal"] where Files.isLink(path) {
      lchown(path, Self.stranger, Self.stranger)
    }
    lchown(his + "/l", Self.stranger, Self.stranger)
    let before = Files.tree(folder.path)
    #expect(Self.refusal(file) == .foreign)
    #expect(Files.tree(folder.path) == before)
    #expect(try readFile(secret) == Array("precious".utf8))
    var info = stat()
    #expect(stat(secret, &info) == 0 && info.st_mode & 0o777 == 0o644)
  }

  @Test("root's own links lead to root's history, which gets its mode and is set aside there")
  func own() throws {
    let (folder, _, secret) = try Self.scene()
    let roots = Files.parent(secret)
    let real = try HistoryTests.fixture("4", in: folder)
    chmod(real, 0o644)
    symlink(real, roots + "/h.sqlite")
    try History(file: roots + "/h.sqlite").record(HistoryTests.entry())
    var info = stat()
    #expect(stat(real, &info) == 0 && info.st_mode & 0o777 == 0o600)
    var bytes = try readFile(real)
    bytes.replaceSubrange(16..<100, with: repeatElement(7, count: 84))
    try writeFile(real, bytes)
    var words: [String] = []
    _ = try History(file: roots + "/h.sqlite") { words.append($0) }
    #expect(words.count == 1 && words.first?.contains(real + ".corrupt-") == true, "\(words)")
  }

  /// What is in folders.
  enum Files {
    static func parent(_ path: String) -> String {
      URL(filePath: path).deletingLastPathComponent().path
    }

    static func isLink(_ path: String) -> Bool {
      var info = stat()
      return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK
    }

    static func tree(_ path: String) -> [String] {
      (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted()
    }
  }
}
