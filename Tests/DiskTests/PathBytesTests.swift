@testable import Disk
import Foundation
import Support
import Testing
import Text

/// Paths are bytes to the kernel: what is a slash, and which two names are one.
@Suite("Paths, byte by byte", .timeLimit(.minutes(3)))
struct PathBytesTests {
  static let marks = ["\u{301}", "\u{FE0F}", "\u{200D}"]
  /// Letters of the class Prepend, which are one character with what follows.
  static let prepended = ["\u{D4E}", "\u{600}", "\u{111C2}"]

  @Test(
    "root follows no link of another user, whatever letters stand beside the slash",
    .enabled(if: Scene.isRoot),
    arguments: marks.map { ("a", $0) } + prepended.map { ("a" + $0, "") })
  func foreignLinks(link: String, start: String) throws {
    let scene = try Scene()
    try scene.makeFolder("roots")
    try scene.makeFolder("other")
    chown(scene.path("other"), Scene.stranger, Scene.stranger)
    scene.link("other/\(link)", to: scene.path("roots"), owner: Scene.stranger)
    let path = scene.path("other/\(link)/\(start)m.txt")
    #expect(throws: DiskError.self) { try OutputFile(path) }
    #expect(throws: DiskError.self) { try OutputFile.check(path) }
    #expect(throws: DiskError.self) { try Folder(path, making: 0o700) }
    let other = try Folder(scene.path("other"))
    #expect(throws: DiskError.self) { try other.folder("\(link)/\(start)m", making: 0o700) }
    #expect(scene.names("roots") == [])
  }

  @Test("a mark behind a slash belongs to the name behind it", arguments: marks)
  func parents(mark: String) throws {
    let scene = try Scene()
    #expect(Files.parent(of: "a/\(mark)b") == "a" && Files.parent(of: "/\(mark)b") == "/")
    let folder = try Folder(scene.folder.path).folder("a/\(mark)b", making: 0o700)
    #expect(folder.isEmpty && scene.names() == ["a"] && scene.names("a").count == 1)
    let output = try OutputFile(scene.path("a/\(mark)c"))
    try output.finish()
    #expect(scene.names("a").count == 2)
    let home = UserFolders(["HOME": "/\(mark)x", "XDG_DATA_HOME": "/\(mark)y"], homeOfUser: "/z")
    #expect(home.home.exact == "/\(mark)x".exact && home.data.exact == "/\(mark)y".exact)
    #expect(try Files.absolute("/\(mark)x").exact == "/\(mark)x".exact)
    let socket = try LocalSocket(scene.path("a/\(mark)s"))
    #expect(socket.name.exact == "\(mark)s".exact)
  }

  @Test("names that only look the same are two files")
  func canonical() throws {
    let scene = try Scene()
    for (one, other) in [("é", "e\u{301}"), ("K", "\u{212A}")] {
      #expect(!OutputFile.isSame(scene.path(one), scene.path(other)))
      #expect(OutputFile.isSame(scene.path(one), scene.path("./\(one)")))
    }
  }

  @Test("a link to a name that is no UTF-8 is refused, and nothing is made in its place")
  func oddLinks() throws {
    let scene = try Scene()
    let target: [CChar] = scene.path("r").utf8CString.dropLast() + [-1, 0]
    #expect(mkdir(target, 0o700) == 0 && symlink(target, scene.path("l")) == 0)
    for name in ["l/x", "l"] {
      let path = scene.path(name)
      #expect { try OutputFile(path) } throws: {
        ($0 as? DiskError)?.code == EILSEQ && "\($0)".contains("no UTF-8")
      }
    }
    let new = scene.path("l/new")
    #expect(throws: DiskError.self) { try Folder(new, making: 0o700) }
    #expect(Files.link(scene.path("l")) == nil && scene.names().count == 2)
  }

  // MARK: Files that several change

  @Test(
    "what several add to a file at once is all there, whether it was there before",
    arguments: [false, true])
  func additions(isThere: Bool) throws {
    let scene = try Scene()
    if isThere { try scene.file("all", "first\n") }
    let path = scene.path("all")
    let failures = Log<String>()
    DispatchQueue.concurrentPerform(iterations: 24) { number in
      do {
        try OutputFile.update(path, limit: 1 << 20, tell: { _ in }) {
          ($0 ?? []) + Array("\(number)\n".utf8)
        }
      } catch { failures.add("\(error)") }
    }
    #expect(failures.all.isEmpty, "\(failures.all)")
    let lines = (scene.text("all") ?? "").split(separator: "\n")
    #expect(lines.count == (isThere ? 25 : 24) && Set(lines).count == lines.count)
    #expect(scene.names() == ["all"])
  }

  @Test("a change that fails leaves what is there, and what is too long is not read")
  func failedChange() throws {
    let scene = try Scene()
    try scene.file("a", "old")
    let (path, folder) = (scene.path("a"), scene.folder.path)
    func update(_ limit: Int) throws {
      try OutputFile.update(path, limit: limit, tell: { _ in }) { _ in
        throw POSIXError(.EDOM)
      }
    }
    #expect(throws: POSIXError.self) { try update(3) }
    #expect(throws: DiskError.self) { try update(2) }
    #expect(scene.text("a") == "old" && scene.names() == ["a"])
    #expect(throws: DiskError.self) {
      try OutputFile.update(folder, limit: 3, tell: { _ in }) { _ in [] }
    }
  }
}
