import FoundationEssentials
import Glibc
import Logging
import Progress
import Synchronization

/// Prints a result: in place of the library's function, which knows nothing of the door.
func print(_ value: some CustomStringConvertible, terminator: String = "\n") {
  Printing.note(LineOutput.standardOutput.write(value.description + terminator))
}

/// What became of results on standard output, and lines of the log on standard error.
enum Printing {
  private static let failure = Mutex<Int32>(0)

  /// Why a result could not be written, `errno`; 0: all were.
  static var lost: Int32 { failure.withLock { $0 } }

  static func note(_ error: Int32) {
    failure.withLock { if $0 == 0 { $0 = error } }
  }

  /// Prints a document as it is; on a terminal as everything else.
  static func document(_ data: Data) {
    if isatty(STDOUT_FILENO) == 1 {
      print(String(decoding: data, as: UTF8.self))
    } else {
      note(LineOutput.standardOutput.write(bytes: data))
    }
  }
}

/// Lines of the log on standard error, through the door.
struct LineLog: LogHandler {
  var metadata = Logger.Metadata()
  var logLevel = Logger.Level.warning
  /// What is read by people has no number; what is looked through for one run has.
  private var mark: String { logLevel <= .debug ? " [\(TraceID.ofProcess)]" : "" }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    var text = [CChar](repeating: 0, count: 40)
    strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
    let stamp = String(
      decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    LineOutput.standardError.write("\(stamp) \(event.level) cairn\(mark): \(event.message)\n")
  }
}
