/// A parser, and the text around what is nasty.
struct Parser {
  /// What stands before and behind it.
  struct Frame {
    var name: String { before.isEmpty && behind.isEmpty ? "bare" : "\(before.prefix(24))…" }
    let before: String
    let behind: String

    init(_ before: String = "", _ behind: String = "") {
      (self.before, self.behind) = (before, behind)
    }

    /// Makes a text of so many bytes.
    func text(_ nasty: Nasty, _ bytes: Int) -> [UInt8] {
      Array(before.utf8) + nasty.text(bytes) + Array(behind.utf8)
    }
  }

  let name: String
  let frames: [Frame]
  private let parse: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - name: what it is called.
  ///   - frames: beside the text as it is.
  ///   - parse: parses, and forgets what came of it.
  init(_ name: String, _ frames: [Frame] = [], _ parse: @escaping @Sendable ([UInt8]) -> Void) {
    (self.name, self.frames, self.parse) = (name, [Frame()] + frames, parse)
  }

  /// One run, with all that is not parsing done before.
  func run(_ bytes: [UInt8]) -> () -> Void { { parse(bytes) } }

  static let all = documents + names + fields + files + requests + steps
}

extension [Parser.Frame] {
  /// As a name, as a value, as members and as a list of JSON.
  static let json: Self = [
    .init("{\"", "\":1}"), .init("{\"a\":\"", "\"}"), .init("{", "\"z\":1}"),
    .init("{\"a\":[", "1]}"),
    .init("{\"errors\":[{\"message\":\"", "\"}]}"), .init("{\"token\":\"", "\"}"),
  ]
}
