@testable import Disk
import Foundation
import Support
import Testing

@Suite("Folders", .timeLimit(.minutes(10)))
struct FolderTests {
  @Test("directories are made on the way, and links below a folder are not followed")
  func below() throws {
    let scene = try Scene()
    let root = try Folder(scene.path("a/b"), making: 0o700)
    _ = try root.folder("c/d", making: 0o700)
    #expect(scene.names("a/b/c") == ["d"])
    try scene.makeFolder("outside")
    scene.link("a/b/l", to: scene.path("outside"))
    let error = #expect(throws: DiskError.self) { try root.folder("l/x", making: 0o700) }
    #expect(error?.description.contains("symbolic link") == true)
    #expect(scene.names("outside").isEmpty)
    #expect(throws: DiskError.self) { try Folder(scene.path("none")) }
  }

  @Test(
    "a file that has more than is read is said to be so, and not to be more than the disk takes")
  func tooLarge() throws {
    let scene = try Scene()
    try scene.file("file", "four")
    let error = #expect(throws: DiskError.self) {
      try Folder(scene.folder.path).read("file", limit: 3)
    }
    #expect(error?.why == "it has more than 3 bytes")
  }

  @Test("only regular files are opened, at once")
  func kinds() throws {
    let scene = try Scene()
    try scene.file("file", "x")
    mkfifo(scene.path("pipe"), 0o600)
    scene.link("link", to: "file")
    try scene.makeFolder("folder")
    let folder = try Folder(scene.folder.path)
    #expect(try folder.read("file", limit: 1) == [UInt8(ascii: "x")])
    for (name, words) in [("pipe", "a pipe"), ("link", "link"), ("folder", "a directory")] {
      for flags in [O_RDONLY, O_WRONLY, O_RDWR | O_CREAT] {
        let error = #expect(throws: DiskError.self) { try OpenFile(name, in: folder, flags) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
      }
    }
  }

  /// Sizes in MiB: what is written at the beginning, of how large a file, and what is written at its end.
  @Test(
    "a file is mostly holes where less than half of it was written",
    arguments: [
      (1, 5, 0, true), (3, 5, 0, false), (5, 5, 0, false), (0, 5, 0, true), (1, 5, 1, true),
      (2, 5, 2, false), (0, 5, 1, true), (0, 5, 4, false), (0, 0, 0, false), (1, 1 << 20, 1, true),
    ])
  func holes(begin: Int, size: Int, end: Int, isMostlyHoles: Bool) throws {
    let scene = try Scene()
    let folder = try Folder(scene.folder.path)
    let file = try OpenFile("f", in: folder, O_RDWR | O_CREAT)
    func write(_ count: Int, at offset: Int) {
      let bytes = [UInt8](repeating: 1, count: count << 20)
      #expect(bytes.withUnsafeBytes { file.write($0, at: Int64(offset) << 20) } == 0)
    }
    try #require(ftruncate(file.descriptor, off_t(size) << 20) == 0)
    write(begin, at: 0)
    write(end, at: size - end)
    #expect(file.isMostlyHoles == isMostlyHoles)
    // It is read from its beginning all the same.
    #expect(lseek(file.descriptor, 0, SEEK_CUR) == 0)
  }

  @Test("a tree is removed with its links and pipes, and nothing that they lead to")
  func removes() throws {
    let scene = try Scene()
    try scene.makeFolder("tree/a/b")
    try scene.makeFolder("outside")
    try scene.file("outside/precious", "x")
    scene.link("tree/a/link", to: scene.path("outside"))
    mkfifo(scene.path("tree/a/b/pipe"), 0o600)
    scene.link("link", to: "outside")
    let folder = try Folder(scene.folder.path)
    for name in ["tree", "link", "none"] { try folder.removeTree(name) }
    #expect(scene.names() == ["outside"] && scene.names("outside") == ["precious"])
  }

  @Test("a tree whose directories become links meanwhile takes nothing else with it")
  func removalRace() throws {
    let scene = try Scene()
    try scene.makeFolder("outside/deep")
    for number in 0..<200 {
      try scene.file("outside/\(number)", "")
      try scene.file("outside/deep/\(number)", "")
    }
    scene.link("link", to: scene.path("outside"))
    let (sub, link) = (scene.path("tree/sub"), scene.path("link"))
    let swapping = Loop {
      // The directory and the link change their names.
      rename(sub, link + ".dir")
      rename(link, sub)
      rename(sub, link)
      rename(link + ".dir", sub)
    }
    let folder = try Folder(scene.folder.path)
    for _ in 0..<300 {
      try? scene.makeFolder("tree/sub/deep")
      try? folder.removeTree("tree")
    }
    swapping.stop()
    #expect(scene.names("outside").count == 201 && scene.names("outside/deep").count == 200)
  }

  @Test(
    "a directory is entered for removal only where its folder's owner could empty it, too",
    .enabled(if: Scene.isRoot))
  func strangers() throws {
    let scene = try Scene()
    try scene.makeFolder("theirs/ours/deep")
    try scene.file("theirs/ours/precious", "x")
    try scene.makeFolder("theirs/own")
    try scene.file("theirs/own/y", "y")
    for name in ["theirs", "theirs/own"] {
      chown(scene.path(name), Scene.stranger, Scene.stranger)
    }
    let theirs = try Folder(scene.path("theirs"))
    let error = #expect(throws: DiskError.self) { try theirs.removeTree("ours") }
    #expect(error?.description.contains("another user") == true)
    let root = try Folder(scene.path("."))
    #expect(throws: DiskError.self) { try root.removeTree("theirs") }
    #expect(scene.names("theirs/ours") == ["deep", "precious"])
    // A folder that others can write to is as good as theirs, unless what is in it is kept for its owners.
    chown(scene.path("theirs"), 0, 0)
    chown(scene.path("theirs/ours"), Scene.stranger, Scene.stranger)
    chmod(scene.path("theirs"), 0o777)
    #expect(throws: DiskError.self) { try theirs.removeTree("ours") }
    // Nor is it its owner's alone, so that the same owner says nothing.
    try scene.makeFolder("theirs/moved")
    try scene.file("theirs/moved/z", "z")
    chown(scene.path("theirs"), Scene.stranger, Scene.stranger)
    chown(scene.path("theirs/moved"), Scene.stranger, Scene.stranger)
    #expect(throws: DiskError.self) { try theirs.removeTree("moved") }
    chmod(scene.path("theirs"), 0o755)
    try theirs.removeTree("moved")
    chown(scene.path("theirs"), 0, 0)
    chmod(scene.path("theirs"), 0o1777)
    try theirs.removeTree("ours")
    chmod(scene.path("theirs"), 0o755)
    try theirs.removeTree("own")
    #expect(scene.names("theirs").isEmpty)
  }

  @Test("a lock that another has is waited for, told, and given up")
  func locks() throws {
    let scene = try Scene()
    let folder = try Folder(scene.folder.path)
    let mine = try OpenFile("lock", in: folder, O_RDWR | O_CREAT)
    #expect(try mine.lock(exclusive: true))
    let other = try OpenFile("lock", in: folder, O_RDWR | O_CREAT)
    var told: [String] = []
    let error = #expect(throws: DiskError.self) {
      try other.waitForLock(seconds: 1.2) { told.append($0) }
    }
    #expect(told.count == 1 && told[0].contains("lock of \(other.path)"))
    #expect(error?.description.contains("locked by") == true)
  }

  @Test("a mark is another after each change, also one that hides the time")
  func marks() throws {
    let scene = try Scene()
    try scene.file("a", "old")
    let folder = try Folder(scene.folder.path)
    let before = try #require(folder.info("a"))
    #expect(try FileMark(#require(folder.info("a"))) == FileMark(before))
    let file = try OpenFile("a", in: folder, O_RDWR)
    // The clock of the file system has its own steps.
    repeat {
      try file.writeAll("n".utf8)
    } while file.info?.st_ctim.tv_nsec == before.st_ctim.tv_nsec
    var times = [before.st_atim, before.st_mtim]
    futimens(file.descriptor, &times)
    let after = try FileMark(#require(folder.info("a")))
    #expect(after != FileMark(before))
    #expect(after.hasSameContent(as: FileMark(before)) == (file.info?.st_size == before.st_size))
  }
}
