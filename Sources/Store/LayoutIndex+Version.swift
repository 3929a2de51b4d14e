import Disk
import Glibc
import OCI
import Text

/// Which layouts there are: what `oci-layout` says.
///
/// - Source: OCI image specification 1.1, "oci-layout file"; versions are semantic ones.
extension LayoutIndex {
  /// What is understood, of layouts and of indexes.
  private static let (layoutMajor, schema) = ("1", 2)

  /// Fails where a folder is a layout of which nobody here knows what is in it.
  ///
  /// - Returns: whether the file is there and whole.
  @discardableResult
  static func checkVersion(in folder: Folder) throws(StoreError) -> Bool {
    guard folder.info(layoutName) != nil else { return false }
    guard let bytes = try? folder.read(layoutName, limit: 64 << 10) else { return true }
    let whole = Array(layoutFile.utf8)
    // A full disk, or a loss of power, cuts it off.
    guard !whole.starts(with: bytes) else { return bytes.count == whole.count }
    guard let version = JSONTree(bytes)?["imageLayoutVersion"]?.string,
      let major = version.parts(at: ".", keepingEmpty: true).first, major != layoutMajor
    else { return true }
    throw unknown(folder.path, "OCI image layout of version \(version.shownSafely(limit: 20))")
  }

  /// Says that a folder is a layout, where nothing there says it.
  static func writeVersion(to folder: Folder, mode: UInt32) throws(StoreError) {
    guard try !checkVersion(in: folder) else { return }
    // Others lock the file that is there, and may be about to write the same: it stays that one.
    if let file = try? OpenFile(layoutName, in: folder, O_WRONLY | O_CREAT, mode), file.isOnlyHere {
      try disk(try file.writeAll(layoutFile.utf8))
      return try disk(try file.sync())
    }
    try disk(try folder.writeAtomically(layoutName, layoutFile.utf8, mode: mode))
  }

  /// Fails where an index is of a form that nobody here knows.
  func checkSchema(in folder: Folder) throws(StoreError) {
    guard let found = schemaVersion, found != Self.schema else { return }
    throw Self.unknown(folder.path(of: Self.fileName), "index of schemaVersion \(found)")
  }

  private static func unknown(_ path: String, _ what: String) -> StoreError {
    .refused("\(path) is an \(what), which this cairn does not know: nothing is read or changed")
  }
}
