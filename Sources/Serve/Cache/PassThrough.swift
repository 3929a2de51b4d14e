import Glibc
import Hashing
import NIOPosix
import OCI
import Registry
import Store
import Synchronization
import Transfer

/// A blob for which the cache has no room: its bytes go from upstream to one reader, and are kept nowhere.
///
/// In order, a few pieces ahead of the reader. Each piece has its room in memory before it is asked for: one
/// is sure, and more are ahead while there is plenty. The last 64 KiB of a whole blob are held back until the
/// digest is right. A server that does not serve ranges cannot be read like this.
package actor PassThrough {
  /// Bytes of a piece.
  static let piece: Int64 = 256 << 10
  /// Bytes of the first one, which the answer's head waits for.
  private static let firstPiece = Answerer.firstBytes
  /// Pieces that are asked for at the same time.
  private static let ahead = 4

  private let blob: Descriptor
  private let source: BlobSource
  private let range: Range<Int64>
  private var asked: Int64
  private var coming: [(task: Task<[UInt8], any Error>, place: AnswerRoom.Place)] = []
  private var hasher: ContentHasher?
  /// Reads what was given before, which is to be right with the rest, until it is hashed.
  private var before: BlobReader?
  private let room: AnswerRoom
  /// The room of the piece that was given last; before there is one, that of the first.
  private var given: AnswerRoom.Place?

  /// The bytes wanted.
  package nonisolated var bytes: Range<Int64> { range }

  /// - Parameters:
  ///   - blob: the blob, which upstream lets the caller have.
  ///   - range: the bytes wanted.
  ///   - source: fetches them as the caller.
  ///   - room: where more is found for what is ahead.
  ///   - place: room for a piece.
  ///   - before: reads what the caller has already, where he is to get all of a blob.
  /// - Throws: `HashingError` when libcrypto has no hash.
  init(
    _ blob: Descriptor, _ range: Range<Int64>, from source: BlobSource, _ room: AnswerRoom,
    _ place: AnswerRoom.Place, after before: BlobReader? = nil
  ) throws(HashingError) {
    (self.blob, self.source, self.range) = (blob, source, range)
    (self.room, given) = (room, place)
    asked = range.lowerBound
    self.before = before
    // Who asks for a part has its own way to know whether the whole is right.
    hasher =
      before != nil || range == 0..<blob.size ? try ContentHasher(blob.digest.algorithm) : nil
  }

  deinit { for piece in coming { piece.task.cancel() } }

  /// Waits until the first bytes are there, so that what upstream says in their place can be the answer.
  ///
  /// - Throws: `RegistryError`: why none will come; `CancellationError`.
  package func begin() async throws {
    ask(1)
    guard let first = coming.first?.task else { return }
    _ = try await first.value
  }

  /// The next bytes; nil: there are no more.
  ///
  /// Those that were given before are not to be kept.
  ///
  /// - Throws: `RegistryError`: why no more will come, `integrity` where they were wrong;
  ///   `CancellationError`: nobody reads any more, and nothing is asked for.
  package func next() async throws -> [UInt8]? {
    try Task.checkCancellation()
    ask(Self.ahead)
    try await hashBefore()
    guard !coming.isEmpty else { return nil }
    let (task, place) = coming.removeFirst()
    given = place
    let bytes = try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
    bytes.withUnsafeBytes { hasher?.update($0) }
    if coming.isEmpty, asked == range.upperBound { try check() }
    return bytes
  }

  /// Hashes what was given before.
  private func hashBefore() async throws {
    guard let reader = before else { return }
    before = nil
    var offset: Int64 = 0
    while offset < range.lowerBound {
      let (start, count) = (offset, Int(min(Self.piece, range.lowerBound - offset)))
      let bytes = try await NIOThreadPool.singleton.runIfActive {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
          filled = try reader.read(at: start, into: UnsafeMutableRawBufferPointer(buffer))
        }
      }
      guard !bytes.isEmpty else { throw BlobStream.Broken() }
      bytes.withUnsafeBytes { hasher?.update($0) }
      offset += Int64(bytes.count)
    }
  }

  /// Asks for pieces, so many at most and as many as there is room for.
  private func ask(_ most: Int) {
    var free = given
    given = nil
    while coming.count < most, let part = nextPart(),
      let place = free ?? room.takeSpare(part.count)
    {
      free = nil
      asked = part.upperBound
      let (blob, source) = (blob, source)
      coming.append((Task { try await Self.fetch(part, of: blob, from: source) }, place))
    }
  }

  /// The last piece of a whole blob is what is held back.
  private func nextPart() -> Range<Int64>? {
    guard asked < range.upperBound else { return nil }
    let free = max(0, blob.size - BlobStream.heldBack)
    let limit = asked < free ? min(free, range.upperBound) : range.upperBound
    let piece = asked == range.lowerBound ? Self.firstPiece : Self.piece
    return asked..<min(limit, asked + piece)
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
  ) async throws(RegistryError) -> [UInt8] {
    if Task.isCancelled { throw .callerLeft }
    let arrived = Arrived(part)
    let window = FileWindow(part) { arrived.take($0, at: $1) }
    let isWhole = Mutex(false)
    let request = BlobSource.Request(blob: blob, range: part, ranged: true, window: window)
    try await source.fetchAll(request) { event in
      if case .wholeBody = event, part != 0..<blob.size { isWhole.withLock { $0 = true } }
    }
    if isWhole.withLock({ $0 }) {
      throw RegistryError(
        .protocolError(transient: false),
        "the cache has no room for \(blob.digest.short), and no part of it is to be had")
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
