import Glibc
import OCI

/// The door through which everything goes that is printed, to a terminal or into a file.
///
/// Names, messages and types come from registries, mirrors, files and images: what would act on a
/// terminal is written as an escape, so that it is seen and does nothing. Only drawing, and
/// documents that were asked for as they are, have codes.
///
/// Not `print`, which knows no door, nor `FileHandle`, which ends the process where writing fails,
/// with a full disk behind it or without free descriptors.
package struct LineOutput: Sendable {
  /// Standard output, for results.
  package static let standardOutput = LineOutput(descriptor: STDOUT_FILENO)
  /// Standard error, for words to people: long lines are cut.
  package static let standardError = LineOutput(
    descriptor: STDERR_FILENO, lineLimit: 4_096, queue: standardErrorQueue)
  /// Standard error, for programs: whole lines.
  package static let standardErrorForPrograms = LineOutput(
    descriptor: STDERR_FILENO, queue: standardErrorQueue)

  private static let standardErrorQueue = LineQueue {
    LineOutput(descriptor: STDERR_FILENO).write(bytes: $0.utf8)
  }

  let descriptor: Int32
  private let lineLimit: Int?
  /// What takes texts in while nobody is to wait for the reader.
  private let queue: LineQueue?

  /// - Parameters:
  ///   - descriptor: an open one; the caller closes it.
  ///   - lineLimit: the most characters of a line; nil: as many as there are.
  package init(descriptor: Int32, lineLimit: Int? = nil) {
    self.init(descriptor: descriptor, lineLimit: lineLimit, queue: nil)
  }

  init(descriptor: Int32, lineLimit: Int? = nil, queue: LineQueue?) {
    self.descriptor = descriptor
    self.lineLimit = lineLimit
    self.queue = queue
  }

  /// From now on nobody who writes to standard error waits for its reader: a service is not to stand still
  /// because its log does.
  ///
  /// - Parameter words: says how many texts were left out, where more than 1 MiB waited.
  package static func queueStandardError(_ words: @escaping @Sendable (Int) -> String) {
    standardErrorQueue.open(words)
  }

  /// Waits until what was queued is written, for a second at most.
  package static func settleStandardError() async {
    for _ in 0..<100 where !standardErrorQueue.isEmpty {
      try? await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Writes a text.
  ///
  /// - Returns: 0, or why not all of it could be written (`errno`); a reader that went away is no
  ///   reason to end a pull.
  @discardableResult
  package func write(_ text: String) -> Int32 {
    let text = text.escapedForTerminals(lineLimit: lineLimit)
    return queue?.take(text) ?? false ? 0 : write(bytes: text.utf8)
  }

  /// Writes bytes as they are: a document or an archive that was asked for.
  @discardableResult
  package func write(bytes: some Sequence<UInt8>) -> Int32 {
    var rest = ContiguousArray(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // Somebody made the pipe or the terminal non-blocking, for all who have it.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&ready, 1, -1) >= 0 || errno == EINTR else { return errno }
      default: return errno
      }
    }
    return 0
  }

  /// Writes over what is on the screen: codes of ours, then lines of anybody's.
  ///
  /// - Parameters:
  ///   - codes: what comes before the lines.
  ///   - lines: without their ends.
  ///   - last: what comes after them.
  package func draw(_ codes: String, _ lines: [String], then last: String = "") {
    let shown = lines.map { $0.escapedForTerminals(lineLimit: lineLimit) + "\r\n" }
    write(bytes: (codes + shown.joined() + last).utf8)
  }

  /// Writes one line in place of the one where the cursor is, and leaves the cursor there.
  package func replaceLine(with line: String) {
    write(bytes: ("\r\u{1B}[K" + line.escapedForTerminals(lineLimit: lineLimit)).utf8)
  }
}
