internal import CZlib

/// Undoes a body's encoding as it comes: what goes in is forgotten, and what comes out has a bound.
package final class Inflater {
  /// What stands around the compressed bytes, as zlib's window bits say it.
  private enum Wrapping: Int32 {
    case zlib = 15
    case gzip = 31
    case none = -15
  }

  private let coding: BodyCoding
  private let limit: Int64
  // zlib keeps the stream's address.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)
  private var isOpen = false
  private var isAtEnd = false
  private var members = 0

  /// Bytes that came out so far.
  package private(set) var count: Int64 = 0

  /// Whether what came so far is whole: an encoding ends there.
  var isWhole: Bool { isAtEnd }

  /// Members of one gzip body; each costs a beginning, so there is an end to them.
  private static let mostMembers = 1 << 16

  /// Begins a body.
  ///
  /// - Parameters:
  ///   - coding: how it is encoded.
  ///   - limit: the most bytes that may come out.
  package init(_ coding: BodyCoding, limit: Int64) {
    self.coding = coding
    self.limit = limit
    stream.initialize(to: z_stream())
  }

  deinit {
    if isOpen { inflateEnd(stream) }
    stream.deallocate()
  }

  /// Takes the next bytes.
  ///
  /// - Parameters:
  ///   - chunk: as they came.
  ///   - use: gets what comes out, piece by piece; false ends it.
  /// - Throws: `TransferError` of kind `badResponse`: damaged bytes, or more than the limit.
  package func take(_ chunk: UnsafeRawBufferPointer, _ use: (UnsafeRawBufferPointer) -> Bool)
    throws(TransferError)
  {
    guard let first = chunk.first, chunk.count > 0 else { return }
    if !isOpen { try begin(first) }
    // zlib only reads it, and says so only where a macro of its own is set.
    let bytes = chunk.bindMemory(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.pointee.avail_in = uInt(clamping: bytes.count)
    defer { (stream.pointee.next_in, stream.pointee.avail_in) = (nil, 0) }
    repeat {
      if isAtEnd {
        // Another member, or something behind the end, which is no part of it.
        guard coding == .gzip, stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0x1F
        else { return }
        members += 1
        guard members < Self.mostMembers, inflateReset(stream) == Z_OK else { throw Self.damaged }
        isAtEnd = false
      }
      if try !step(use) { return }
    } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
  }

  /// - Returns: false where nothing more is wanted, or needed.
  private func step(_ use: (UnsafeRawBufferPointer) -> Bool) throws(TransferError) -> Bool {
    let (code, made) = buffer.withUnsafeMutableBufferPointer { buffer in
      stream.pointee.next_out = buffer.baseAddress
      stream.pointee.avail_out = uInt(clamping: buffer.count)
      let code = CZlib.inflate(stream, Z_NO_FLUSH)
      return (code, buffer.count - Int(stream.pointee.avail_out))
    }
    // Without progress there is nothing more to come of these bytes.
    if code == Z_BUF_ERROR, made == 0 { return false }
    guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { throw Self.damaged }
    guard Int64(made) <= limit - count else {
      throw TransferError(.badResponse, "the decoded response is larger than \(limit) bytes")
    }
    isAtEnd = code == Z_STREAM_END
    count += Int64(made)
    return made == 0
      || buffer.withUnsafeBytes { use(UnsafeRawBufferPointer(rebasing: $0[..<made])) }
  }

  private func begin(_ first: UInt8) throws(TransferError) {
    // Deflate comes in zlib's format by the specification, without it by a mistake that many made.
    let wrapping: Wrapping =
      coding == .gzip ? .gzip : first & 0x0F == 8 ? .zlib : .none
    guard cairn_inflate_begin(stream, wrapping.rawValue) == Z_OK else { throw Self.damaged }
    isOpen = true
  }

  static let damaged = TransferError(
    .badResponse, "the response is encoded, and its bytes are damaged or end too early")
}
