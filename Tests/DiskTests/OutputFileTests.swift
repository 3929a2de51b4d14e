@testable import Disk
import Foundation
import Support
import Testing

@Suite("Output files", .serialized, .timeLimit(.minutes(10)))
struct OutputFileTests {
  func write(_ path: String, _ text: String = "new", isLive: Bool = false) throws {
    let output = try OutputFile(path, isLive: isLive)
    try output.write(text.utf8)
    try output.finish()
  }

  @Test(
    "a file, new or not, gets its name when it is whole, also by a name of 255 bytes",
    arguments: ["a", String(repeating: "x", count: 255), "ü ' \" \n"])
  func files(name: String) throws {
    let scene = try Scene()
    #expect(try OutputFile.check(scene.path(name)) == .nothing)
    try write(scene.path(name))
    #expect(try OutputFile.check(scene.path(name)) == .file)
    let output = try OutputFile(scene.path(name))
    try output.write("newer".utf8)
    #expect(scene.text(name) == "new")
    try output.finish()
    #expect(scene.text(name) == "newer" && scene.names() == [name])
  }

  @Test("what is not finished leaves nothing behind, and what was there before")
  func abandoned() throws {
    let scene = try Scene()
    try scene.file("a", "old")
    for name in ["a", "b"] {
      let output = try OutputFile(scene.path(name))
      try output.write("half".utf8)
    }
    #expect(scene.names() == ["a"] && scene.text("a") == "old")
  }

  /// In a process of its own: it is of all that a process has under way, which other tests' would be.
  @Test("what a process has under way when it ends leaves nothing behind")
  func endOfProcess() async {
    await #expect(processExitsWith: .success) {
      let scene = try Scene()
      let left = try OutputFile(scene.path("a"))
      try left.write("half".utf8)
      try #require(scene.names().count == 1)
      Temporary.removeAll()
      #expect(scene.names() == [])
    }
  }

  @Test(
    "nor does a directory that is just being removed, or still filled", arguments: [false, true])
  func endWhileRemoving(isFilled: Bool) async {
    await #expect(processExitsWith: .success) { [isFilled] in
      let scene = try Scene()
      let temporary = Temporary(in: try Folder(scene.folder.path))
      let made = try temporary.makeFolder(0o700)
      for number in 0..<5_000 { try made.writeAtomically("\(number)", "x".utf8, mode: 0o600) }
      let filled = { made.list().count }
      let before = filled()
      Thread.detachNewThread {
        guard isFilled else { return try! temporary.remove() }
        for number in 5_000..<5_500 {
          try? made.writeAtomically("\(number)", "x".utf8, mode: 0o600)
        }
      }
      while filled() == before {}
      Temporary.removeAll()
      #expect(scene.names() == [])
    }
  }

  @Test("a new file's mode is the mask's, that of one in the place of another is the other's")
  func modes() throws {
    let scene = try Scene()
    try write(scene.path("new"))
    let mask = try processMask()
    #expect(scene.mode("new").map { $0 & 0o777 } == 0o644 & ~mask)
    try scene.file("old", "x", mode: 0o600)
    try write(scene.path("old"))
    #expect(scene.mode("old").map { $0 & 0o777 } == 0o600)
  }

  @Test(
    "who may write a file is not said by another user, whose file or second name was there before",
    .enabled(if: Scene.isRoot), arguments: ["output", "live output", "whole file"],
    ["file", "second name"])
  func modeOfOthers(way: String, what: String) throws {
    let scene = try Scene()
    try scene.file("old", "x", mode: 0o777)
    if what == "file" {
      chown(scene.path("old"), Scene.stranger, Scene.stranger)
    } else {
      link(scene.path("old"), scene.path("first"))
    }
    if way == "whole file" {
      try Folder(scene.folder.path).writeAtomically("old", "new".utf8, mode: 0o644)
    } else {
      try write(scene.path("old"), isLive: way == "live output")
    }
    let mask = try processMask()
    #expect(scene.text("old") == "new" && Files.info(scene.path("old"))?.st_uid == geteuid())
    #expect(scene.mode("old").map { $0 & 0o777 } == 0o644 & ~mask)
  }

  @Test(
    "a file, or another pipe, that is put where a pipe was while its reader is waited for stays",
    arguments: ["file", "pipe"])
  func swappedPipe(what: String) throws {
    let scene = try Scene()
    let path = scene.path("p")
    mkfifo(path, 0o600)
    if what == "file" {
      try scene.file("precious", "precious")
    } else {
      mkfifo(scene.path("precious"), 0o600)
    }
    let other = scene.path("precious")
    // Somebody reads the other pipe already.
    let reader = open(other, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    let error = #expect(throws: DiskError.self) {
      _ = try OutputFile(path, tell: { _ in rename(other, path) })
    }
    #expect(error?.reason == "it is no longer what it was")
    if what == "file" { #expect(scene.text("p") == "precious") }
  }

  @Test("one that is written live has its name at once, and grows")
  func live() throws {
    let scene = try Scene()
    try scene.file("a", "old")
    let output = try OutputFile(scene.path("a"), isLive: true)
    #expect(scene.text("a") == "")
    try output.write("1".utf8)
    #expect(scene.text("a") == "1" && scene.names() == ["a"])
  }

  @Test("links lead to what is written, and stay; also one to nothing, and links to links")
  func links() throws {
    let scene = try Scene()
    try scene.makeFolder("d")
    try scene.file("d/file", "old")
    scene.link("relative", to: "d/file")
    scene.link("absolute", to: scene.path("d/file"))
    scene.link("twice", to: "relative")
    scene.link("dangling", to: "d/other")
    scene.link("folder", to: "d")
    for (number, name) in ["relative", "absolute", "twice", "folder/file"].enumerated() {
      try write(scene.path(name), "\(number)")
      #expect(scene.text("d/file") == "\(number)")
    }
    try write(scene.path("dangling"), "x")
    #expect(scene.text("d/other") == "x")
    #expect(scene.names() == ["absolute", "d", "dangling", "folder", "relative", "twice"])
    #expect(scene.names("d") == ["file", "other"])
    #expect(scene.mode("relative").map { $0 & S_IFMT } == S_IFLNK)
    scene.link("round", to: "round")
    #expect(throws: DiskError.self) { try write(scene.path("round")) }
  }

  @Test("root follows no links of others", .enabled(if: Scene.isRoot))
  func linksOfOthers() throws {
    let scene = try Scene()
    try scene.makeFolder("d")
    try scene.file("d/file", "old")
    scene.link("file", to: "d/file", owner: Scene.stranger)
    scene.link("folder", to: "d", owner: Scene.stranger)
    for name in ["file", "folder/file", "folder/new"] {
      let error = #expect(throws: DiskError.self) { try OutputFile.check(scene.path(name)) }
      #expect(error?.description.contains("another user") == true)
      #expect(throws: DiskError.self) { try write(scene.path(name)) }
    }
    #expect(scene.text("d/file") == "old" && scene.names("d") == ["file"])
  }

  @Test(
    "whose links are followed",
    arguments: [
      (0, 0, 0, 0o755, true), (0, 0, 5, 0o755, true), (0, 5, 0, 0o755, false),
      (0, 5, 5, 0o755, false), (0, 9, 0, 0o755, true), (5, 5, 0, 0o1777, true),
      (5, 0, 0, 0o1777, true), (5, 6, 0, 0o1777, false), (5, 6, 6, 0o1777, true),
      (5, 6, 0, 0o755, true),
    ] as [(uid_t, uid_t, uid_t, mode_t, Bool)])
  func trust(user: uid_t, owner: uid_t, folderOwner: uid_t, mode: mode_t, isFollowed: Bool) {
    var folder = stat()
    folder.st_uid = folderOwner
    folder.st_mode = S_IFDIR | mode
    #expect(
      LinkTrust(user: user, unmapped: 9).follows(owner: owner, in: folder) == isFollowed)
  }

  @Test("devices are written and stay devices, also behind links")
  func devices() throws {
    let scene = try Scene()
    scene.link("null", to: "/dev/null")
    for path in ["/dev/null", scene.path("null")] {
      #expect(try OutputFile.check(path) == .stream)
      try write(path)
      try write(path, isLive: true)
    }
    #expect(Files.info("/dev/null")?.kind == .characterDevice && scene.names() == ["null"])
    // A full one says so.
    #expect(throws: DiskError("write", "/dev/full", ENOSPC)) { try write("/dev/full") }
  }

  @Test("descriptors of this process are written from where they stand, also behind links")
  func descriptors() throws {
    let scene = try Scene()
    try scene.file("a", "start ")
    let file = open(scene.path("a"), O_WRONLY | O_APPEND)
    defer { close(file) }
    scene.link("link", to: "/dev/fd/\(file)")
    let paths = [
      "/dev/fd/\(file)", "/proc/self/fd/\(file)", "/proc/\(getpid())/fd/\(file)",
      scene.path("link"),
    ]
    for (number, path) in paths.enumerated() {
      #expect(try OutputFile.check(path) == .stream)
      try write(path, "\(number)")
    }
    #expect(scene.text("a") == "start 0123")
    let reading = open(scene.path("a"), O_RDONLY)
    defer { close(reading) }
    for path in ["/dev/fd/\(reading)", "/dev/fd/99999"] {
      #expect(throws: DiskError.self) { try OutputFile.check(path) }
    }
  }

  @Test("a pipe is written as it is, however much, and stays a pipe")
  func pipes() throws {
    let scene = try Scene()
    #expect(mkfifo(scene.path("p"), 0o600) == 0)
    let size = 300_000
    let path = scene.path("p")
    let read = Log<Int>()
    let done = Gate()
    Thread.detachNewThread {
      let pipe = open(path, O_RDONLY)
      var chunk = [UInt8](repeating: 0, count: 10_000)
      var total = 0
      while true {
        let count = Glibc.read(pipe, &chunk, chunk.count)
        guard count > 0 else { break }
        total += count
      }
      close(pipe)
      read.add(total)
      done.open()
    }
    #expect(try OutputFile.check(path) == .stream)
    try write(path, String(repeating: "x", count: size))
    done.pass()
    #expect(read.all == [size])
    #expect(Files.info(path)?.kind == .pipe && scene.names() == ["p"])
  }

  @Test("directories, sockets and what is in no folder are refused before anything is done")
  func refused() throws {
    let scene = try Scene()
    try scene.makeFolder("d")
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let here = FileManager.default.currentDirectoryPath
    withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      // As long as it fits.
      for (index, byte) in scene.path("s").utf8.prefix(100).enumerated() { bytes[index] = byte }
    }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0, "\(here)")
    let cases = [
      ("d", "it is a directory"), ("d/", "it is a directory"), (".", "it is a directory"),
      ("s", "it is a socket"), ("none/a", "No such file"), ("s/a", "no directory"),
      (String(repeating: "x", count: 256), "the name is too long"),
    ]
    for (name, words) in cases {
      let error = #expect(throws: DiskError.self) { try OutputFile.check(scene.path(name)) }
      #expect(error?.description.contains(words) == true, "\(name): \(String(describing: error))")
      #expect(throws: DiskError.self) { try OutputFile(scene.path(name)) }
    }
    #expect(scene.names() == ["d", "s"])
  }

  @Test("a file that is mounted by itself is written in place", .enabled(if: Scene.isRoot))
  func mounted() throws {
    let scene = try Scene()
    try scene.file("a", "a longer one than before")
    try scene.file("mounted", "")
    guard mount(scene.path("a"), scene.path("mounted"), nil, 4096, nil) == 0 else { return }
    defer { umount2(scene.path("mounted"), 2) }
    try write(scene.path("mounted"), "new")
    #expect(scene.text("a") == "new" && scene.names() == ["a", "mounted"])
    try write(scene.path("mounted"), "newer", isLive: true)
    #expect(scene.text("a") == "newer")
  }

  @Test(
    "what comes to be there while a file is written stays as it is",
    arguments: ["file", "pipe", "link", "link to nothing", "directory"], [true, false])
  func comesLater(what: String, wasFile: Bool) throws {
    guard !wasFile || what != "file" else { return }
    let scene = try Scene()
    try scene.file("there", "precious")
    if wasFile { try scene.file("out", "old") }
    let output = try OutputFile(scene.path("out"))
    try output.write("new".utf8)
    unlink(scene.path("out"))
    switch what {
    case "file": try scene.file("out", "precious")
    case "pipe": mkfifo(scene.path("out"), 0o600)
    case "link": scene.link("out", to: scene.path("there"))
    case "link to nothing": scene.link("out", to: scene.path("nothing"))
    default: try scene.makeFolder("out")
    }
    let before = Files.info(scene.path("out"))
    #expect(throws: DiskError.self) { try output.finish() }
    #expect(Files.info(scene.path("out"))?.st_ino == before?.st_ino)
    #expect(scene.text("there") == "precious")
  }

  @Test("a file that is not to be replaced is not, whenever it came")
  func noReplacement() throws {
    let scene = try Scene()
    let outputs = try (0..<2).map { _ in try OutputFile(scene.path("out"), replaces: false) }
    for (number, output) in outputs.enumerated() { try output.write("\(number)".utf8) }
    try outputs[1].finish()
    #expect(throws: DiskError.self) { try outputs[0].finish() }
    #expect(throws: DiskError.self) { try OutputFile(scene.path("out"), replaces: false) }
    #expect(scene.text("out") == "1")
  }
}
