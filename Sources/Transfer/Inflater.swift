internal import CZlib

/// Undoes deflate, in whatever wrapping, with a bound on what comes out.
struct Inflater {
  /// What stands around the compressed bytes.
  enum Wrapping: Int32, CaseIterable {
    case zlib = 15
    case gzip = 31
    case none = -15
  }

  /// How it ended.
  enum Outcome: Equatable {
    /// The content, and how many bytes of the input it took.
    case whole([UInt8], taken: Int)
    /// More than the limit would come out.
    case tooLarge
    /// The bytes are not what they should be, or end too early.
    case damaged
  }

  /// Bytes that come out in one step: a document hardly needs two.
  private static let step = 64 << 10

  /// Inflates one stream from the beginning of some bytes.
  ///
  /// - Parameters:
  ///   - bytes: the stream, perhaps with something behind it.
  ///   - wrapping: what stands around it.
  ///   - limit: the most bytes that may come out.
  static func inflate(_ bytes: ArraySlice<UInt8>, _ wrapping: Wrapping, limit: Int) -> Outcome {
    // zlib keeps the stream's address.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    guard cairn_inflate_begin(stream, wrapping.rawValue) == Z_OK else { return .damaged }
    defer { inflateEnd(stream) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: step)
    return bytes.withUnsafeBufferPointer { input in
      // zlib only reads it, and says so only where a macro of its own is set.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = uInt(clamping: input.count)
      while true {
        let (code, made) = buffer.withUnsafeMutableBufferPointer { buffer in
          stream.pointee.next_out = buffer.baseAddress
          stream.pointee.avail_out = uInt(clamping: buffer.count)
          let code = CZlib.inflate(stream, Z_NO_FLUSH)
          return (code, buffer.count - Int(stream.pointee.avail_out))
        }
        guard made <= limit - output.count else { return .tooLarge }
        output += buffer[..<made]
        if code == Z_STREAM_END {
          return .whole(output, taken: input.count - Int(stream.pointee.avail_in))
        }
        // Without progress there is nothing more to come: the input has ended too early.
        guard code == Z_OK, made > 0 || stream.pointee.avail_in > 0 else { return .damaged }
      }
    }
  }
}
