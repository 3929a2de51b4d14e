@testable import Disk
import Glibc
import Support
import Testing

/// Sockets of services, and what becomes of their names.
@Suite("Sockets in the file system", .timeLimit(.minutes(10)))
struct LocalSocketTests {
  @Test("a process that is about to end takes its socket away, listened on or not")
  func ending() throws {
    let scene = try Scene()
    let socket = try LocalSocket(scene.path("s")).bound()
    defer { close(socket) }
    #expect(scene.names() == ["s"])
    LocalSocket.takeAway(scene.path("s"))
    #expect(scene.names() == [])
  }

  @Test("two whose names only look the same are two")
  func looks() throws {
    let scene = try Scene()
    let paths = ["\u{E9}", "e\u{301}"].map { scene.path($0) }
    let sockets = try paths.map { try LocalSocket($0).bound() }
    defer { for socket in sockets { close(socket) } }
    #expect(scene.names().count == 2)
    for path in paths { LocalSocket.takeAway(path) }
    #expect(scene.names() == [])
  }

  @Test("what another one has put in its place stays")
  func other() throws {
    let scene = try Scene()
    let socket = try LocalSocket(scene.path("s")).bound()
    defer { close(socket) }
    #expect(rename(scene.path("s"), scene.path("first")) == 0)
    let other = try LocalSocket(scene.path("t")).bound()
    defer { close(other) }
    #expect(rename(scene.path("t"), scene.path("s")) == 0)
    LocalSocket.takeAway(scene.path("s"))
    #expect(scene.names() == ["first", "s"])
  }

  @Test("a link that comes in its place while it is made changes nothing of what it leads to")
  func swapped() throws {
    let scene = try Scene()
    try scene.makeFolder("d")
    try scene.file("secret", "x", mode: 0o600)
    let (folder, secret) = (scene.path("d"), scene.path("secret"))
    let swaps = Loop {
      for name in Files.list(folder) where Temporary.isOne(name) {
        rename("\(folder)/\(name)", "\(folder)/away")
        symlink(secret, "\(folder)/\(name)")
      }
    }
    for _ in 0..<100 {
      let socket = try? LocalSocket("\(folder)/s").bound()
      if let socket { close(socket) }
      LocalSocket.takeAway("\(folder)/s")
      unlink("\(folder)/s")
    }
    swaps.stop()
    #expect(scene.mode("secret").map { $0 & 0o777 } == 0o600 && scene.text("secret") == "x")
  }

  @Test("its group may connect, and nobody else")
  func mode() throws {
    let scene = try Scene()
    let socket = try LocalSocket(scene.path("s")).bound()
    defer { close(socket) }
    #expect(scene.mode("s").map { $0 & 0o777 } == 0o660 && scene.names() == ["s"])
    LocalSocket.takeAway(scene.path("s"))
  }

  @Test("somebody who takes no more connections listens all the same")
  func full() throws {
    let scene = try Scene()
    let place = try LocalSocket(scene.path("s"))
    let socket = try place.bound()
    defer { close(socket) }
    // As few as there can be may wait.
    #expect(listen(socket, 0) == 0)
    for _ in 0..<3 {
      #expect(throws: DiskError("listen on", scene.path("s"), EADDRINUSE)) { try place.bound() }
    }
    LocalSocket.takeAway(scene.path("s"))
  }
}
