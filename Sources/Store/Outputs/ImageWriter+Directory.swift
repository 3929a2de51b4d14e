import Disk
import FoundationEssentials
import Glibc
import OCI
import Text

/// `dir:`, skopeo's flat directory.
extension ImageWriter {
  func checkDirectory(_ directory: String) throws(StoreError) {
    guard let (parent, name) = try place(of: directory) else {
      return try checkRoom(for: directory)
    }
    _ = try replaceable(name, in: parent, directory)
    if let obstacle = parent.obstacle(to: name) { throw StoreError(obstacle) }
  }

  /// Where a directory is to stand; nil where not even its parent is there.
  private func place(of directory: String) throws(StoreError) -> (Folder, String)? {
    let trimmed = Self.trimmed(directory)
    guard let parent = try existing(Files.parent(of: trimmed)) else { return nil }
    return (parent, Self.name(trimmed))
  }

  private static func trimmed(_ directory: String) -> String {
    var trimmed = directory.unicodeScalars
    while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
    return String(trimmed)
  }

  private static func name(_ path: String) -> String {
    path.parts(at: "/").last.map(String.init) ?? "."
  }

  /// What stands where an output goes, if it may be replaced; nil where there is nothing.
  private func replaceable(_ name: String, in parent: Folder, _ directory: String)
    throws(StoreError) -> Folder?
  {
    guard let info = parent.info(name) else { return nil }
    guard info.kind == .directory else {
      throw .refused("cannot write \(directory): \(info.kind.words), and no directory")
    }
    guard name != ".", name != ".." else {
      throw .badOutput("\(directory) is not replaced: name a new directory in it")
    }
    let folder = try disk(try parent.folder(name))
    if parent.isMount(name), let obstacle = parent.obstacle(to: name) { throw StoreError(obstacle) }
    guard !folder.list().isEmpty else { return folder }
    guard overwrites else { throw .outputExists(path: directory) }
    guard Self.isDirectoryOutput(folder) else {
      throw .badOutput("\(directory) is not replaced: it was not made by a dir: output")
    }
    // What is in it could not be removed.
    if let code = folder.refusal { throw StoreError(DiskError("replace", directory, code)) }
    return folder
  }

  /// Whether a directory is what a `dir:` output writes, and nothing but that: it is about to be
  /// removed as a whole.
  private static func isDirectoryOutput(_ folder: Folder) -> Bool {
    guard let version = try? folder.read("version", limit: 100),
      version.starts(with: "Directory Transport Version: ".utf8)
    else { return false }
    return folder.list().allSatisfy { name in
      // Other tools put signatures beside the blobs.
      let isKnown =
        ["version", "manifest.json", Temporary.mark].contains(name)
        || name.begins(with: "signature-")
        || Digest.Algorithm.allCases.contains { (try? Digest("\($0.rawValue):\(name)")) != nil }
      return isKnown && folder.size(name) != nil
    }
  }

  func writeDirectory(_ image: StoredImage, _ directory: String) throws(StoreError) {
    guard let (descriptor, manifest) = image.manifests.first else { return }
    let trimmed = Self.trimmed(directory)
    let parent = try disk(try Folder(Files.parent(of: trimmed), making: 0o755))
    Leftovers.clear(in: parent)
    let temporary = Temporary(in: parent)
    let folder = try disk(try temporary.makeFolder(0o755))
    try disk(
      try folder.writeAtomically(
        "version", "Directory Transport Version: 1.1\n".utf8, mode: 0o644))
    try copy.place(descriptor, of: store, at: "manifest.json", in: folder)
    for blob in manifest.blobs {
      try copy.place(blob, of: store, at: blob.digest.hex, in: folder)
    }
    try put(temporary, at: Self.name(trimmed), in: parent, directory)
  }

  /// Gives a new directory its name; what had it before is set aside first, and removed once it is
  /// known to be what was looked at.
  private func put(
    _ temporary: Temporary, at name: String, in parent: Folder, _ directory: String
  ) throws(StoreError) {
    guard let old = try replaceable(name, in: parent, directory) else {
      try disk(try temporary.take(name))
      return
    }
    let aside = Temporary(in: parent)
    try disk(try parent.rename(name, to: aside.name))
    guard parent.has(aside.name, old) else {
      try disk(try aside.take(name))
      throw Self.contended(directory)
    }
    do throws(DiskError) {
      try temporary.take(name)
    } catch {
      try disk(try aside.take(name))
      throw StoreError(error)
    }
    // That which was looked at goes, whatever has its name by now.
    aside.doom(old)
    try disk(try aside.remove())
  }

  private static func contended(_ directory: String) -> StoreError {
    .refused("cannot write \(directory): somebody else changes it at the same time")
  }
}
