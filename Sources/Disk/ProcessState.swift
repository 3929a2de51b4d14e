import Text

/// What the kernel says of another process.
package enum ProcessState {
  /// Whether somebody has stopped it, by Ctrl-Z or a debugger: it goes on when he likes; false also
  /// where that cannot be told.
  package static func isStopped(_ process: Int32) -> Bool {
    let text = try? InputFile.text("/proc/\(process)/stat", limit: 4 << 10)
    return text.map(saysStopped) ?? false
  }

  /// - Parameter stat: `PID (name) STATE …`; the name may have anything in it.
  static func saysStopped(_ stat: String) -> Bool {
    guard let (_, state) = stat.cut(atLast: ")") else { return false }
    return state.begins(with: " t") || state.begins(with: " T")
  }
}
