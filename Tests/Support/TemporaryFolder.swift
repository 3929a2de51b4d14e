import Foundation

/// A directory that goes with the value.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    path = NSTemporaryDirectory() + "cairn-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

/// Counts, and remembers, from any thread.
public func readFile(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}

public func writeFile(_ path: String, _ bytes: some Sequence<UInt8>) throws {
  // The store's blobs are for reading only.
  chmod(path, 0o600)
  try Data(bytes).write(to: URL(filePath: path))
}
