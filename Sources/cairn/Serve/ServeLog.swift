import ArgumentParser
import FoundationEssentials
import Glibc
import OCI
import Progress
import Serve

/// `--log-format`.
enum ServeLogFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// Lines on standard error: one for each request, and what happens to the service.
struct ServeLog: Sendable {
  let format: ServeLogFormat

  private struct Line: Encodable {
    var time: String
    var event = "request"
    var peer: String?
    var method: String?
    var target: String?
    var status: Int?
    var bytes: Int64?
    var headSeconds: Double?
    var seconds: Double?
    var from: String?
    var complete: Bool?
    var message: String?
  }

  /// Writes what became of a request.
  func write(_ record: RequestRecord) {
    guard format == .json else {
      let end = record.isComplete ? "" : ", broken off"
      say(
        "\(record.peer.name) \(record.method) \(record.target.shownSafely(limit: 500)) "
          + "\(record.status) \(record.bytes) bytes in \(String(figures: "%.3f", record.seconds)) s "
          + "(\(record.origin.rawValue)\(end))")
      return
    }
    var line = Line(time: Self.now)
    line.peer = record.peer.name
    line.method = record.method
    line.target = record.target
    line.status = record.status
    line.bytes = record.bytes
    line.headSeconds = record.headSeconds
    line.seconds = record.seconds
    line.from = record.origin.rawValue
    line.complete = record.isComplete
    LineOutput.standardErrorForPrograms.write(text(line))
  }

  /// Says what happens to the service.
  func say(_ words: String) {
    let output = format == .json ? LineOutput.standardErrorForPrograms : .standardError
    output.write(line(words))
  }

  /// Lets nobody wait for the log's reader from now on.
  func begin() {
    LineOutput.queueStandardError { line("\($0) lines of the log were left out: nobody read them") }
  }

  /// What is said of the service, as a line.
  private func line(_ words: String) -> String {
    guard format == .json else { return "\(Self.now) \(words.linesShownSafely)\n" }
    var line = Line(time: Self.now, event: "service")
    line.message = words
    return text(line)
  }

  private func text(_ line: Line) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(line) else { return "" }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  private static var now: String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 40)
    strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension Caller.Peer {
  /// For a line of the log.
  var name: String {
    switch self {
    case .network(let address, let port, _, _):
      address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    case .process(let uid): uid.map { "uid \($0)" } ?? "a local socket"
    }
  }
}
