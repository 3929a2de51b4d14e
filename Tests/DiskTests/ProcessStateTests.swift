import Foundation
import Testing

@testable import Disk

@Suite("ProcessState")
struct ProcessStateTests {
  @Test(
    "a process is stopped where the kernel says so, whatever its name has in it",
    arguments: [
      ("1 (cairn) T 1 1", true), ("1 (cairn) t 1", true), ("1 (cairn) S 1", false),
      ("1 (a) T) R 1", false), ("1 (a) R) T 1", true), ("", false), ("1 (a)", false),
      ("1 (a) ", false),
    ])
  func states(stat: String, isStopped: Bool) {
    #expect(ProcessState.saysStopped(stat) == isStopped)
  }

  @Test("this one is not, and nor is one that is not there")
  func own() {
    #expect(!ProcessState.isStopped(getpid()) && !ProcessState.isStopped(-1))
  }
}
