import Glibc
import Synchronization

/// Standard input, output and error, which whoever starts a program may have closed (`>&-`).
///
/// The next thing that is opened gets the number of one that is closed: a result would be written
/// into a socket or a queue of our own. So something else is opened in their places first, in the
/// wrong direction, as libc does it for programs with more rights than their user: whoever uses it
/// fails.
package enum StandardFiles {
  private static let closed = Mutex<Set<Int32>>([])
  /// Others that the process was started with; nil: nobody has looked.
  private static let given = Mutex<Set<Int32>?>(nil)
  /// Numbers of descriptors that are looked at.
  private static let looked: Range<Int32> = 3..<256

  /// Fills the places of those that are closed, and notes which others there are; before anything
  /// else is opened.
  package static func fillPlaces() {
    given.withLock { $0 = Set(looked.filter { fcntl($0, F_GETFD) >= 0 }) }
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
      closed.withLock { _ = $0.insert(number) }
      // The lowest free number is this one.
      if open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0 {
        _ = open("/", OpenDescriptor.pathOnly)
      }
    }
  }

  /// Why a descriptor is not one that this process was started with; nil: it is, as far as can be told.
  static func complaint(_ number: Int32) -> String? {
    if isClosed(number) {
      return ["standard input", "standard output", "standard error"][Int(number)] + " is closed"
    }
    let flags = fcntl(number, F_GETFD)
    // What came through `exec` is not closed by it; what was opened since is, but for what libraries open.
    let isGiven = looked.contains(number) ? given.withLock { $0?.contains(number) } ?? true : true
    guard flags < 0 || flags & FD_CLOEXEC != 0 || !isGiven else {
      return nil
    }
    return "no file is open under that number"
  }

  /// Whether one was closed when the process began.
  package static func isClosed(_ number: Int32) -> Bool {
    closed.withLock { $0.contains(number) }
  }
}
