import Glibc

/// How many blobs and connections are open at once, so that a process keeps within its limit on
/// open files (`ulimit -n`).
///
/// A pull that ran into the limit would stop at the first file that it cannot open, or worse: the
/// runtime opens files of `/proc` to look at its own threads, and ends the process where it cannot.
package struct OpenFileBudget: Equatable, Sendable {
  /// Blobs that have their files open, at least 1: an image with thousands of layers is fetched
  /// with few of them at a time.
  package let blobs: Int
  /// Connections, at least 1.
  package let connections: Int
  /// Workers, at least 1: some connections are left for tokens and for questions where blobs are.
  package var workers: Int { max(1, connections - Self.askingConnections) }

  /// Callers of `cairn serve` at a time, at least 4.
  ///
  /// As many over the network as through sockets in the file system, with a connection and a blob's file
  /// each: half of the limit is theirs.
  package let callers: Int

  private static let askingConnections = 4

  /// The lowest limit under which a pull with one blob and one connection has all that it needs,
  /// with any output: the reserve and theirs (25 were enough in trials), and a few for what whoever
  /// started us left open.
  package static let least: UInt64 = 32

  /// A blob's data and its resume map.
  private static let filesOfABlob = 2
  /// While it is made: looking up a name takes a pair of sockets and one for the question.
  private static let filesOfAConnection = 3
  /// More blobs at a time than this gain nothing.
  private static let mostBlobs = 160
  /// Both kinds of callers, with a connection and a file.
  private static let filesOfACaller = 2 * 2
  private static let fewestCallers = 4
  /// More callers at a time than this are no machine's own.
  private static let mostCallers = 512
  /// Standard files, the store's lock, the history and its journal, the runtime's and libcurl's own
  /// descriptors, and some for what is open for a moment: documents, folders being synced, name
  /// look-ups.
  private static let reserve = 24

  /// Shares a limit.
  ///
  /// - Parameter limit: how many files may be open at once.
  package init(limit: Int) {
    callers = min(Self.mostCallers, max(Self.fewestCallers, limit / 2 / Self.filesOfACaller))
    let free = max(Self.reserve, limit) - Self.reserve
    blobs = min(Self.mostBlobs, max(1, free / 2 / Self.filesOfABlob))
    connections = max(1, (free - blobs * Self.filesOfABlob) / Self.filesOfAConnection)
  }

  /// That of this process.
  package static var ofProcess: OpenFileBudget {
    var limits = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else {
      return OpenFileBudget(limit: 1024)
    }
    return OpenFileBudget(limit: Int(clamping: limits.rlim_cur))
  }
}
