internal import CCurl
import FoundationEssentials
import Glibc
import Transfer

/// One request in libcurl's hands.
///
/// libcurl's callbacks get a pointer to this object (`Unmanaged.passUnretained`). The strong
/// reference in `CurlLoop.transfers` is given up only after `curl_multi_remove_handle`, so the
/// pointer is valid whenever a callback runs.
final class CurlTransfer {
  let job: CurlJob
  let easy: OpaquePointer
  unowned let loop: CurlLoop
  let settings: TransferSettings
  var headerList: UnsafeMutablePointer<curl_slist>?
  let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  let requestBody: UnsafeMutablePointer<CChar>

  /// What the request goes through; known once it is set up.
  var proxy: Proxy?

  private var heads = Heads()
  var intake: BodyIntake
  var watch: StallWatch
  private var connection: TransferSockets
  /// Length of the body by the answer's head, in bytes; nil: it is not said, or not yet.
  private(set) var bodyEnd: Int64?
  /// Why no more of its head can be taken, or nothing after it.
  var failure: TransferError?
  /// Why an address was not connected to; the host may have others.
  private var refusedAddress: TransferError?

  var isPaused: Bool { watch.isPaused }
  var head: HeadReader { heads.answer }
  /// The last answer to CONNECT.
  var tunnel: HeadReader { heads.tunnel }

  init(
    job: CurlJob, easy: OpaquePointer, loop: CurlLoop, clock: NetworkClock,
    settings: TransferSettings
  ) {
    self.job = job
    self.easy = easy
    self.loop = loop
    self.settings = settings
    errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    requestBody = .allocate(capacity: max(1, job.request.body.count))
    for (index, byte) in job.request.body.enumerated() {
      (requestBody + index).initialize(to: CChar(bitPattern: byte))
    }
    intake = BodyIntake(clock: clock)
    watch = StallWatch(job.request, settings, clock)
    connection = TransferSockets(table: loop.sockets)
  }

  deinit {
    errorBuffer.deallocate()
    requestBody.deallocate()
  }

  func freeLists() {
    curl_slist_free_all(headerList)
    headerList = nil
  }

  // MARK: Callbacks

  /// Opens a socket, unless its address is none to go to.
  func openSocket(_ address: UnsafePointer<curl_sockaddr>) -> Int32 {
    // A proxy's address is the user's choice; what is behind it was judged by its own.
    if job.request.addresses != .anywhere, proxy == nil {
      var bytes = [UInt8](repeating: 0, count: 16)
      let count = Int(cairn_address_bytes(address, &bytes))
      if let why = job.request.addresses.objection(to: Array(bytes[..<count])) {
        refusedAddress = addressError(why)
        return CURL_SOCKET_BAD
      }
    }
    return connection.open(address)
  }

  /// Judges a connection, which another request may have made by a rule of its own.
  ///
  /// - Parameter address: its other end.
  /// - Returns: whether it may be used; where not, that is the transfer's error.
  func judgeConnection(to address: String) -> Bool {
    guard proxy == nil else { return true }
    let text = address.contains(":") ? "[\(address.prefix { $0 != "%" })]" : address
    guard let end = HostAddress(host: text[...]) else { return false }
    guard let why = job.request.addresses.objection(to: end) else { return true }
    refusedAddress = addressError(why)
    return false
  }

  /// What a request gets that was sent to where it may not go.
  func addressError(_ why: String) -> TransferError {
    TransferError(
      .invalidURL, "\(job.request.url.origin.host) is \(why), where no server may send us")
  }

  /// Takes one line of the response's head; false ends the transfer.
  func takeHeaderLine(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard !isTunnelling else {
      // How long libcurl may read on is a rule of its own; what is too long is not kept.
      _ = heads.tunnel.take(bytes)
      return true
    }
    switch heads.answer.take(bytes) {
    case .more: return true
    case .whole: return intake.destination == nil ? decide() : true
    case .tooLong:
      failure = Self.longHeader
      return false
    }
  }

  private func decide() -> Bool {
    noteReached()
    guard !isRefusedByVersion else { return false }
    let answer = head.head
    bodyEnd = answer.contentLength
    let decided = job.decide(answer, timing())
    intake.open(decided)
    watch.restart(for: decided)
    guard judgeLength(answer, decided) else { return false }
    if case .refuse = decided { return job.request.method == .head }
    return true
  }

  /// Takes a chunk of the body; what it returns is libcurl's write callback's answer.
  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard failure == nil, intake.failure == nil else { return 0 }
    let left = bodyEnd.map { Int(clamping: max(0, $0 - intake.received)) } ?? .max
    let chunk = UnsafeRawBufferPointer(rebasing: bytes.prefix(left))
    if loop.limiterDelay() > 0 {
      watch.pause()
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    loop.limiterSpend(chunk.count)
    guard intake.take(chunk) else { return 0 }
    if intake.received == bodyEnd, !libcurlKnowsEnd {
      intake.end()
      return 0
    }
    // More is to come than anybody wants: break the connection here. A body that ends here anyway
    // is left to end by itself, which keeps the connection.
    if intake.isFull, bodyEnd.map({ intake.received < $0 }) ?? true { return 0 }
    return chunk.count
  }

  func resume() {
    if watch.resume() { _ = cairn_easy_pause_receiving(easy, 0) }
  }

  /// Round trips of the connection.
  ///
  /// - Returns: nil unless its body is going to a file, straight from the server: of the way behind
  ///   a proxy the kernel knows nothing.
  func roundTrips() -> TransferSockets.RoundTrips? {
    guard proxy == nil, intake.destination.map(\.isFile) ?? false else { return nil }
    return connection.roundTrips(usingPort: localPort)
  }

  /// The sockets that it opened, or uses.
  var sockets: [Int32] { connection.all(usingPort: localPort) }

  private var localPort: Int { cairn_info_long(easy, CURLINFO_LOCAL_PORT) }

  // MARK: Stalls

  /// Takes a reading; call it a few times a second.
  ///
  /// - Returns: whether it has stalled.
  func checkStall() -> Bool {
    guard !isPaused else { return false }
    // Connecting has a limit of its own; the rule begins when the request is out.
    guard head.bytes > 0 || isConnected else {
      watch.restart(for: intake.destination)
      return false
    }
    return watch.isStalled(bytes: intake.received + Int64(head.bytes))
  }

  /// Whether it waits for the head of its answer, and has for so many seconds since the request was
  /// out or it was begun.
  func hasWaitedForHead(longerThan seconds: Double) -> Bool {
    head.bytes == 0 && intake.received == 0 && watch.age > seconds
  }

  /// Whether the request is out, or about to be.
  var isConnected: Bool {
    cairn_info_off(easy, CURLINFO_PRETRANSFER_TIME_T) > 0
  }

  /// What a transfer that has stalled comes to: words of which enough came are an answer, and so is a
  /// document of which nobody said where it ends; what it says tells whether it is whole.
  func stalledResult() -> Result<TransferResponse, TransferError> {
    let stall = marked(placed(watch.error(hasHead: head.bytes > 0), nil))
    switch intake.destination {
    case .beginning: return result(CURLE_OK)
    case .memory
    where job.request.mayEndInSilence && endsWithConnection && !intake.bytes.isEmpty:
      return result(CURLE_OK).map { response in
        var response = response
        response.stall = stall
        return response
      }
    case .memory, .window, .decoded, .refuse, nil: return .failure(stall)
    }
  }

  // MARK: Ending

  func result(_ code: CURLcode) -> Result<TransferResponse, TransferError> {
    // Whoever took a request is there, also where he broke off before his answer had a head.
    if intake.destination == nil, isConnected { noteReached() }
    if let failure = failure ?? intake.failure { return .failure(marked(failure)) }
    if code != CURLE_OK, !intake.isFull {
      noteFailedSharing()
      return .failure(marked(placed(error(code), code)))
    }
    guard head.status >= 200, intake.destination != nil else {
      return .failure(marked(placed(head.status > 0 ? Self.cutHead : Self.notHTTP, code)))
    }
    return .success(TransferResponse(head: head.head, body: intake.bytes, timing: timing()))
  }

  private func timing() -> TransferTiming {
    var timing = TransferTiming()
    timing.newConnections = cairn_info_long(easy, CURLINFO_NUM_CONNECTS)
    let connect = cairn_info_off(easy, CURLINFO_CONNECT_TIME_T)
    let tls = cairn_info_off(easy, CURLINFO_APPCONNECT_TIME_T)
    timing.connectSeconds = Double(max(connect, tls)) / 1e6
    let lookup = cairn_info_off(easy, CURLINFO_NAMELOOKUP_TIME_T)
    if timing.newConnections > 0, connect > lookup {
      timing.roundTripSeconds = Double(connect - lookup) / 1e6
    }
    timing.firstByteSeconds = Double(cairn_info_off(easy, CURLINFO_STARTTRANSFER_TIME_T)) / 1e6
    timing.bytes = intake.received
    return timing
  }

  /// The error, with what came before it.
  private func marked(_ error: TransferError) -> TransferError {
    var error = error
    error.hasHead = head.status > 0
    error.hadHandshake = cairn_info_off(easy, CURLINFO_APPCONNECT_TIME_T) > 0
    error.hadCertificate = job.request.access.clientCertificate != nil
    return error
  }

  private static let longHeader = TransferError(
    .badResponse, "the response's header is larger than 256 KiB, or a line of it than 100")
  private static let cutHead = TransferError(.broken, "the answer ended within its head")
  private static let notHTTP = TransferError(.badResponse, "the answer is not HTTP")

  private func error(_ code: CURLcode) -> TransferError {
    let wasSent = cairn_info_long(easy, CURLINFO_REQUEST_SIZE) > 0
    // The address was good enough to send a request: libcurl takes an answer without a status for
    // HTTP/0.9. Its words are of whatever happened last on the connection.
    if code == CURLE_UNSUPPORTED_PROTOCOL, wasSent { return Self.notHTTP }
    if let error = lengthError(code) { return error }
    // What libcurl says of a line longer than it has room for.
    if code == CURLE_OUT_OF_MEMORY, intake.destination == nil, wasSent { return Self.longHeader }
    if [CURLE_COULDNT_CONNECT, CURLE_ABORTED_BY_CALLBACK].contains(code), let refusedAddress {
      return refusedAddress
    }
    let detail = String(cString: errorBuffer)
    let general = String(cString: curl_easy_strerror(code))
    // Some of its words end in a space where it has nothing more to say.
    let said = (detail.isEmpty ? general : detail).prefix(300)
    let message = said.trimmingSuffix(while: \.isWhitespace)
    let errno = cairn_info_long(easy, CURLINFO_OS_ERRNO)
    let sight = HandshakeSight(job.number, in: loop.sights)
    let socks = socksWord(code)
    var kind = TransferError.Kind(
      code, errno: errno, detail: message, isAsked: sight.isAsked,
      isBegun: sight.isBegun, socks: socks)
    if kind == .silentHandshake { return TransferError(kind, silenceWords(message)) }
    if kind == .ownCertificate { return TransferError(kind, certificateWords(message)) }
    if !loop.wasReached(missing(code)) {
      // The time of a name server is another's.
      let isOver = code == CURLE_OPERATION_TIMEDOUT && !message.contains("Resolving")
      if kind == .connect, isOver { kind = .unanswered }
    } else if kind == .refused {
      // A server that is being started again refuses for a while.
      kind = .connect
    }
    if let refused = connectRefusal(kind, message) { return refused }
    if let socks { return TransferError(kind, socks.told(message, server: server, proxy: peer)) }
    let why =
      code == CURLE_COULDNT_CONNECT && errno != 0
      ? " (\(String(cString: strerror(Int32(truncatingIfNeeded: errno)))))" : ""
    let seen = sight.words(kind, now: Date())
    return TransferError(kind, message + why + seen)
  }
}
