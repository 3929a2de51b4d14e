internal import CCurl
import FoundationEssentials
import Glibc
import Text
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
  let clock: NetworkClock
  let settings: TransferSettings
  var headerList: UnsafeMutablePointer<curl_slist>?
  let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  let requestBody: UnsafeMutablePointer<CChar>

  /// What the request goes through; known once it is set up.
  var proxy: Proxy?

  private var status = 0
  private var fields = HTTPFields()
  private var headerBytes = 0
  private var destination: BodyDestination?
  private var body: [UInt8] = []
  private var received: Int64 = 0
  var failure: TransferError?
  /// What undoes the body's encoding, where something does.
  var inflater: Inflater?
  /// Why an address was not connected to; the host may have others.
  private var refusedAddress: TransferError?
  var isFull = false
  /// The connection's socket, once it was asked for; negative: unknown.
  ///
  /// It is the transfer's own until its end.
  private var socket: Int32?
  /// Packets of its connection that came out of order, up to the last reading; nil: there was none.
  private var disordered: UInt32?
  private var stallRule: StallRule
  /// Sockets opened for it.
  private var opened: [Int32] = []
  private let startedAt: Double
  private var pausedAt: Double?
  private var pausedSeconds = 0.0

  /// Seconds that a body may take which only explains something.
  private static let wordsSeconds = 5.0
  /// The most bytes of response fields that are taken.
  private static let headerLimit = 64 << 10

  var isPaused: Bool { pausedAt != nil }

  init(
    job: CurlJob, easy: OpaquePointer, loop: CurlLoop, clock: NetworkClock,
    settings: TransferSettings
  ) {
    self.job = job
    self.easy = easy
    self.loop = loop
    self.clock = clock
    self.settings = settings
    errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    requestBody = .allocate(capacity: max(1, job.request.body.count))
    for (index, byte) in job.request.body.enumerated() {
      (requestBody + index).initialize(to: CChar(bitPattern: byte))
    }
    startedAt = clock.now
    stallRule = StallRule(
      minimumRate: settings.minimumRate,
      timeout: job.request.headTimeout ?? settings.stallTimeout, now: clock.networkNow)
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
    let socket = cairn_sockets_open(loop.sockets, address)
    if socket >= 0 { opened.append(socket) }
    return socket
  }

  /// Whether a connection may be used, which another request may have made by a rule of its own.
  ///
  /// - Parameter address: its other end.
  func mayUseConnection(to address: String) -> Bool {
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
    headerBytes += bytes.count
    guard headerBytes <= Self.headerLimit else {
      failure = Self.longHeader
      return false
    }
    let line = String(outside: bytes).trimmingSuffix(while: \.isNewline)
    if line.hasPrefix("HTTP/") {
      let parts = line.split(separator: " ", maxSplits: 2)
      status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
      fields = HTTPFields()
    } else if line.isEmpty {
      // An interim response (1xx) is followed by another head.
      guard status >= 200, destination == nil else { return true }
      return decide()
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].trimmingPrefix(while: \.isWhitespace)
      fields.append(String(line[..<colon]), String(value).trimmingSuffix(while: \.isWhitespace))
    }
    return true
  }

  private func decide() -> Bool {
    loop.noteReached(peer)
    let decided = job.decide(ResponseHead(status: status, fields: fields), timing())
    destination = decided
    restartStallRule()
    if case .window(let window, _, _) = decided, window.isFull { isFull = true }
    if case .refuse = decided {
      isFull = true
      return job.request.method == .head
    }
    return true
  }

  /// Takes a chunk of the body; what it returns is libcurl's write callback's answer.
  func takeBody(_ chunk: UnsafeRawBufferPointer) -> Int {
    // After a failure libcurl may still hand over what it had buffered.
    guard failure == nil else { return 0 }
    if loop.limiterDelay() > 0 {
      pausedAt = clock.now
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    loop.limiterSpend(chunk.count)
    switch destination {
    case .memory(let limit):
      guard body.count + chunk.count <= limit else {
        failure = TransferError(.badResponse, "the response is larger than \(limit) bytes")
        return 0
      }
      body.append(contentsOf: chunk)
    case .beginning(let limit):
      body.append(contentsOf: chunk.prefix(max(0, limit - body.count)))
      if body.count >= limit { isFull = true }
    case .window(let window, let offset, let meter):
      meter?.add(chunk.count)
      let (place, overflow) = offset.addingReportingOverflow(received)
      if !overflow, !write(chunk, to: window, at: place) { return 0 }
    case .decoded(let window, let offset, let length, let coding, let meter):
      meter?.add(chunk.count)
      guard decode(chunk, coding, length: length, into: window, at: offset) else { return 0 }
    case .refuse, nil:
      return 0
    }
    received += Int64(chunk.count)
    // More is to come than anybody wants: break the connection here. A body that ends here anyway
    // is left to end by itself, which keeps the connection.
    if isFull, bodyEnd.map({ received < $0 }) ?? true { return 0 }
    return chunk.count
  }

  /// Length of the body that the server announced.
  private var bodyEnd: Int64? { fields["content-length"].flatMap { Int64($0) } }

  func resume() {
    guard let since = pausedAt else { return }
    pausedSeconds += clock.now - since
    pausedAt = nil
    _ = cairn_easy_pause_receiving(easy, 0)
  }

  /// Round trips of the connection, in seconds, and whether packets came out of order since the last reading.
  ///
  /// - Returns: nil unless its body is going to a file, straight from the server: of the way behind
  ///   a proxy the kernel knows nothing.
  func roundTrips() -> (now: Double, smallest: Double, isDisordered: Bool)? {
    guard proxy == nil, destination.map(\.isFile) ?? false else { return nil }
    let port = cairn_info_long(easy, CURLINFO_LOCAL_PORT)
    socket = socket ?? cairn_sockets_find(loop.sockets, Int32(port))
    guard let socket, socket >= 0 else { return nil }
    let trips = cairn_socket_round_trips(socket)
    guard trips.now > 0, trips.smallest > 0 else { return nil }
    defer { disordered = trips.disordered }
    // What came before belongs to an earlier response on the connection.
    let isDisordered = trips.disordered > disordered ?? trips.disordered
    return (Double(trips.now) / 1e6, Double(trips.smallest) / 1e6, isDisordered)
  }

  // MARK: Stalls

  func isStalled() -> Bool {
    guard !isPaused else { return false }
    // Connecting has a limit of its own; the rule begins when the request is out.
    guard headerBytes > 0 || isConnected else {
      restartStallRule()
      return false
    }
    return stallRule.isStalled(
      bytes: received + Int64(headerBytes), now: clock.networkNow - pausedSeconds)
  }

  private func restartStallRule() {
    let now = clock.networkNow - pausedSeconds
    if case .beginning(let limit) = destination {
      stallRule = StallRule(
        minimumRate: Double(limit) / Self.wordsSeconds, timeout: Self.wordsSeconds, now: now)
    } else {
      stallRule = StallRule(minimumRate: settings.minimumRate, timeout: patience, now: now)
    }
  }

  /// Seconds without progress that are put up with: a request may be allowed more of them for its
  /// head than for its body.
  private var patience: Double {
    destination == nil ? job.request.headTimeout ?? settings.stallTimeout : settings.stallTimeout
  }

  /// Whether it waits for the head of its answer, and has for so many seconds since the request was
  /// out or it was begun.
  func hasWaitedForHead(longerThan seconds: Double) -> Bool {
    headerBytes == 0 && received == 0 && clock.now - startedAt > seconds
  }

  /// The sockets that it opened, or uses.
  var sockets: [Int32] {
    let port = cairn_info_long(easy, CURLINFO_LOCAL_PORT)
    return opened + [cairn_sockets_find(loop.sockets, Int32(truncatingIfNeeded: port))]
  }

  private var isConnected: Bool {
    cairn_info_off(easy, CURLINFO_PRETRANSFER_TIME_T) > 0
  }

  /// What a transfer that has stalled comes to: words of which enough came are an answer.
  func stalledResult() -> Result<TransferResponse, TransferError> {
    if case .beginning = destination {
      isFull = true
      return result(CURLE_OK)
    }
    return .failure(marked(stallError))
  }

  private var stallError: TransferError {
    let seconds = Int(exactly: patience.rounded()) ?? 0
    guard headerBytes > 0 else {
      return TransferError(.stalled, "no answer came for \(seconds) s")
    }
    return TransferError(
      .stalled,
      "less than \(Int(exactly: settings.minimumRate.rounded()) ?? .max) bytes/s arrived for \(seconds) s"
    )
  }

  /// Whatever was wrong, the next try has a connection of its own.
  func noteFailedSharing() {
    if job.request.sharesConnection { loop.noteNoSharing(job.request.url.origin) }
  }

  // MARK: Ending

  func result(_ code: CURLcode) -> Result<TransferResponse, TransferError> {
    if let failure { return .failure(marked(failure)) }
    if code != CURLE_OK, !isFull {
      noteFailedSharing()
      return .failure(marked(error(code)))
    }
    guard status >= 200, destination != nil else {
      return .failure(Self.notHTTP)
    }
    let head = ResponseHead(status: status, fields: fields)
    return .success(TransferResponse(head: head, body: body, timing: timing()))
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
    timing.bytes = received
    return timing
  }

  /// The error, with whether a status line came before it.
  private func marked(_ error: TransferError) -> TransferError {
    var error = error
    error.hasHead = status > 0
    return error
  }

  private static let longHeader = TransferError(
    .badResponse, "the response's header is larger than 64 KiB")
  private static let notHTTP = TransferError(.badResponse, "the answer is not HTTP")

  private func error(_ code: CURLcode) -> TransferError {
    let wasSent = cairn_info_long(easy, CURLINFO_REQUEST_SIZE) > 0
    // The address was good enough to send a request: libcurl takes an answer without a status for
    // HTTP/0.9. Its words are of whatever happened last on the connection.
    if code == CURLE_UNSUPPORTED_PROTOCOL, wasSent { return Self.notHTTP }
    // What libcurl says of a line longer than it has room for.
    if code == CURLE_OUT_OF_MEMORY, destination == nil, wasSent { return Self.longHeader }
    if [CURLE_COULDNT_CONNECT, CURLE_ABORTED_BY_CALLBACK].contains(code), let refusedAddress {
      return refusedAddress
    }
    let detail = String(cString: errorBuffer)
    let general = String(cString: curl_easy_strerror(code))
    let message = String((detail.isEmpty ? general : detail).prefix(300))
    let errno = cairn_info_long(easy, CURLINFO_OS_ERRNO)
    var kind = TransferError.Kind(code, errno: errno, detail: message)
    // A server that is being started again refuses for a while.
    if kind == .refused, loop.wasReached(peer) { kind = .connect }
    let why =
      code == CURLE_COULDNT_CONNECT && errno != 0
      ? " (\(String(cString: strerror(Int32(truncatingIfNeeded: errno)))))" : ""
    return TransferError(kind, message + why)
  }
}

extension StringProtocol {
  /// The text without the characters at its end that satisfy a condition.
  fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> String {
    var end = endIndex
    while end > startIndex, condition(self[index(before: end)]) { end = index(before: end) }
    return String(self[..<end])
  }
}
