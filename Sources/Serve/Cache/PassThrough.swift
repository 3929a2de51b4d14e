import Glibc
import Hashing
import OCI
import Registry
import Synchronization
import Transfer

/// A blob for which the cache has no room: its bytes go from upstream to one reader, and are kept nowhere.
///
/// In order, a few pieces ahead of the reader, so that memory stays bounded however slow he is. The
/// last 64 KiB of a whole blob are held back until the digest is right. A server that does not
/// serve ranges cannot be read like this.
package actor PassThrough {
  /// Bytes of a piece, and pieces that are asked for at the same time.
  private static let (piece, ahead): (Int64, Int) = (256 << 10, 4)

  private let blob: Descriptor
  private let source: BlobSource
  private let range: Range<Int64>
  private var asked: Int64
  private var coming: [Task<[UInt8], any Error>] = []
  private var hasher: ContentHasher?

  /// The bytes wanted.
  package nonisolated var bytes: Range<Int64> { range }

  /// - Parameters:
  ///   - blob: the blob, which upstream lets the caller have.
  ///   - range: the bytes wanted.
  ///   - source: fetches them as the caller.
  /// - Throws: `HashingError` when libcrypto has no hash.
  init(_ blob: Descriptor, _ range: Range<Int64>, from source: BlobSource) throws(HashingError) {
    (self.blob, self.source, self.range) = (blob, source, range)
    asked = range.lowerBound
    // Who asks for a part has its own way to know whether the whole is right.
    hasher = range == 0..<blob.size ? try ContentHasher(blob.digest.algorithm) : nil
  }

  deinit { for task in coming { task.cancel() } }

  /// The next bytes; nil: there are no more.
  ///
  /// - Throws: `RegistryError`: why no more will come, `integrity` where they were wrong.
  package func next() async throws -> [UInt8]? {
    while coming.count < Self.ahead, let part = nextPart() {
      asked = part.upperBound
      let (blob, source) = (blob, source)
      coming.append(Task { try await Self.fetch(part, of: blob, from: source) })
    }
    guard !coming.isEmpty else { return nil }
    let task = coming.removeFirst()
    let bytes = try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
    bytes.withUnsafeBytes { hasher?.update($0) }
    if coming.isEmpty, asked == range.upperBound { try check() }
    return bytes
  }

  /// The last piece of a whole blob is what is held back.
  private func nextPart() -> Range<Int64>? {
    guard asked < range.upperBound else { return nil }
    let free = max(0, blob.size - BlobStream.heldBack)
    let limit = asked < free ? min(free, range.upperBound) : range.upperBound
    return asked..<min(limit, asked + Self.piece)
  }

  private func check() throws {
    guard hasher != nil else { return }
    let found = try hasher?.finish()
    hasher = nil
    guard found == blob.digest else {
      throw RegistryError(.integrity, "\(blob.digest) arrived damaged")
    }
  }

  private static func fetch(
    _ part: Range<Int64>, of blob: Descriptor, from source: BlobSource
  ) async throws -> [UInt8] {
    let arrived = Arrived(part)
    let window = FileWindow(part) { arrived.take($0, at: $1) }
    let ending = Mutex<Result<TransferTiming, RegistryError>?>(nil)
    let isWhole = Mutex(false)
    let request = BlobSource.Request(blob: blob, range: part, ranged: true, window: window)
    await source.fetch(request) { event in
      switch event {
      case .ended(let result): ending.withLock { $0 = result }
      case .wholeBody where part != 0..<blob.size: isWhole.withLock { $0 = true }
      case .wholeBody, .sent, .responded: break
      }
    }
    if isWhole.withLock({ $0 }) {
      throw RegistryError(
        .protocolError(transient: false),
        "the cache has no room for \(blob.digest.short), and no part of it is to be had")
    }
    if case .failure(let error)? = ending.withLock({ $0 }) { throw error }
    guard window.isFull else {
      throw RegistryError(.protocolError(transient: true), "\(blob.digest.short) broke off")
    }
    return arrived.bytes
  }
}

/// Bytes of one piece as they come.
private final class Arrived: Sendable {
  private let start: Int64
  private let state: Mutex<[UInt8]>

  init(_ part: Range<Int64>) {
    start = part.lowerBound
    state = Mutex([UInt8](repeating: 0, count: part.count))
  }

  var bytes: [UInt8] { state.withLock { $0 } }

  /// - Returns: 0, or `ERANGE` where they are no part of the piece.
  func take(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
    state.withLock { all in
      let from = Int(clamping: offset - start)
      guard from >= 0, from + bytes.count <= all.count else { return ERANGE }
      all.replaceSubrange(from..<(from + bytes.count), with: bytes)
      return 0
    }
  }
}
