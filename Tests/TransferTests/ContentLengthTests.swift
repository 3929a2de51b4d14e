import CurlTransfer
import Support
import Testing
import Transfer

/// How long an answer says that its body is, and where it is taken to end.
@Suite("Content-Length", .timeLimit(.minutes(10)))
struct ContentLengthTests {
  /// One way to say, or not to say, that five bytes come.
  struct Said: Sendable, CustomStringConvertible {
    var fields: [(String, String)]
    var length: ContentLength
    /// What libcurl itself makes no answer of.
    var isKeptBack = false

    var description: String { fields.map { "\($0.0): \($0.1)" }.joined(separator: ", ") }

    static func fields(_ values: String...) -> [(String, String)] {
      values.map { ("Content-Length", $0) }
    }
  }

  static let readable: [Said] =
    ["5", " 5 ", "05", "5, 5", "5,5,5", "5,", "5 ,\t5"].map {
      Said(fields: Said.fields($0), length: .bytes(5))
    } + [
      Said(fields: Said.fields("5", "5"), length: .bytes(5)),
      Said(fields: [("CONTENT-LENGTH", "5")], length: .bytes(5)),
      Said(
        fields: [("Transfer-Encoding", "identity"), ("Content-Length", "5")], length: .bytes(5)),
    ]

  static let unreadable: [Said] =
    ["+5", "5;x", "5 5", "5, 6", "5.0", "0x5", "5, abc", "99999999999999999999"].map {
      Said(fields: Said.fields($0), length: .unreadable($0))
    }
    + ["abc", "-1", "-5", "", "\"5\"", ","].map {
      Said(fields: Said.fields($0), length: .unreadable($0), isKeptBack: true)
    } + [
      Said(fields: Said.fields("5", "6"), length: .unreadable("5, 6")),
      Said(fields: Said.fields("6", "5"), length: .unreadable("6, 5")),
    ]

  @Test("a length is read, and so is a list of equal ones", arguments: readable)
  func reads(said: Said) { #expect(ContentLength(HTTPFields(said.fields)) == said.length) }

  @Test("what contradicts itself, or is none, is no length", arguments: unreadable)
  func refuses(said: Said) {
    #expect(ContentLength(HTTPFields(said.fields)) == said.length)
    #expect(ResponseHead(status: 200, fields: HTTPFields(said.fields)).contentLength == nil)
  }

  @Test("beside chunks no length counts", arguments: ["5", "abc", "5, 6", "3"])
  func chunks(length: String) {
    let fields = [("Content-Length", length), ("Transfer-Encoding", "gzip, Chunked")]
    #expect(ContentLength(HTTPFields(fields)) == .unsaid)
    #expect(ContentLength(HTTPFields()) == .unsaid)
  }

  @Test("what is shown of a length that is none is short and harmless")
  func shown() {
    let fields = HTTPFields([
      ("Content-Length", "\u{1B}[2J\u{202E}" + String(repeating: "x", count: 99))
    ])
    #expect(ContentLength(fields) == .unreadable("?[2J?" + String(repeating: "x", count: 35)))
  }

  // MARK: Answers

  /// A server that keeps its connections open, so that nothing but a length ends a body.
  private func answer(
    _ fields: [(String, String)], _ body: String = "hello", status: Int = 200,
    into destination: BodyDestination = .memory(limit: 100)
  ) async throws -> Result<TransferResponse, TransferError> {
    let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
    let server = try RawServer { _ in
      .raw(Array("HTTP/1.1 \(status) X\r\n\(head)\r\n\(body)".utf8), .keep)
    }
    var settings = TransferSettings()
    settings.stallTimeout = 20
    let engine = try CurlEngine(settings: settings)
    defer { engine.stop() }
    let request = TransferRequest(.get, try RemoteURL("http://\(server.host)/"))
    do throws(TransferError) {
      return .success(try await engine.perform(request) { _, _ in destination })
    } catch {
      return .failure(error)
    }
  }

  @Test("a body ends where its length says", arguments: readable)
  func ends(said: Said) async throws {
    #expect(try await answer(said.fields).get().body == Array("hello".utf8))
  }

  @Test("a name may have a blank behind it, and nothing may come")
  func oddNames() async throws {
    #expect(try await answer([("Content-Length ", "5")]).get().body == Array("hello".utf8))
    let nothing = [("Transfer-Encoding", "identity"), ("Content-Length", "0")]
    #expect(try await answer(nothing, "").get().body == [])
  }

  @Test("chunks end a body, whatever length is said beside them", arguments: ["3", "5, 6", "+9"])
  func chunksEnd(length: String) async throws {
    let fields = [("Content-Length", length), ("Transfer-Encoding", "chunked")]
    #expect(
      try await answer(fields, "5\r\nhello\r\n0\r\n\r\n").get().body == Array("hello".utf8))
  }

  @Test(
    "an answer of which nobody knows where it ends is none, and it is said why",
    arguments: unreadable)
  func isRefused(said: Said) async throws {
    guard case .failure(let error) = try await answer(said.fields) else {
      Issue.record("an answer")
      return
    }
    #expect(error.kind == .badResponse)
    #expect(error.message.contains("Content-Length"))
    if case .unreadable(let words) = said.length, !said.isKeptBack {
      #expect(error.message.contains("\"\(words)\""))
    }
  }

  @Test(
    "where the head alone tells it is taken all the same",
    arguments: unreadable.filter { !$0.isKeptBack })
  func headAlone(said: Said) async throws {
    let fields = said.fields + [("Location", "/there")]
    let response = try await answer(fields, status: 307, into: .beginning(limit: 100)).get()
    #expect(response.head.status == 307 && response.head.fields["location"] == "/there")
  }

  @Test(
    "chunks that are none are a broken answer", arguments: ["xyz\r\nhello\r\n", "5\r\nhelloworld"])
  func brokenChunks(body: String) async throws {
    guard case .failure(let error) = try await answer([("Transfer-Encoding", "chunked")], body)
    else {
      Issue.record("an answer")
      return
    }
    #expect(error.kind == .badResponse)
  }
}
