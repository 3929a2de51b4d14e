import Text
import Transfer

/// Reads the head of an answer, line by line; what is before the last one (1xx) is forgotten.
struct HeadReader {
  /// What a line was.
  enum Step {
    case more, whole, tooLong
  }

  /// Of the last status line; 0: there was none.
  private(set) var status = 0
  /// What it says behind its status; empty: nothing.
  private(set) var reason = ""
  private(set) var fields = HTTPFields()
  /// Whether the last status line is one of HTTP/2, as libcurl writes it.
  private(set) var isHTTP2 = false
  /// Bytes of all its lines.
  private(set) var bytes = 0

  /// The most bytes of response fields that are taken; libcurl takes no line of more than 100 KiB.
  private static let limit = 256 << 10

  /// Statuses by which a server says that it is the version, or the connection, that it does not like:
  /// misdirected request, upgrade required, version not supported.
  private static let versionStatuses: Set<Int> = [421, 426, 505]

  /// Whether HTTP/2 was refused, and not what was asked for by it.
  var refusesHTTP2: Bool { isHTTP2 && Self.versionStatuses.contains(status) }

  var head: ResponseHead { ResponseHead(status: status, fields: fields) }

  /// Takes one line, its end included.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> Step {
    self.bytes += bytes.count
    guard self.bytes <= Self.limit else { return .tooLong }
    let line = String(outside: bytes).trimmingSuffix(while: \.isNewline)
    if line.hasPrefix("HTTP/") {
      let parts = line.split(separator: " ", maxSplits: 2)
      status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
      reason = parts.count > 2 ? String(parts[2]) : ""
      isHTTP2 = parts.first == "HTTP/2"
      fields = HTTPFields()
    } else if line.isEmpty {
      // An interim response (1xx) is followed by another head.
      return status >= 200 ? .whole : .more
    } else if line.first.map({ $0 == " " || $0 == "\t" }) ?? false {
      // Obsolete, and still sent: the value before goes on.
      let more = line.trimmingPrefix(while: \.isWhitespace)
      fields.extendLast(more.trimmingSuffix(while: \.isWhitespace))
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].trimmingPrefix(while: \.isWhitespace)
      fields.append(
        line[..<colon].trimmingSuffix(while: \.isWhitespace),
        String(value).trimmingSuffix(while: \.isWhitespace))
    }
    return .more
  }
}

/// The heads that come in the course of one request.
struct Heads {
  /// A proxy's, on the way that it was asked for.
  var tunnel = HeadReader()
  /// The server's.
  var answer = HeadReader()
}

extension StringProtocol {
  /// The text without the characters at its end that satisfy a condition.
  func trimmingSuffix(while condition: (Character) -> Bool) -> String {
    var end = endIndex
    while end > startIndex, condition(self[index(before: end)]) { end = index(before: end) }
    return String(self[..<end])
  }
}
