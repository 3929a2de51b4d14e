import Glibc
import Testing

@testable import Progress

@Suite("Line output")
struct LineOutputTests {
  @Test("all of it comes through a pipe that somebody made non-blocking")
  func nonBlocking() async throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    let (reader, writer) = (ends[0], ends[1])
    try #require(fcntl(writer, F_SETFL, O_NONBLOCK) == 0)
    let text = String(repeating: "a line of text\n", count: 40_000)
    let reading = Task.detached {
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while case let count = read(reader, &buffer, buffer.count), count > 0 {
        all += buffer[..<count]
      }
      return all
    }
    let writing = Task.detached {
      let code = LineOutput(descriptor: writer).write(text)
      close(writer)
      return code
    }
    #expect(await writing.value == 0)
    #expect(await reading.value == Array(text.utf8))
    close(reader)
  }
}
