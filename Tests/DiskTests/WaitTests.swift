@testable import Disk
import Foundation
import Support
import Testing

/// One after the other: each holds a thread of the pool while it waits.
@Suite("Waits", .serialized, .timeLimit(.minutes(10)))
struct WaitTests {
  @Test("the wait for a pipe's reader is told, and ends when the task is cancelled")
  func waitsForReader() async throws {
    let scene = try Scene()
    #expect(mkfifo(scene.path("p"), 0o600) == 0)
    let path = scene.path("p")
    let told = Log<String>()
    let waits = Gate()
    let task = Task.detached { () -> DiskError? in
      do throws(DiskError) {
        _ = try OutputFile(path) {
          told.add($0)
          waits.open()
        }
        return nil
      } catch {
        return error
      }
    }
    await waits.opened()
    task.cancel()
    #expect(await task.value?.isInterruption == true)
    #expect(told.all.count == 1 && told.all[0].contains(path))
  }

  @Test("a full pipe that nobody reads ends with the task, too")
  func fullPipe() async throws {
    let (reading, writing) = try pipe()
    defer {
      close(reading)
      close(writing)
    }
    let begun = Gate()
    let task = Task.detached { () -> DiskError? in
      do throws(DiskError) {
        let output = try OutputFile("/dev/fd/\(writing)")
        begun.open()
        try output.write([UInt8](repeating: 1, count: 1 << 20))
        return nil
      } catch {
        return error
      }
    }
    await begun.opened()
    task.cancel()
    #expect(await task.value?.isInterruption == true)
  }

  private func pipe() throws -> (Int32, Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
    return (ends[0], ends[1])
  }

  @Test("the wait for a writer who says nothing ends with the task")
  func silentWriter() async throws {
    var ends: [Int32] = [0, 0]
    #expect(Glibc.pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let path = "/dev/fd/\(ends[0])"
    let task = Task.detached { () -> DiskError? in
      do throws(DiskError) {
        _ = try InputFile.read(path, limit: 100, pipes: .read)
        return nil
      } catch {
        return error
      }
    }
    task.cancel()
    #expect(await task.value?.isInterruption == true)
  }
}
