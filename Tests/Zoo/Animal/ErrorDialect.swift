/// How errors look.
struct ErrorDialect: Sendable {
  enum Form: Sendable {
    /// The specification's JSON.
    case registry
    /// A page of the server or proxy of this name.
    case page(String)
    case plain
    case empty
    /// S3's and Azure's.
    case xml
    /// This JSON; `STATUS` and `MESSAGE` stand for what they say.
    case json(String)
  }

  var form = Form.registry
  /// The server's own words for statuses.
  var words: [Int: String] = [:]
  /// The `Content-Type`, where it is another than the form's.
  var type: String?

  static let codes = [
    400: "UNSUPPORTED", 401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN",
    429: "TOOMANYREQUESTS", 416: "RANGE_INVALID",
  ]

  static let usualWords = [
    401: "authentication required", 403: "requested access to the resource is denied",
    404: "manifest unknown", 405: "The operation is unsupported.", 429: "too many requests",
  ]

  /// The answer of a status.
  func answer(_ status: Int, _ fields: [(String, String)] = []) -> Answer {
    let words = words[status] ?? Self.usualWords[status] ?? "error \(status)"
    let code = Self.codes[status] ?? "UNKNOWN"
    func made(_ type: String, _ text: String) -> Answer {
      Answer(status, [("Content-Type", self.type ?? type)] + fields, text)
    }
    switch form {
    case .registry:
      return made(
        "application/json; charset=utf-8",
        #"{"errors":[{"code":"\#(code)","message":"\#(words)","detail":null}]}"#)
    case .page(let server):
      let title = "\(status) \(words)"
      return made(
        "text/html",
        "<html>\r\n<head><title>\(title)</title></head>\r\n<body>\r\n<center><h1>\(title)</h1>"
          + "</center>\r\n<hr><center>\(server)</center>\r\n</body>\r\n</html>\r\n")
    case .plain: return made("text/plain; charset=utf-8", words + "\n")
    case .empty: return Answer(status, fields)
    case .xml:
      return made(
        "application/xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>\(code)</Code>"
          + "<Message>\(words)</Message><RequestId>656c76696e67</RequestId></Error>")
    case .json(let text):
      return made(
        "application/json;charset=UTF-8",
        text.replacing("STATUS", with: "\(status)").replacing("MESSAGE", with: words))
    }
  }
}
