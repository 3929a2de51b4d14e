import Glibc
import OCI
import Synchronization

/// Plain lines on standard error.
package final class PlainDisplay: ProgressDisplay {
  private let renderer = Mutex(PlainRenderer())
  private let output = LineOutput.standardError

  /// Makes the display.
  package init() {}

  /// Writes the event's line, if it has one.
  package func show(_ event: ProgressEvent) {
    renderer.withLock { renderer in
      if let line = renderer.line(event) { output.write(line + "\n") }
    }
  }
}

/// JSON Lines on standard output, or on standard error where an image goes to standard output.
package final class JSONDisplay: ProgressDisplay {
  private let renderer: JSONRenderer
  private let output: LineOutput
  private let hasFailed = Mutex(false)

  /// Makes the display.
  ///
  /// - Parameters:
  ///   - toStandardError: where the lines go.
  ///   - traceID: the run's; nil: none is written.
  package init(toStandardError: Bool, traceID: TraceID? = nil) {
    renderer = JSONRenderer(traceID: traceID)
    output = LineOutput(descriptor: toStandardError ? STDERR_FILENO : STDOUT_FILENO)
  }

  /// Writes the event's line; what cannot be written is warned of once, but for a reader that left.
  package func show(_ event: ProgressEvent) {
    let code = output.write(renderer.line(event) + "\n")
    guard code != 0, code != EPIPE else { return }
    let isFirst = hasFailed.withLock { hasFailed in
      defer { hasFailed = true }
      return !hasFailed
    }
    guard isFirst else { return }
    LineOutput.standardError.write(
      "warning: not all of the progress could be written: \(String(cString: strerror(code)))\n")
  }
}

/// Bars that are drawn over themselves, on standard error.
package final class BarDisplay: ProgressDisplay {
  private struct State {
    var plain = PlainRenderer()
    /// Widths of the lines on the screen now.
    var drawn: [Int] = []
  }

  private let state = Mutex(State())
  private let output = LineOutput.standardError

  /// Makes the display.
  package init() {}

  /// Draws a snapshot over the last one; other events become lines above the bars.
  package func show(_ event: ProgressEvent) {
    let size = Self.terminalSize()
    state.withLock { state in
      switch event {
      case .snapshot(let snapshot):
        let lines = BarRenderer(columns: size.columns, rows: size.rows).lines(snapshot)
        // Synchronised output (a private mode that others ignore) keeps redraws from flickering.
        output.draw(
          "\u{1B}[?2026h" + Self.erase(state.drawn, columns: size.columns), lines,
          then: "\u{1B}[?2026l")
        state.drawn = lines.map(\.count)
      case .blob:
        break
      case .failed:
        // The bars go even where the line about it is said later: what comes next is not drawn over.
        replaceBars(by: state.plain.line(event), &state, columns: size.columns)
      default:
        guard let line = state.plain.line(event) else { return }
        replaceBars(by: line, &state, columns: size.columns)
      }
    }
  }

  /// Removes the bars; the next snapshot draws them again, below the text.
  private func replaceBars(by text: String?, _ state: inout State, columns: Int) {
    let lines = text?.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    output.draw(Self.erase(state.drawn, columns: columns), lines?.map { String($0) } ?? [])
    state.drawn = []
  }

  /// Clears what was drawn, row by row from the last; a narrower terminal has wrapped the lines.
  ///
  /// Not at once: tmux keeps what is cleared from the top of the screen to its end in its scrollback, which
  /// a low window's bars would fill within seconds.
  static func erase(_ drawn: [Int], columns: Int) -> String {
    guard !drawn.isEmpty else { return "" }
    let rows = drawn.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(1, columns)) }
    return "\r" + String(repeating: "\u{1B}[A\u{1B}[2K", count: rows)
  }

  private static func terminalSize() -> (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}

/// Warnings on standard error, and nothing else.
package struct WarningDisplay: ProgressDisplay {
  private let output = LineOutput.standardError

  /// Makes the display.
  package init() {}

  /// Writes the event's line if it is a warning.
  package func show(_ event: ProgressEvent) {
    if case .warning(let text) = event { output.write("warning: \(text.linesShownSafely)\n") }
  }
}
