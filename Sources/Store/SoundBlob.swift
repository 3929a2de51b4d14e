import Disk
import OCI

/// A blob of the store that is open and known to be right.
struct SoundBlob {
  let descriptor: Descriptor
  let file: OpenFile
  let mark: FileMark

  /// Fails where the blob was changed since it was opened; after its content went elsewhere.
  func recheck() throws(StoreError) {
    guard file.info.map({ FileMark($0).isUnchanged(since: mark) }) ?? false else {
      throw .wrongContent(expected: descriptor.digest, found: "somebody changes it")
    }
  }
}
