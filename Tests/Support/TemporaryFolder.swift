import Foundation

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

/// Counts, and remembers, from any thread.
package func readFile(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}

package func writeFile(_ path: String, _ bytes: some Sequence<UInt8>) throws {
  // The store's blobs are for reading only.
  chmod(path, 0o600)
  try Data(bytes).write(to: URL(filePath: path))
}
