import Downloads
import Registry
package import Store

/// The bytes of a blob on its way, as they may be given to somebody.
///
/// From its beginning: only what is on disk and hashed, and the last 64 KiB when the digest is
/// right. An answer with all of a blob never comes to its end with wrong bytes.
///
/// From elsewhere: what is hashed, else what is on disk. Who asks for a part has its own way to
/// know whether the whole is right.
package struct BlobStream: Sendable {
  /// What was given of a blob that then turned out wrong, or comes no more.
  package struct Broken: Error {}

  /// The bytes wanted.
  package let range: Range<Int64>
  private let size: Int64
  private let download: Download
  /// Keeps what the image has ahead going.
  private let reading: Ahead.Reading?
  /// Told why no more comes.
  private let fails: @Sendable (DownloadError) -> Void
  private let passes: Passes

  /// Gives bytes past the disk; those before them are read by whoever is to get a whole blob.
  typealias Passes = @Sendable (Range<Int64>, _ before: BlobReader?) async throws -> PassThrough?

  /// Bytes at the end that wait for the digest.
  static let heldBack: Int64 = 64 << 10

  /// The part of a blob that is needed to give a range of it; nil: all of it.
  static func part(for range: Range<Int64>, of size: Int64) -> Range<Int64>? {
    let waitsForDigest = range.lowerBound == 0 && range.upperBound > max(0, size - heldBack)
    return waitsForDigest ? nil : range
  }

  /// - Parameters:
  ///   - range: the bytes wanted.
  ///   - size: of the blob.
  ///   - download: of the blob, wanted by whoever reads it.
  ///   - reading: kept while it is read.
  ///   - passes: gives the rest where the disk keeps no more.
  ///   - fails: told why no more comes.
  init(
    _ range: Range<Int64>, of size: Int64, from download: Download, _ reading: Ahead.Reading?,
    passes: @escaping Passes = { _, _ in nil },
    fails: @escaping @Sendable (DownloadError) -> Void = { _ in }
  ) {
    self.passes = passes
    self.fails = fails
    self.reading = reading
    self.range = range
    self.size = size
    self.download = download
  }

  /// Waits for more.
  ///
  /// - Parameter position: how far it was read.
  /// - Returns: where to read the next bytes from, and which; nil: there are no more.
  /// - Throws: why no more will come, `Broken` or `DownloadError`.
  package func next(after position: Int64) async throws -> (BlobReader, Range<Int64>)? {
    do {
      return try await more(after: position)
    } catch {
      if let error = error as? DownloadError { fails(error) }
      throw error
    }
  }

  private func more(after position: Int64) async throws -> (BlobReader, Range<Int64>)? {
    guard position < range.upperBound else { return nil }
    guard range.lowerBound == 0 else {
      let end = min(try await download.stretch(from: position), range.upperBound)
      guard end > position else { throw Broken() }
      return (try download.reader(), position..<end)
    }
    let free = max(0, size - Self.heldBack)
    // Who holds all but the end waits for the digest.
    if position >= free { try await download.end() }
    let hashed = try await download.prefix(beyond: position)
    let limit = position < free ? min(free, range.upperBound) : range.upperBound
    let end = min(hashed, limit)
    guard end > position else { throw Broken() }
    return (try download.reader(), position..<end)
  }

  /// What is left of it, where the disk keeps no more.
  ///
  /// - Parameters:
  ///   - position: how far it was read.
  ///   - reader: reads what comes before.
  /// - Returns: nil where there is no room in memory for any of it.
  /// - Throws: why none will come.
  func rest(after position: Int64, _ reader: BlobReader?) async throws -> PassThrough? {
    let isWhole = range == 0..<size
    return try await passes(position..<range.upperBound, isWhole && position > 0 ? reader : nil)
  }

  /// Waits until some of it can be given.
  ///
  /// - Throws: why nothing will come.
  func begin() async throws { _ = try await next(after: range.lowerBound) }
}
