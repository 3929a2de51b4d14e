@testable import Disk
import Foundation
import Support
import Testing

@Suite("Input files", .timeLimit(.minutes(3)))
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

  @Test("another user's pipe decides nothing by its name, but one that we were started with does")
  func trustInPipes() throws {
    let scene = try Scene()
    let trust = FileTrust(user: geteuid() + 1, unmapped: nil)
    guard Scene.isRoot else { return }
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
}
