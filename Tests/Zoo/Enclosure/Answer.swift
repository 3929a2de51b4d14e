/// A response before it is written: a habit may change any part of it.
struct Answer: Sendable {
  /// Where the bytes end, when it is not at the body's end.
  enum Stop: Sendable {
    /// The connection is closed after so many bytes of the body.
    case cut(Int)
    /// It is reset.
    case reset(Int)
    /// A byte comes now and then.
    case drip(Int)
    /// Nothing more is said, for ever.
    case hang(Int)
  }

  var status: Int
  var fields: [(String, String)]
  var body: [UInt8]
  var stop: Stop?
  /// Silence before the first byte, in milliseconds.
  var silence = 0
  /// Whether the body is sent in chunks, where that is not as the wire has it.
  var isChunked: Bool?
  /// True where not even a head comes.
  var isMute = false

  init(_ status: Int, _ fields: [(String, String)] = [], _ body: [UInt8]) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  init(_ status: Int, _ fields: [(String, String)] = [], _ text: String = "") {
    self.init(status, fields, Array(text.utf8))
  }

  /// A page, as people get it.
  static func page(_ status: Int, _ text: String, _ fields: [(String, String)] = []) -> Answer {
    Answer(
      status, [("Content-Type", "text/html; charset=utf-8")] + fields,
      "<!DOCTYPE html><html><head><title>\(text)</title></head><body>\(text)</body></html>")
  }

  /// The connection is accepted, and nothing is ever said.
  static let mute: Answer = {
    var answer = Answer(200)
    answer.isMute = true
    return answer
  }()

  subscript(_ name: String) -> String? {
    get { fields.first { $0.0.lowercased() == name.lowercased() }?.1 }
    set {
      fields.removeAll { $0.0.lowercased() == name.lowercased() }
      if let newValue { fields.append((name, newValue)) }
    }
  }

  /// The same with a change.
  func with(_ change: (inout Answer) -> Void) -> Answer {
    var answer = self
    change(&answer)
    return answer
  }
}
