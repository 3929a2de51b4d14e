package import Foundation

/// A directory that goes with the value.
package final class TemporaryFolder: Sendable {
  package let path: String

  /// - Parameter parent: where it is to be, with a slash at its end; nil: where temporary files go.
  package init(in parent: String? = nil) throws {
    path = (parent ?? NSTemporaryDirectory()) + "cairn-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// One in memory where the system has that: for hundreds of files that would each wait for the disk.
  package static func inMemory() throws -> TemporaryFolder {
    access("/dev/shm", W_OK) == 0 ? try TemporaryFolder(in: "/dev/shm/") : try TemporaryFolder()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

package func readFile(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}

package func writeFile(_ path: String, _ bytes: some Sequence<UInt8>) throws {
  // The store's blobs are for reading only.
  chmod(path, 0o600)
  try Data(bytes).write(to: URL(filePath: path))
}

/// The bits that new files of this process do not get.
///
/// Read, not set and put back: what other tests make meanwhile would get them.
package func processMask() throws -> mode_t {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = status.split(separator: "\n").first { $0.hasPrefix("Umask:") }
  guard let line, let mask = mode_t(line.dropFirst(6).drop { $0.isWhitespace }, radix: 8) else {
    throw CocoaError(.fileReadCorruptFile)
  }
  return mask
}
