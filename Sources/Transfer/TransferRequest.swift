/// One HTTP request.
package struct TransferRequest: Sendable, Equatable {
  /// The methods that a puller needs.
  package enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
  }

  /// The method.
  package var method: Method
  /// Where to; redirects are not followed.
  package var url: RemoteURL
  /// Fields beside those that the engine sets by itself (`Host`, `User-Agent`).
  package var fields: HTTPFields
  /// Bytes wanted, sent as a closed range; nil asks for everything.
  package var range: Range<Int64>?
  /// The body of a POST.
  package var body: [UInt8]
  /// Whether it may share a connection with others (HTTP/2), as small requests do that are many.
  package var sharesConnection: Bool
  /// Where it may lead; where a server named the place, nowhere link-local.
  package var addresses = AddressRule.anywhere
  /// How the server is reached, where that differs from the engine's settings.
  package var access = ServerAccess()
  /// Seconds that the request, once it is sent, may wait for the head of its answer before it
  /// counts as stalled; nil: the engine's `stallTimeout`, which in any case holds from the head on.
  package var headTimeout: Double?
  /// Whether an answer of which nobody says how long it is may end in silence: whoever asks can tell
  /// by what came whether it is whole.
  package var mayEndInSilence = false

  /// Makes a request without a body.
  package init(
    _ method: Method = .get, _ url: RemoteURL, fields: HTTPFields = .init(),
    range: Range<Int64>? = nil, body: [UInt8] = [], sharesConnection: Bool = false
  ) {
    self.method = method
    self.url = url
    self.fields = fields
    self.range = range
    self.body = body
    self.sharesConnection = sharesConnection
  }
}

/// Status and fields of a response, known before its body.
package struct ResponseHead: Sendable, Equatable {
  /// The status code.
  package var status: Int
  /// The fields.
  package var fields: HTTPFields

  /// Makes a head.
  package init(status: Int, fields: HTTPFields = .init()) {
    self.status = status
    self.fields = fields
  }

  /// The body's length in bytes, where it is said in a way that can be read.
  package var contentLength: Int64? {
    if case .bytes(let length) = ContentLength(fields) { length } else { nil }
  }
}

/// Where a response's body goes; decided when its head is known.
package enum BodyDestination: Sendable {
  /// Into memory; more than `limit` bytes fail the transfer.
  case memory(limit: Int)
  /// The first `limit` bytes of it into memory: the transfer ends well there, and also where the
  /// rest trickles.
  ///
  /// For what only explains something: an error's words, the page behind a redirect.
  case beginning(limit: Int)
  /// Into a window of a file; the body's first byte belongs at `offset`, and `meter` counts all that comes.
  case window(FileWindow, offset: Int64, meter: ByteMeter? = nil)
  /// Into a window of a file without its encoding: what comes out begins at `offset`, and may have
  /// no more than `length` bytes.
  case decoded(
    FileWindow, offset: Int64, length: Int64, coding: BodyCoding, meter: ByteMeter? = nil)
  /// Nowhere: the transfer ends at once and its connection is closed.
  case refuse
}

extension BodyDestination {
  /// Whether the body goes to a file.
  package var isFile: Bool {
    switch self {
    case .window, .decoded: true
    case .memory, .beginning, .refuse: false
    }
  }
}

/// How a transfer ended well.
package struct TransferResponse: Sendable {
  /// Status and fields.
  package var head: ResponseHead
  /// The body, where it went into memory.
  package var body: [UInt8]
  /// What it took.
  package var timing: TransferTiming
  /// Why no more of the body was waited for, of which nobody said how long it is: it may be whole
  /// or not.
  package var stall: TransferError?

  /// Makes a response.
  package init(head: ResponseHead, body: [UInt8], timing: TransferTiming = .init()) {
    self.head = head
    self.body = body
    self.timing = timing
  }
}

/// What one request took.
package struct TransferTiming: Sendable, Equatable {
  /// New connections that were opened for it (0: one was reused).
  package var newConnections = 0
  /// Seconds until the connection, TLS included, was ready.
  package var connectSeconds = 0.0
  /// Seconds of the TCP handshake of a new connection: one round trip; nil where one was reused.
  package var roundTripSeconds: Double?
  /// Seconds until the first byte of the response.
  package var firstByteSeconds = 0.0
  /// Bytes of the body that crossed the network.
  package var bytes: Int64 = 0

  /// Nothing measured.
  package init() {}
}
