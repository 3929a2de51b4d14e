import Disk

/// How long one thread of this process ran, or had to wait for a CPU.
///
/// What is left of its time it slept: it waited for a disk, the network, or somebody else. A write
/// that takes long because others have the CPUs is none of the disk's fault.
///
/// Source: proc(5) and the kernel's `sched-stats.rst`: nanoseconds on a CPU, nanoseconds in a run
/// queue, and how often it ran.
package struct ThreadLoad: Sendable {
  private let path: String

  /// Of the thread that makes it; nil: the kernel does not say who that is.
  package init?() {
    let status = try? InputFile.text("/proc/thread-self/stat", limit: 4 << 10)
    guard let number = status?.split(separator: " ").first, number.allSatisfy(\.isNumber) else {
      return nil
    }
    path = "/proc/self/task/\(number)/schedstat"
  }

  /// Seconds since the thread's start in which it ran or waited for a CPU; nil: the kernel does not say.
  package var runnableSeconds: Double? {
    (try? InputFile.text(path, limit: 1 << 10)).flatMap { Self.runnableSeconds($0) }
  }

  /// Reads what the kernel says; nil where it counts nothing.
  static func runnableSeconds(_ text: String) -> Double? {
    let figures = text.split(whereSeparator: \.isWhitespace).prefix(2).compactMap { UInt64($0) }
    guard figures.count == 2 else { return nil }
    let sum = Double(figures[0]) + Double(figures[1])
    return sum > 0 ? sum / 1e9 : nil
  }
}
