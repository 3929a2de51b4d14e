import Glibc
import Text

/// Whose symbolic links are followed in a path that the user named.
///
/// Whoever owns a link can make it lead elsewhere at any moment. Root follows root's own only: in
/// another user's folder a path would lead wherever that user likes, with root's rights. Others
/// follow all but strangers' links in folders like `/tmp`: the kernel's rule (`fs.protected_symlinks`),
/// which has to be kept here because links are read here, not followed by the kernel.
struct LinkTrust {
  /// Who asks.
  let user: uid_t
  /// The owner that files have whose owner does not exist in this user namespace; nil: all exist.
  let unmapped: uid_t?

  /// Of this process.
  static let process = LinkTrust(user: geteuid(), unmapped: unmappedOwner())

  /// Whether a link is followed.
  ///
  /// - Parameters:
  ///   - owner: the link's.
  ///   - folder: what `stat` says of the directory that it is in.
  func follows(owner: uid_t, in folder: stat) -> Bool {
    if owner == user || owner == 0 || owner == unmapped { return true }
    guard user != 0 else { return false }
    let isOpenToAll = folder.st_mode & (S_ISVTX | S_IWOTH) == S_ISVTX | S_IWOTH
    return !isOpenToAll || owner == folder.st_uid
  }

  /// What is not mapped into a user namespace shows as this one, `nobody`; the true `nobody` of a
  /// whole system is another.
  private static let overflow: uid_t = 65_534

  private static func unmappedOwner() -> uid_t? {
    guard let text = try? InputFile.text("/proc/self/uid_map", limit: 64 << 10) else { return nil }
    let isMapped = text.parts(at: "\n").contains { line in
      let numbers = line.parts(at: " ").compactMap { UInt64($0) }
      return numbers.count == 3 && numbers[0] <= overflow
        && UInt64(overflow) - numbers[0] < numbers[2]
    }
    return isMapped ? nil : overflow
  }
}
