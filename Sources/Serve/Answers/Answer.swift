package import Store

/// What a request is answered with.
package struct Answer: Sendable {
  /// What follows the head.
  package enum Body: Sendable {
    /// Nothing; a GET would bring so many bytes.
    case nothing(length: Int64)
    case bytes([UInt8])
    /// Bytes of a file that is whole and right.
    case file(BlobReader, Range<Int64>)
    /// Bytes of a blob on its way.
    case stream(BlobStream)
    /// Bytes of a blob that is kept nowhere.
    case passing(PassThrough)

    /// How many bytes a GET brings.
    package var length: Int64 {
      switch self {
      case .nothing(let length): length
      case .bytes(let bytes): Int64(bytes.count)
      case .file(_, let range): Int64(range.count)
      case .stream(let stream): Int64(stream.range.count)
      case .passing(let blob): Int64(blob.bytes.count)
      }
    }
  }

  /// The status code.
  package var status: Int
  /// The fields, but for `Content-Length`, which the body has.
  package var fields: [(name: String, value: String)]
  /// The body.
  package var body: Body
  /// Keeps the body's file in the cache until the answer has ended.
  package var hold: CacheHold?
  /// The room in memory that the body has, until the answer has ended.
  package var room: AnswerRoom.Place?
  /// Where the content came from, for the log and the figures.
  package var origin = Origin.own

  /// Where an answer's content comes from.
  package enum Origin: String, Sendable {
    /// This service's own words.
    case own
    /// What is on the disk here.
    case cache
    /// Upstream, for this request or for others that wait for the same.
    case upstream
  }

  /// Makes an answer.
  package init(
    _ status: Int, _ fields: [(name: String, value: String)] = [], _ body: Body = .bytes([])
  ) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// A short text.
  package static func text(_ status: Int, _ text: String, type: String = "text/plain") -> Answer {
    Answer(status, [("Content-Type", type)], .bytes(Array(text.utf8)))
  }
}

extension Answer {
  /// What a registry says to `GET /v2/`.
  package static var greeting: Answer {
    Answer(
      200,
      [("Content-Type", "application/json"), ("Docker-Distribution-Api-Version", "registry/2.0")],
      .bytes(Array("{}".utf8)))
  }
}
