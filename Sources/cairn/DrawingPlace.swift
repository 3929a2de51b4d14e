import Glibc

/// Where lines are drawn over themselves.
enum DrawingPlace {
  /// Whether standard error is a terminal that shows what this process draws, and nobody else's input.
  ///
  /// A job in the background shares it with the shell, whose lines would be drawn over. Where it is no
  /// terminal of this session, there is no shell to disturb.
  static var isOurs: Bool {
    guard isatty(STDERR_FILENO) == 1 else { return false }
    let foreground = tcgetpgrp(STDERR_FILENO)
    return foreground <= 0 || foreground == getpgrp()
  }
}
