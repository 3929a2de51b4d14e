internal import CCurl
import Foundation
import Transfer

/// One request in libcurl's hands.
///
/// libcurl's callbacks get a pointer to this object (`Unmanaged.passUnretained`). The strong
/// reference in `CurlLoop.transfers` is given up only after `curl_multi_remove_handle`, so the
/// pointer is valid whenever a callback runs.
final class CurlTransfer {
  let job: CurlJob
  let easy: OpaquePointer
  private unowned let loop: CurlLoop
  private let clock: NetworkClock
  private let settings: TransferSettings
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private let requestBody: UnsafeMutablePointer<CChar>

  private var status = 0
  private var fields = HTTPFields()
  private var headerBytes = 0
  private var destination: BodyDestination?
  private var body: [UInt8] = []
  private var received: Int64 = 0
  private var failure: TransferError?
  /// Why an address was not connected to; the host may have others.
  private var refusedAddress: TransferError?
  private var isFull = false
  /// The connection's socket, once it was asked for; negative: unknown.
  ///
  /// It is the transfer's own until its end.
  private var socket: Int32?
  private var stallRule: StallRule
  private var pausedAt: Double?
  private var pausedSeconds = 0.0

  /// The most bytes of response fields that are taken.
  private static let headerLimit = 64 << 10
  /// libcurl's receive buffer; its default of 16 KiB costs a system call for each.
  private static let bufferSize = 256 << 10

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

  // MARK: Setting up

  func configure(share: OpaquePointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    _ = cairn_set_share(easy, share)
    let open: curl_opensocket_callback = { context, _, address in
      guard let context, let address else { return CURL_SOCKET_BAD }
      return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().openSocket(address)
    }
    cairn_set_sockets(easy, loop.sockets, open, context)
    _ = cairn_set_string(easy, CURLOPT_URL, job.request.url.description)
    _ = cairn_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    configureVersion()
    _ = cairn_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    _ = cairn_set_long(easy, CURLOPT_NETRC, 0)
    _ = cairn_set_long(easy, CURLOPT_NOSIGNAL, 1)
    _ = cairn_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    _ = cairn_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    _ = cairn_set_long(
      easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(settings.connectTimeout * 1000)))
    _ = cairn_set_long(easy, CURLOPT_BUFFERSIZE, bufferSize)
    _ = cairn_set_string(easy, CURLOPT_USERAGENT, settings.userAgent)
    _ = cairn_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer)
    configureTLS()
    configureProxy()
    configureMethod()
    var list = headerList
    for field in job.request.fields.all {
      list = curl_slist_append(list, "\(field.name): \(field.value)")
    }
    if let range = job.request.range {
      list = curl_slist_append(list, "Range: bytes=\(range.lowerBound)-\(range.upperBound - 1)")
    }
    // No "Expect: 100-continue" round trip for small forms.
    list = curl_slist_append(list, "Expect:")
    headerList = list
    _ = cairn_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    _ = cairn_set_pointer(easy, CURLOPT_HEADERDATA, context)
    _ = cairn_set_pointer(easy, CURLOPT_WRITEDATA, context)
    _ = cairn_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
      let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return transfer.takeHeaderLine(line) ? size * count : 0
    }
    _ = cairn_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
      return transfer.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
  }

  /// Blobs have a TCP connection each, which is what HTTP/1.1 gives; small requests share one if they can.
  private func configureVersion() {
    let shares = job.request.sharesConnection && loop.mayShare(job.request.url.origin)
    _ = cairn_set_long(
      easy, CURLOPT_HTTP_VERSION, shares ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    // Wait for a connection that is being made, rather than make another. Without TLS it is not HTTP/2, and there libcurl would
    // wait for another request's answer.
    let isTLS = job.request.url.origin.scheme == "https"
    _ = cairn_set_long(easy, CURLOPT_PIPEWAIT, shares && isTLS ? 1 : 0)
  }

  /// Under a rate limit chunks are small, so that the bucket is never far in debt.
  private var bufferSize: Int {
    guard let limit = settings.rateLimit else { return Self.bufferSize }
    return min(Self.bufferSize, max(1024, Int(limit / 20)))
  }

  private func configureTLS() {
    _ = cairn_set_long(easy, CURLOPT_SSL_VERIFYPEER, settings.verifiesTLS ? 1 : 0)
    _ = cairn_set_long(easy, CURLOPT_SSL_VERIFYHOST, settings.verifiesTLS ? 2 : 0)
    if let caFile = settings.caFile { _ = cairn_set_string(easy, CURLOPT_CAINFO, caFile) }
  }

  /// The proxy is set by hand, because libcurl does not read `HTTP_PROXY` in upper case.
  private func configureProxy() {
    let origin = job.request.url.origin
    let isTLS = origin.scheme == "https"
    // A proxy's localhost is another machine's.
    guard !origin.isLoopback else {
      _ = cairn_set_string(easy, CURLOPT_PROXY, "")
      return
    }
    _ = cairn_set_string(
      easy, CURLOPT_PROXY, (isTLS ? settings.httpsProxy : settings.httpProxy) ?? "")
    _ = cairn_set_string(easy, CURLOPT_NOPROXY, settings.noProxy ?? "")
  }

  private func configureMethod() {
    switch job.request.method {
    case .get: _ = cairn_set_long(easy, CURLOPT_HTTPGET, 1)
    case .head: _ = cairn_set_long(easy, CURLOPT_NOBODY, 1)
    case .post:
      _ = cairn_set_long(easy, CURLOPT_POST, 1)
      _ = cairn_set_off(easy, CURLOPT_POSTFIELDSIZE_LARGE, job.request.body.count)
      _ = cairn_set_pointer(easy, CURLOPT_POSTFIELDS, requestBody)
    }
  }

  // MARK: Callbacks

  /// Opens a socket, unless its address is none to go to.
  private func openSocket(_ address: UnsafePointer<curl_sockaddr>) -> Int32 {
    // Behind a proxy the address is the proxy's, which the user chose; with exceptions from it nobody knows.
    if !job.request.mayReachLinkLocal, !(usesProxy && settings.noProxy == nil) {
      var bytes = [UInt8](repeating: 0, count: 16)
      let count = Int(cairn_address_bytes(address, &bytes))
      if HostAddress(bytes: Array(bytes[..<count]))?.isLinkLocalOrMetadata == true {
        refusedAddress = TransferError(
          .invalidURL,
          "\(job.request.url.origin.host) is at a link-local or metadata address, where no server may send us"
        )
        return CURL_SOCKET_BAD
      }
    }
    return cairn_sockets_open(loop.sockets, address)
  }

  /// Takes one line of the response's head; false ends the transfer.
  private func takeHeaderLine(_ bytes: UnsafeRawBufferPointer) -> Bool {
    headerBytes += bytes.count
    guard headerBytes <= Self.headerLimit else {
      failure = Self.longHeader
      return false
    }
    let line = String(decoding: bytes, as: UTF8.self).trimmingSuffix(while: \.isNewline)
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
    let decided = job.decide(ResponseHead(status: status, fields: fields), timing())
    destination = decided
    restartStallRule()
    if case .window(let window, _) = decided, window.isFull { isFull = true }
    if case .refuse = decided {
      isFull = true
      return job.request.method == .head
    }
    return true
  }

  /// Takes a chunk of the body; what it returns is libcurl's write callback's answer.
  private func takeBody(_ chunk: UnsafeRawBufferPointer) -> Int {
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
    case .window(let window, let offset):
      let outcome = clock.disk { window.accept(chunk, at: offset + received) }
      switch outcome {
      case .more: break
      case .full: isFull = true
      case .failed(let code):
        failure = TransferError(.disk(errno: code), String(cString: strerror(code)))
        return 0
      }
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

  /// Round trips of the connection, in seconds; nil unless its body is going to a file, straight from
  /// the server.
  func roundTrips() -> (now: Double, smallest: Double)? {
    guard case .window = destination, !usesProxy else { return nil }
    let port = cairn_info_long(easy, CURLINFO_LOCAL_PORT)
    socket = socket ?? cairn_sockets_find(loop.sockets, Int32(port))
    guard let socket, socket >= 0 else { return nil }
    let trips = cairn_socket_round_trips(socket)
    guard trips.now > 0, trips.smallest > 0 else { return nil }
    return (Double(trips.now) / 1e6, Double(trips.smallest) / 1e6)
  }

  /// Whether a proxy may stand between: then the kernel knows the way to the proxy only.
  private var usesProxy: Bool {
    let origin = job.request.url.origin
    guard !origin.isLoopback else { return false }
    return (origin.scheme == "https" ? settings.httpsProxy : settings.httpProxy) != nil
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
    stallRule = StallRule(
      minimumRate: settings.minimumRate, timeout: patience, now: clock.networkNow - pausedSeconds)
  }

  /// Seconds without progress that are put up with: a request may be allowed more of them for its head than for its body.
  private var patience: Double {
    destination == nil ? job.request.headTimeout ?? settings.stallTimeout : settings.stallTimeout
  }

  private var isConnected: Bool {
    cairn_info_off(easy, CURLINFO_PRETRANSFER_TIME_T) > 0
  }

  var stallError: TransferError {
    let seconds = Int(min(patience, 1e9).rounded())
    guard headerBytes > 0 else {
      return TransferError(.stalled, "no answer came for \(seconds) s")
    }
    return TransferError(
      .stalled, "less than \(Int(settings.minimumRate)) bytes/s arrived for \(seconds) s")
  }

  /// Whatever was wrong, the next try has a connection of its own.
  func noteFailedSharing() {
    if job.request.sharesConnection { loop.noteNoSharing(job.request.url.origin) }
  }

  // MARK: Ending

  func result(_ code: CURLcode) -> Result<TransferResponse, TransferError> {
    if let failure { return .failure(failure) }
    if code != CURLE_OK, !isFull {
      noteFailedSharing()
      return .failure(error(code))
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

  private static let longHeader = TransferError(
    .badResponse, "the response's header is larger than 64 KiB")
  private static let notHTTP = TransferError(.badResponse, "the answer is not HTTP")

  private func error(_ code: CURLcode) -> TransferError {
    let wasSent = cairn_info_long(easy, CURLINFO_REQUEST_SIZE) > 0
    // The address was good enough to send a request: libcurl takes an answer without a status for HTTP/0.9. Its words are of
    // whatever happened last on the connection.
    if code == CURLE_UNSUPPORTED_PROTOCOL, wasSent { return Self.notHTTP }
    // What libcurl says of a line longer than it has room for.
    if code == CURLE_OUT_OF_MEMORY, destination == nil, wasSent { return Self.longHeader }
    if code == CURLE_COULDNT_CONNECT, let refusedAddress { return refusedAddress }
    let detail = String(cString: errorBuffer)
    let general = String(cString: curl_easy_strerror(code))
    // libcurl repeats a malformed proxy address whole, password included.
    let namesProxy = detail.lowercased().contains("unsupported proxy")
    let message =
      namesProxy
      ? "the proxy's address cannot be used"
      : String((detail.isEmpty ? general : detail).prefix(300))
    return TransferError(.init(code, detail: message), message)
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
