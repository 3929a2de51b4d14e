import Glibc
import Text

/// Goes along a path that the user named, one open directory after the other.
///
/// Each step opens a name without following it and then looks at what it has opened, so that
/// nothing can be exchanged between the look and the use. A link is followed by its text where
/// `WayJudge` allows that. `openat2` would do for paths that must have no link at all, but could
/// not tell links apart; steps do the same on every kernel and under every sandbox.
enum PathWalk {
  /// Where a path ends.
  struct Place {
    /// The directory that has the last name.
    let folder: OpenDescriptor
    /// The last name; nil where the path is the directory itself.
    let name: String?
    /// True for a link of `/proc` (`/dev/stdout`), which only the kernel can follow.
    var isMagic = false
  }

  /// As many as the kernel follows.
  private static let mostLinks = 40
  /// How often a directory may be gone again that was just made.
  private static let mostAttempts = 100

  /// Opens the directory that a path names.
  ///
  /// - Parameter mode: of directories that are made where there is none; nil: none is made.
  static func folder(_ path: String, making mode: mode_t? = nil) throws(DiskError) -> OpenDescriptor
  {
    try walk(path, toLast: false, mode).folder
  }

  /// Opens the directory that has a path's last name, which may be the name of nothing; where it is
  /// a link, of what that leads to.
  static func place(_ path: String) throws(DiskError) -> Place {
    try walk(path, toLast: true, nil)
  }

  /// The same for what is read to decide something; whether it is to be believed says the judge.
  ///
  /// - Parameter toLast: false where the path is meant to be a directory.
  static func place(_ path: String, trust: FileTrust, toLast: Bool = true) throws(DiskError)
    -> (Place, WayJudge)
  {
    var judge = try WayJudge.of(trust, path)
    return (try walk(path, toLast: toLast, nil, &judge), judge)
  }

  private static func walk(_ path: String, toLast: Bool, _ mode: mode_t?) throws(DiskError)
    -> Place
  {
    var judge = WayJudge.ofOutputs
    return try walk(path, toLast: toLast, mode, &judge)
  }

  private static func walk(
    _ path: String, toLast: Bool, _ mode: mode_t?, _ judge: inout WayJudge
  ) throws(DiskError) -> Place {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw DiskError("open", path, ENOENT) }
    var rest = steps(judge.rest(of: path))
    var here = if let base = judge.base { base } else { try start(path, path) }
    var (links, attempts) = (0, 0)
    // What ends in a slash is meant as a directory.
    let endsAtName = toLast && !path.ends(with: "/")
    while let name = rest.popLast() {
      let isLast = rest.isEmpty && endsAtName
      guard let next = OpenDescriptor(name, at: here.number, OpenDescriptor.pathOnly | O_NOFOLLOW),
        let info = next.info
      else {
        guard errno == ENOENT else { throw .last("open", path) }
        if isLast { return Place(folder: here, name: name) }
        attempts += 1
        guard let mode, attempts < mostAttempts else { throw DiskError("open", path, ENOENT) }
        try make(name, in: here, mode, path)
        rest.append(name)
        continue
      }
      switch info.kind {
      case .directory:
        if isLast { return Place(folder: here, name: name) }
        judge.enter(next, info)
        here = next
      case .link where isProc(here):
        guard let target = OpenDescriptor(name, at: here.number, OpenDescriptor.pathOnly) else {
          throw .last("open", path)
        }
        if let info = target.info, info.kind == .directory {
          judge.enter(target, info)
          here = target
        } else {
          guard isLast else { throw DiskError("open", path, ENOTDIR) }
          return Place(folder: here, name: name, isMagic: true)
        }
      case .link:
        links += 1
        guard links <= mostLinks else {
          throw DiskError("open", path, ELOOP, reason: "it leads from link to link without an end")
        }
        try judge.follow(next, info, in: here, path)
        let target = try text(of: next, path)
        rest += steps(target)
        if target.begins(with: "/") {
          here = try start(target, path)
          judge.restart(at: here)
        }
      default:
        guard isLast else { throw DiskError("open", path, ENOTDIR) }
        return Place(folder: here, name: name)
      }
    }
    return Place(folder: here, name: nil)
  }

  /// The names of a path, the first last.
  private static func steps(_ path: String) -> [String] {
    path.parts(at: "/").filter { $0.exact != ".".exact }.reversed().map(String.init)
  }

  private static func start(_ path: String, _ whole: String) throws(DiskError) -> OpenDescriptor {
    let first = path.begins(with: "/") ? "/" : "."
    guard let opened = OpenDescriptor(first, at: AT_FDCWD, OpenDescriptor.pathOnly | O_DIRECTORY)
    else {
      throw .last("open", whole)
    }
    return opened
  }

  private static func make(_ name: String, in here: OpenDescriptor, _ mode: mode_t, _ path: String)
    throws(DiskError)
  {
    guard mkdirat(here.number, name, mode) != 0 else { return }
    let code = errno
    // Some refuse to make what is there already in other words than "it exists".
    var info = stat()
    guard fstatat(here.number, name, &info, AT_SYMLINK_NOFOLLOW) != 0 else { return }
    throw DiskError("make directory", path, code)
  }

  /// Whether a directory is of `/proc`, whose links are more than their texts.
  private static func isProc(_ folder: OpenDescriptor) -> Bool {
    guard let device = procDevice, let info = folder.info else { return false }
    return info.st_dev == device
  }

  /// The disk that `/proc` is, whose root has the number 1; nil: it is not mounted.
  private static let procDevice: dev_t? = {
    var (root, mine) = (stat(), stat())
    guard stat("/proc", &root) == 0, stat("/proc/self/fd", &mine) == 0, root.st_ino == 1,
      root.st_dev == mine.st_dev
    else { return nil }
    return root.st_dev
  }()

  private static func text(of link: OpenDescriptor, _ path: String) throws(DiskError) -> String {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlinkat(link.number, "", &target, target.count)
    guard length > 0 else { throw .last("open", path) }
    guard let text = String(validating: target[..<length], as: UTF8.self) else {
      throw DiskError("open", path, EILSEQ, reason: "a link in it leads to a name that is no UTF-8")
    }
    return text
  }
}
