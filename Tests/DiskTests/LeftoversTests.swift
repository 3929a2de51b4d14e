@testable import Disk
import Foundation
import Support
import Testing

/// What killed processes leave behind.
@Suite("Leftovers", .timeLimit(.minutes(10)))
struct LeftoversTests {
  static let name = ".cairn-3w5e11264sgsf.new"

  /// As if whatever is there had been left alone for long.
  static func clear(_ scene: borrowing Scene) throws {
    Leftovers.clear(in: try Folder(scene.path(".")), grace: -10)
  }

  /// As if a process had begun to write a directory.
  static func mark(_ name: String, _ scene: borrowing Scene, as other: String? = nil) throws {
    let words = try #require(Temporary.words(of: try Folder(scene.path(other ?? name))))
    try scene.file("\(name)/\(Temporary.mark)", String(decoding: words, as: UTF8.self))
  }

  @Test("a file and a marked directory that nobody has locked go")
  func removed() throws {
    let scene = try Scene()
    try scene.file(Self.name, "half")
    try scene.file(".cairn-0.new", "half", mode: 0o400)
    try scene.makeFolder(".cairn-1.new/blobs")
    try Self.mark(".cairn-1.new", scene)
    try scene.file(".cairn-1.new/blobs/x", "half")
    try scene.makeFolder(".cairn-2.new")
    try Self.clear(scene)
    #expect(scene.names() == [])
  }

  @Test("what was touched within the last minute stays")
  func fresh() throws {
    let scene = try Scene()
    try scene.file(Self.name, "half")
    Leftovers.clear(in: try Folder(scene.path(".")))
    #expect(scene.names() == [Self.name])
  }

  @Test("what somebody is at stays, and goes when that one is gone")
  func locked() throws {
    let scene = try Scene()
    let folder = try Folder(scene.path("."))
    do {
      let temporary = Temporary(in: folder)
      let file = try temporary.open(0o600)
      let other = Temporary(in: folder)
      let made = try other.makeFolder(0o755)
      try made.writeAtomically("a", "text".utf8, mode: 0o600)
      try Self.clear(scene)
      #expect(scene.names().count == 2 && scene.names(other.name).contains("a"))
      withExtendedLifetime((file, other)) {}
    }
    #expect(scene.names() == [])
  }

  @Test(
    "what is not Cairn's own stays",
    arguments: [
      "directory with something and no mark", "link to a file", "link to a directory", "pipe",
      "directory whose mark is a link", "directory whose mark is a directory", "other name",
      "file of somebody else", "directory of somebody else", "mark of somebody else",
      "directory with another file of ours as its mark", "directory with the mark of another",
      "directory that everybody can change",
    ])
  func kept(what: String) throws {
    let scene = try Scene()
    if what.hasSuffix("of somebody else"), !Scene.isRoot { return }
    try scene.makeFolder("there")
    try scene.file("there/x", "text")
    try scene.file("x", "text")
    let marked = "\(Self.name)/\(Temporary.mark)"
    if what.hasPrefix("directory") || what.hasPrefix("mark") {
      try scene.makeFolder(Self.name)
      try scene.file("\(Self.name)/precious", "text")
    }
    switch what {
    case "link to a file": scene.link(Self.name, to: "x")
    case "link to a directory": scene.link(Self.name, to: "there")
    case "pipe": mkfifo(scene.path(Self.name), 0o600)
    case "directory whose mark is a link": scene.link(marked, to: "../x")
    case "directory whose mark is a directory": try scene.makeFolder(marked)
    case "other name": try scene.file(".cairn-1.old", "text")
    case "file of somebody else":
      try scene.file(Self.name, "text")
      chown(scene.path(Self.name), Scene.stranger, Scene.stranger)
    case "directory of somebody else":
      try Self.mark(Self.name, scene)
      chown(scene.path(Self.name), Scene.stranger, Scene.stranger)
    case "mark of somebody else":
      try Self.mark(Self.name, scene)
      chown(scene.path(marked), Scene.stranger, Scene.stranger)
    case "directory with another file of ours as its mark": try scene.file(marked, "text")
    case "directory with the mark of another": try Self.mark(Self.name, scene, as: "there")
    case "directory that everybody can change":
      try Self.mark(Self.name, scene)
      chmod(scene.path(Self.name), 0o777)
    default: break
    }
    let before = (scene.names(), scene.names(Self.name))
    try Self.clear(scene)
    #expect(scene.names() == before.0 && scene.names(Self.name) == before.1)
    #expect(scene.text("x") == "text" && scene.text("there/x") == "text")
  }

  @Test("a directory that got its name says nothing of having been written")
  func finished() throws {
    let scene = try Scene()
    let folder = try Folder(scene.path("."))
    let temporary = Temporary(in: folder)
    let made = try temporary.makeFolder(0o755)
    try made.writeAtomically("a", "text".utf8, mode: 0o600)
    #expect(scene.names(temporary.name) == [Temporary.mark, "a"])
    try temporary.take("out")
    #expect(scene.names() == ["out"] && scene.names("out") == ["a"])
  }
}
