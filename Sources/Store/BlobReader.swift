import Disk
import Glibc
package import OCI

/// An open file of a blob that is in the store or on its way there; it stays readable when the blob
/// gets its name.
package struct BlobReader: Sendable {
  let file: OpenFile

  /// Reads bytes.
  ///
  /// - Parameters:
  ///   - offset: of the first of them.
  ///   - buffer: filled as far as the file goes.
  /// - Returns: how many were read.
  /// - Throws: `StoreError`.
  package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer)
    throws(StoreError) -> Int
  {
    while true {
      let count = pread(file.descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      guard errno == EINTR else { throw .system(action: "read", path: file.path, errno: errno) }
    }
  }

  /// Lends the descriptor, for whoever has the system send the file.
  ///
  /// - Parameter body: must not close it, and not keep it.
  package func withDescriptor<Value>(_ body: (Int32) throws -> Value) rethrows -> Value {
    defer { withExtendedLifetime(file) {} }
    return try body(file.descriptor)
  }
}

extension PartialBlob {
  /// Reads what has arrived.
  package var reader: BlobReader { BlobReader(file: file) }
}

extension ContentStore {
  /// Opens a blob that is in the store and right; nil where there is none.
  ///
  /// - Parameter descriptor: the blob.
  /// - Throws: `StoreError`.
  package func reader(of descriptor: Descriptor) throws(StoreError) -> BlobReader? {
    try sound(descriptor).map { BlobReader(file: $0.file) }
  }
}
