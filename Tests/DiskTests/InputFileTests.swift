@testable import Disk
import Foundation
import Support
import Testing

@Suite("Input files", .timeLimit(.minutes(10)))
struct InputFileTests {
  @Test("a file is read whole, up to a limit, also behind links")
  func files() throws {
    let scene = try Scene()
    try scene.file("a", "12345")
    scene.link("l", to: "a")
    for name in ["a", "l"] {
      #expect(try InputFile.read(scene.path(name), limit: 5) == Array("12345".utf8))
      #expect(throws: DiskError.self) { try InputFile.read(scene.path(name), limit: 4) }
    }
    #expect(try InputFile.read("/dev/null", limit: 0) == [])
  }

  @Test(
    "what never ends, or never begins, is refused in words",
    arguments: [
      ("pipe", "it is a pipe", "it is a pipe that nobody writes to"),
      ("folder", "it is a directory", "it is a directory"),
      ("nowhere", "it is a link that leads nowhere", "it is a link that leads nowhere"),
      ("/dev/zero", "it is a device", "it has more than 100 bytes"),
      ("none", nil, nil),
    ] as [(String, String?, String?)])
  func refused(name: String, quiet: String?, named: String?) throws {
    let scene = try Scene()
    mkfifo(scene.path("pipe"), 0o600)
    try scene.makeFolder("folder")
    scene.link("nowhere", to: "none")
    let path = name.hasPrefix("/") ? name : scene.path(name)
    for (pipes, words) in [(InputFile.Pipes.refused, quiet), (.read, named)] {
      let error = #expect(throws: DiskError.self) {
        try InputFile.read(path, limit: 100, pipes: pipes)
      }
      #expect(error?.reason == words)
    }
  }

  @Test("a pipe that somebody named is read once to its end, and remembered")
  func pipes() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let text = Array("some certificates".utf8)
    #expect(write(ends[1], text, text.count) == text.count)
    close(ends[1])
    defer { close(ends[0]) }
    let path = "/dev/fd/\(ends[0])"
    #expect(InputFile.complaint(path) == nil)
    for _ in 0..<2 {
      #expect(try InputFile.read(path, limit: 100, pipes: .read) == text)
    }
  }

  @Test("a pipe's writer may come after its reader, and take its time")
  func lateWriter() throws {
    let scene = try Scene()
    let path = scene.path("p")
    #expect(mkfifo(path, 0o600) == 0)
    Thread.detachNewThread {
      let file = open(path, O_WRONLY)
      for part in ["one ", "two"] {
        _ = part.withCString { write(file, $0, strlen($0)) }
        // The next part comes when this one was read, and the reader has to wait for it.
        var left: Int32 = 1
        while left > 0, ioctl(file, UInt(FIONREAD), &left) == 0 { sched_yield() }
      }
      close(file)
    }
    #expect(try InputFile.read(path, limit: 100, pipes: .read) == Array("one two".utf8))
  }

  @Test(
    "another user's pipe decides nothing by its name, but one that we were started with does",
    .enabled(if: Scene.isRoot))
  func trustInPipes() throws {
    let scene = try Scene()
    let trust = FileTrust(user: geteuid() + 1, unmapped: nil)
    mkfifo(scene.path("p"), 0o600)
    chown(scene.path("p"), Scene.stranger, Scene.stranger)
    let error = #expect(throws: DiskError.self) {
      try InputFile.read(scene.path("p"), limit: 10, pipes: .read, trust: trust)
    }
    #expect(error?.code == EPERM)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0 && fchown(ends[0], Scene.stranger, Scene.stranger) == 0)
    #expect(write(ends[1], "text", 4) == 4)
    close(ends[1])
    defer { close(ends[0]) }
    let given = "/dev/fd/\(ends[0])"
    #expect(
      try InputFile.read(given, limit: 10, pipes: .read, trust: trust) == Array("text".utf8))
    #expect(try InputFile.read("/dev/null", limit: 10, trust: trust) == [])
  }

  @Test(
    "what decides what this process does is its own user's or root's, and nobody else's to write",
    arguments: [
      (1_000, 1_000, 0o600, nil), (1_000, 0, 0o644, nil), (1_000, 1_001, 0o600, EPERM),
      (0, 1_000, 0o600, EPERM), (0, 0, 0o664, nil), (0, 0, 0o646, EACCES),
      (1_000, 65_534, 0o644, nil), (1_000, 1_000, 0o666, EACCES),
    ] as [(uid_t, uid_t, mode_t, Int32?)])
  func trust(user: uid_t, owner: uid_t, mode: mode_t, code: Int32?) {
    var file = stat()
    file.st_uid = owner
    file.st_mode = S_IFREG | mode
    #expect(FileTrust(user: user, unmapped: 65_534).complaint(file)?.code == code)
    file.st_mode = S_IFIFO | mode
    #expect(FileTrust(user: user, unmapped: 65_534).complaint(file)?.code == code)
    file.st_mode = S_IFCHR | 0o666
    #expect(FileTrust(user: user, unmapped: nil).complaint(file) == nil)
  }

  /// Makes the way to `d/c/file` in a home what a case of `wayToFile` says.
  static func change(_ what: String, in scene: borrowing Scene, below home: String) throws {
    let his = Scene.stranger
    func put(_ name: String, to target: String, owner: uid_t? = nil) {
      rename("\(home)/\(name)", scene.path("away"))
      scene.link("above/home/\(name)", to: target, owner: owner)
    }
    switch what {
    case "nothing": break
    case "open folder": chmod("\(home)/d", 0o777)
    case "link": put("d/c/file", to: scene.path("ours/c/file"), owner: his)
    case "link of a folder": put("d/c", to: scene.path("ours/c"), owner: his)
    case "link at the first step": put("d", to: scene.path("ours"), owner: his)
    case "link into the home":
      rename("\(home)/d", "\(home)/e")
      scene.link("above/home/d", to: "\(home)/e", owner: his)
    case "link by way of the home":
      rename("\(home)/d/c", "\(home)/e")
      scene.link("above/home/d/c", to: "../e", owner: his)
    case "link of ours to his link":
      put("d/c", to: "his")
      scene.link("above/home/d/his", to: scene.path("ours/c"), owner: his)
    case "link of ours out of his folder":
      try scene.makeFolder("above/home/his/c")
      try scene.file("above/home/his/c/file", "text")
      chown("\(home)/his", his, his)
      put("d", to: "his")
    case "link of ours by way of the home":
      rename("\(home)/d/c", "\(home)/e")
      scene.link("above/home/d/c", to: "../e")
      chown(home, his, his)
    case "link of ours": put("d", to: scene.path("ours"))
    case "the whole way to the home":
      for name in ["above", "above/home"] { chown(scene.path(name), his, his) }
    case "link back to the home":
      rename("\(home)/d", "\(home)/e")
      scene.link("above/home/d", to: "\(home)/e")
      for name in ["above", "above/home"] { chown(scene.path(name), his, his) }
    default: chown("\(home)/\(what)", his, his)
    }
  }

  @Test(
    "below a home nothing counts that another user could have put there: file, link or folder, at any step",
    .enabled(if: Scene.isRoot),
    arguments: [
      ("nothing", nil), ("d/c/file", "it belongs to another user"),
      ("d/c", "the folder HOME/d/c: it belongs to another user"),
      ("d", "the folder HOME/d: it belongs to another user"),
      ("open folder", "the folder HOME/d: everybody may write it"),
      ("link", "the link HOME/d/c/file belongs to another user"),
      ("link of a folder", "the link HOME/d/c belongs to another user"),
      ("link at the first step", "the link HOME/d belongs to another user"),
      ("link into the home", "the link HOME/d belongs to another user"),
      ("link by way of the home", "the link HOME/d/c belongs to another user"),
      ("link of ours to his link", "the link HOME/d/his belongs to another user"),
      ("link of ours out of his folder", "the folder HOME/his: it belongs to another user"),
      ("link of ours", nil), ("link of ours by way of the home", nil),
      ("the whole way to the home", nil), ("link back to the home", nil),
    ] as [(String, String?)])
  func wayToFile(what: String, reason: String?) throws {
    let scene = try Scene()
    try scene.makeFolder("above/home/d/c")
    try scene.makeFolder("ours/c")
    let home = scene.path("above/home")
    for name in ["above/home/d/c/file", "ours/c/file"] { try scene.file(name, "text") }
    try Self.change(what, in: scene, below: home)
    let trust = FileTrust.below(home)
    func read() throws -> [UInt8] {
      try InputFile.read("\(home)/d/c/file", limit: 10, trust: trust)
    }
    guard let reason else {
      #expect(try read() == Array("text".utf8))
      #expect(InputFile.complaint("\(home)/d/c/file", trust: trust) == nil)
      #expect(try trust.folder("\(home)/d/c").list() == ["file"])
      return
    }
    let error = #expect(throws: DiskError.self) { try read() }
    let words = try #require(error?.reason)
    let known = reason.replacing("HOME", with: home)
    #expect(words.hasPrefix(known), "\(words)")
    #expect(error?.code == (what == "open folder" ? EACCES : EPERM))
    #expect(InputFile.complaint("\(home)/d/c/file", trust: trust) == words)
    // The folder alone, where that is what is his.
    if !["d/c/file", "link"].contains(what) {
      #expect(throws: DiskError.self) { try trust.folder("\(home)/d/c") }
    }
  }

  @Test("what is not there is not there, whoever owns the way to it", .enabled(if: Scene.isRoot))
  func absentBehindOthers() throws {
    let scene = try Scene()
    try scene.makeFolder("home/d")
    chown(scene.path("home/d"), Scene.stranger, Scene.stranger)
    for name in ["d/file", "d/e/file", "e/file"] {
      let error = #expect(throws: DiskError.self) {
        try InputFile.read(
          scene.path("home/\(name)"), limit: 10, trust: .below(scene.path("home")))
      }
      #expect(error?.code == ENOENT && error?.reason == nil)
    }
  }

  @Test(
    "a volume of Kubernetes counts: links in a folder for everybody that is mounted for reading only",
    .enabled(if: Scene.isRoot), arguments: [true, false])
  func volume(isReadOnly: Bool) throws {
    let scene = try Scene()
    try scene.makeFolder("home/d")
    let path = scene.path("home/d")
    guard mount("none", path, "tmpfs", 0, nil) == 0 else {
      try Test.cancel("nothing can be mounted here")
    }
    defer { umount2(path, 2) }
    try scene.makeFolder("home/d/..2026")
    try scene.file("home/d/..2026/file", "text")
    scene.link("home/d/..data", to: "..2026")
    scene.link("home/d/file", to: "..data/file")
    chmod(path, 0o777)
    if isReadOnly { #expect(mount("none", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0) }
    let trust = FileTrust.below(scene.path("home"))
    let found = try? InputFile.read("\(path)/file", limit: 10, trust: trust)
    #expect((found == Array("text".utf8)) == isReadOnly)
    // Not below a home whatever only root can have put there counts.
    #expect(
      try InputFile.read("\(path)/file", limit: 10, trust: .process) == Array("text".utf8))
  }

  @Test(
    "links lead nowhere by another user's word where a file was named, too",
    .enabled(if: Scene.isRoot))
  func linkToNamed() throws {
    let scene = try Scene()
    try scene.file("a", "text")
    scene.link("l", to: "a", owner: Scene.stranger)
    let error = #expect(throws: DiskError.self) {
      try InputFile.read(scene.path("l"), limit: 10, pipes: .read, trust: .process)
    }
    #expect(error?.code == EPERM && error?.reason?.contains("the link") == true)
    #expect(try InputFile.read(scene.path("a"), limit: 10, trust: .process) == Array("text".utf8))
  }
}
