@testable import Disk
import Foundation
import Support
import Testing

/// Whoever owns a folder exchanges what is made in it with something else that is there.
@Suite("Temporary names", .timeLimit(.minutes(10)))
struct TemporaryTests {
  /// A scene with a directory that is not ours to touch.
  private static func scene() throws -> Scene {
    let scene = try Scene()
    try scene.makeFolder("precious/deep")
    for name in ["precious/a", "precious/deep/b"] { try scene.file(name, "x") }
    return scene
  }

  private static func exchange(_ one: String, _ other: String, in scene: borrowing Scene) {
    rename(scene.path(one), scene.path("between"))
    rename(scene.path(other), scene.path(one))
    #expect(rename(scene.path("between"), scene.path(other)) == 0)
  }

  private static func expectPrecious(at name: String, in scene: borrowing Scene) {
    #expect(scene.names(name) == ["a", "deep"] && scene.names("\(name)/deep") == ["b"])
  }

  @Test(
    "an error names the directory that somebody knows, and no temporary name in it",
    arguments: [
      ("out/.cairn-3g.new/.cairn-20.new", "out"), ("/.cairn-3g.new", "/"), (".cairn-3g.new", "."),
      ("out/.cairn-3g.new/blob", "out"), ("out/image.tar", "out/image.tar"), ("", ""),
    ])
  func errors(path: String, named: String) {
    #expect(DiskError("write", path, ENOSPC).path == named)
  }

  @Test(
    "what was made is emptied, and not what has its name by then",
    arguments: ["end of the value", "in time"])
  func removed(how: String) throws {
    let scene = try Self.scene()
    let folder = try Folder(scene.path("."))
    let name: String
    do {
      let temporary = Temporary(in: folder)
      name = temporary.name
      let made = try temporary.makeFolder(0o755)
      try made.writeAtomically("half", "x".utf8, mode: 0o644)
      Self.exchange(name, "precious", in: scene)
      if how == "in time" { try temporary.remove() }
      withExtendedLifetime(temporary) {}
    }
    Self.expectPrecious(at: name, in: scene)
    #expect(scene.names("precious").isEmpty)
  }

  @Test("another directory does not get the name that was meant for what was made")
  func taken() throws {
    let scene = try Self.scene()
    let temporary = Temporary(in: try Folder(scene.path(".")))
    _ = try temporary.makeFolder(0o755)
    Self.exchange(temporary.name, "precious", in: scene)
    let error = #expect(throws: DiskError.self) { try temporary.take("out") }
    #expect(error?.description.contains("somebody else changes it") == true)
    Self.expectPrecious(at: temporary.name, in: scene)
    #expect(!scene.names().contains("out"))
  }

  @Test("what was set aside to be removed is emptied, and not what has its name by then")
  func aside() throws {
    let scene = try Self.scene()
    try scene.makeFolder("old")
    try scene.file("old/version", "x")
    let folder = try Folder(scene.path("."))
    let old = try folder.folder("old")
    let aside = Temporary(in: folder)
    try folder.rename("old", to: aside.name)
    aside.doom(old)
    Self.exchange(aside.name, "precious", in: scene)
    try aside.remove()
    Self.expectPrecious(at: aside.name, in: scene)
    #expect(scene.names("precious").isEmpty)
  }

  @Test("a directory that got a name of ours by hand is not entered")
  func byHand() throws {
    let scene = try Self.scene()
    let folder = try Folder(scene.path("."))
    let name: String
    do {
      let temporary = Temporary(in: folder)
      name = temporary.name
      rename(scene.path("precious"), scene.path(name))
      withExtendedLifetime(temporary) {}
    }
    Self.expectPrecious(at: name, in: scene)
  }

  @Test("nothing is lost while a folder's owner exchanges what is made with something else")
  func race() throws {
    let scene = try Self.scene()
    let (path, precious) = (scene.path("."), scene.path("precious"))
    let swapping = Loop {
      for name in Files.list(path) where Temporary.isOne(name) {
        rename("\(path)/\(name)", path + "/between")
        rename(precious, "\(path)/\(name)")
        rename("\(path)/\(name)", precious)
        rename(path + "/between", "\(path)/\(name)")
      }
    }
    let folder = try Folder(path)
    for _ in 0..<500 {
      let temporary = Temporary(in: folder)
      guard let made = try? temporary.makeFolder(0o755) else { continue }
      try? made.writeAtomically("half", "x".utf8, mode: 0o644)
      try? temporary.remove()
    }
    swapping.stop()
    Self.expectPrecious(at: "precious", in: scene)
  }
}
