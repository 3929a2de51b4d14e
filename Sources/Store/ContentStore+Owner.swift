import Disk
import OCI

/// Whose a store is.
extension ContentStore {
  /// Says that others than this user and root can change the store, who are then trusted with what
  /// is in it: whoever made it so may mean that.
  func sayWhoseItIs() {
    let folders =
      ["", ".cairn", ".cairn/ingest", "blobs"]
      + Digest.Algorithm.allCases.map { "blobs/" + $0.rawValue }
    for name in folders {
      let place = name.isEmpty ? folder : try? folder.folder(name)
      guard let reason = place?.complaint else { continue }
      let shown = name.isEmpty ? root : "\(root)/\(name)"
      return tell(
        "the store's folder \(shown) is not this user's alone (\(reason)): what is pulled from it is as others leave it"
      )
    }
  }
}

extension Folder {
  /// Whether nobody has put anything in it: a new file system has a directory for what a repair finds.
  var isBare: Bool { list().allSatisfy { $0 == "lost+found" } }
}
