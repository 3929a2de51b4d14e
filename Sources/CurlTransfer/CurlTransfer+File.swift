import Glibc
import Transfer

/// Bodies that go to files.
extension CurlTransfer {
  /// - Returns: false where writing failed.
  func write(_ bytes: UnsafeRawBufferPointer, to window: FileWindow, at place: Int64) -> Bool {
    switch clock.disk({ window.accept(bytes, at: place) }) {
    case .more: break
    case .full: isFull = true
    case .failed(let code):
      failure = TransferError(.disk(errno: code), String(cString: strerror(code)))
      return false
    }
    return true
  }

  /// - Returns: false where writing failed, or the bytes are not what they are called.
  func decode(
    _ chunk: UnsafeRawBufferPointer, _ coding: BodyCoding, length: Int64, into window: FileWindow,
    at offset: Int64
  ) -> Bool {
    let inflater = inflater ?? Inflater(coding, limit: length)
    self.inflater = inflater
    do throws(TransferError) {
      var place = offset &+ inflater.count
      try inflater.take(chunk) { piece in
        defer { place &+= Int64(piece.count) }
        return write(piece, to: window, at: place) && !isFull
      }
    } catch {
      failure = error
    }
    return failure == nil
  }
}
