import Glibc

/// Judges the links and folders that a walk along a path comes to, as each of them is open.
///
/// What is written follows links as `LinkTrust` says. What is read to decide something must be where
/// nobody else could have put it, as `FileTrust` says:
///
/// ```
/// in the home -> above it        by a link that begins at the root
/// above the home -> in it        when the walk comes to the home: what was seen above is forgiven
/// ```
struct WayJudge {
  private enum Rule {
    case written(LinkTrust)
    case read(FileTrust)
  }

  private typealias Complaint = (code: Int32, reason: String)

  private let rule: Rule
  /// Where the way begins, and below which folders are judged; nil: none is.
  let base: OpenDescriptor?
  /// Bytes of the path that lead to the base.
  private let skipped: Int
  private var isAbove = false
  private var complaint: Complaint?
  /// What is wrong above the home, as long as the way does not lead into it.
  private var complaintAbove: Complaint?

  /// Of what is written.
  static var ofOutputs: WayJudge { WayJudge(rule: .written(.process)) }

  /// Of what is read.
  ///
  /// - Throws: `DiskError`: the folder that the trust begins at cannot be opened.
  static func of(_ trust: FileTrust, _ path: String) throws(DiskError) -> WayJudge {
    guard let base = trust.base(of: path) else { return WayJudge(rule: .read(trust)) }
    guard let opened = OpenDescriptor(base, at: AT_FDCWD, OpenDescriptor.pathOnly | O_DIRECTORY)
    else {
      throw .last("read", path)
    }
    return WayJudge(rule: .read(trust), base: opened, skipped: base.utf8.count)
  }

  private init(rule: Rule, base: OpenDescriptor? = nil, skipped: Int = 0) {
    (self.rule, self.base, self.skipped) = (rule, base, skipped)
  }

  /// What of a path comes after the base.
  func rest(of path: String) -> String {
    String(decoding: path.utf8.dropFirst(skipped), as: UTF8.self)
  }

  /// Comes to a link, whose text is about to be followed.
  mutating func follow(
    _ link: OpenDescriptor, _ info: stat, in folder: OpenDescriptor, _ path: String
  )
    throws(DiskError)
  {
    switch rule {
    case .written(let trust):
      guard let around = folder.info, trust.follows(owner: info.st_uid, in: around) else {
        throw DiskError(
          "open", path, ELOOP,
          reason:
            "a symbolic link in it belongs to another user (\(info.st_uid)) and is not followed")
      }
    case .read(let trust):
      guard !trust.owns(info) else { return }
      note((EPERM, "the link \(Self.name(link)) belongs to another user (\(info.st_uid))"))
    }
  }

  /// Begins again at the root.
  mutating func restart(at root: OpenDescriptor) {
    isAbove = true
    root.info.map { enter(root, $0) }
  }

  /// Comes to a folder.
  mutating func enter(_ folder: OpenDescriptor, _ info: stat) {
    guard case .read(let trust) = rule, let base else { return }
    if let start = base.info, start.isSame(as: info) {
      (isAbove, complaintAbove) = (false, nil)
    } else if let (code, reason) = trust.complaint(info) {
      // Where nobody can write, modes say nothing: a volume of Kubernetes has 0777.
      guard code != EACCES || !folder.isReadOnly else { return }
      note((code, "the folder \(Self.name(folder)): \(reason)"))
    }
  }

  private mutating func note(_ found: Complaint) {
    if isAbove {
      complaintAbove = complaintAbove ?? found
    } else {
      complaint = complaint ?? found
    }
  }

  /// The end of the way.
  ///
  /// - Throws: `DiskError` with a reason: what is there is not to be believed.
  func end(_ path: String) throws(DiskError) {
    guard let (code, reason) = complaint ?? complaintAbove else { return }
    throw DiskError("read", path, code, reason: reason)
  }

  private static func name(_ opened: OpenDescriptor) -> String {
    Files.link("/proc/self/fd/\(opened.number)") ?? "on its way"
  }
}
