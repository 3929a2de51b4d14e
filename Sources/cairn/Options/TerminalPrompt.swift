import Glibc
import Progress

/// Questions on the terminal, wherever standard input and output go.
enum TerminalPrompt {
  /// Asks for a password without showing it; nil where there is no terminal.
  static func password(_ question: String) -> String? {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    var before = termios()
    guard tcgetattr(terminal, &before) == 0 else { return nil }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    let loud = before
    let restore: @Sendable () -> Void = {
      var state = loud
      tcsetattr(terminal, TCSAFLUSH, &state)
    }
    tcsetattr(terminal, TCSAFLUSH, &silent)
    defer { restore() }
    return Signals.endingAtOnce(restore: restore) { answer(question, on: terminal) }
  }

  private static func answer(_ question: String, on terminal: Int32) -> String {
    let output = LineOutput(descriptor: terminal)
    output.write(question)
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(terminal, &byte, 1) == 1, byte != UInt8(ascii: "\n"), line.count < 4096 {
      line.append(byte)
    }
    output.write("\n")
    return String(decoding: line, as: UTF8.self)
  }
}
