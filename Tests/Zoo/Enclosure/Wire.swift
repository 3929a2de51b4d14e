import Support

/// How answers are put on the wire.
struct Wire: Sendable {
  var version = "1.1"
  var writesNamesInLowerCase = false
  /// Whether the connection is closed after each answer.
  var closes = false
  /// Whether bodies come in chunks, without a length.
  var chunks = false
  /// What every answer carries.
  var fields: [(String, String)] = []

  /// The bytes of an answer, and what becomes of the connection.
  func reply(_ answer: Answer, to request: ServedRequest) -> Reply {
    guard !answer.isMute else { return .raw([], .hang) }
    let isOld = version == "1.0"
    let isChunked = (answer.isChunked ?? chunks) && !isOld && answer.status != 204
    let ends = closes || isOld
    var all = answer.fields
    for field in fields where answer[field.0] == nil { all.append(field) }
    if ends { all.append(("Connection", "close")) }
    if isChunked {
      all.append(("Transfer-Encoding", "chunked"))
    } else if answer["Content-Length"] == nil, answer.status != 204 {
      all.append(("Content-Length", "\(answer.body.count)"))
    }
    var head = "HTTP/\(version) \(answer.status) \(Self.reasons[answer.status] ?? "Other")\r\n"
    for (name, value) in all {
      head += "\(writesNamesInLowerCase ? name.lowercased() : name): \(value)\r\n"
    }
    let start = Array((head + "\r\n").utf8)
    let end: Reply.End = ends ? .close : .keep
    if request.method == "HEAD" { return .raw(start, end) }
    switch answer.stop {
    case nil: return .raw(start + (isChunked ? Self.chunked(answer.body) : answer.body), end)
    case .cut(let count): return .raw(start + answer.body.prefix(count), .close)
    case .reset(let count): return .raw(start + answer.body.prefix(count), .reset)
    case .drip(let count):
      return .raw(start + answer.body.prefix(count), .trickle(Array(answer.body.dropFirst(count))))
    case .hang(let count): return .raw(start + answer.body.prefix(count), .hang)
    }
  }

  private static func chunked(_ body: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: body.count, by: 16 << 10) {
      let part = body[start..<min(start + (16 << 10), body.count)]
      bytes += Array((String(part.count, radix: 16) + "\r\n").utf8) + part + [13, 10]
    }
    return bytes + Array("0\r\n\r\n".utf8)
  }

  private static let reasons = [
    200: "OK", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
    307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    407: "Proxy Authentication Required", 416: "Requested Range Not Satisfiable",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 511: "Network Authentication Required",
  ]
}
