internal import CCurl
import Transfer

/// What libcurl is told of a request before it begins.
extension CurlTransfer {
  /// libcurl's receive buffer, of which each transfer in flight has one: the default of 16 KiB
  /// costs a system call for each, and more than this saves no CPU time.
  private static let receiveBuffer = 64 << 10

  /// Tells libcurl everything about the request.
  ///
  /// - Throws: `TransferError` where something of it cannot be had: nothing was asked then.
  func configure(share: OpaquePointer) throws(TransferError) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    _ = cairn_set_share(easy, share)
    let open: curl_opensocket_callback = { context, _, address in
      guard let context, let address else { return CURL_SOCKET_BAD }
      return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().openSocket(address)
    }
    cairn_set_sockets(easy, loop.sockets, open, context)
    if job.request.addresses != .anywhere {
      cairn_set_connected(
        easy,
        { context, address, _, _, _ in
          guard let context, let address else { return CURL_PREREQFUNC_ABORT }
          let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
          return transfer.mayUseConnection(to: String(cString: address))
            ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }, context)
    }
    _ = cairn_set_string(easy, CURLOPT_URL, job.request.url.description)
    _ = cairn_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    configureVersion()
    if job.isFresh { _ = cairn_set_long(easy, CURLOPT_FRESH_CONNECT, 1) }
    _ = cairn_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    _ = cairn_set_long(easy, CURLOPT_NETRC, 0)
    _ = cairn_set_long(easy, CURLOPT_NOSIGNAL, 1)
    _ = cairn_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    _ = cairn_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    _ = cairn_set_long(
      easy, CURLOPT_CONNECTTIMEOUT_MS,
      Milliseconds.whole(job.request.access.connectTimeout ?? settings.connectTimeout))
    _ = cairn_set_long(easy, CURLOPT_BUFFERSIZE, bufferSize)
    _ = cairn_set_string(easy, CURLOPT_USERAGENT, settings.userAgent)
    _ = cairn_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer)
    try configureTLS()
    try configureProxy()
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
    let shares =
      job.request.sharesConnection && !job.isFresh && loop.mayShare(job.request.url.origin)
    _ = cairn_set_long(
      easy, CURLOPT_HTTP_VERSION, shares ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    // Wait for a connection that is being made, rather than make another. Without TLS it is not
    // HTTP/2, and there libcurl would wait for another request's answer.
    let isTLS = job.request.url.origin.scheme == "https"
    _ = cairn_set_long(easy, CURLOPT_PIPEWAIT, shares && isTLS ? 1 : 0)
  }

  /// Under a rate limit chunks are small, so that the bucket is never far in debt.
  private var bufferSize: Int {
    guard let limit = settings.rateLimit else { return Self.receiveBuffer }
    return min(
      Self.receiveBuffer, max(1024, Int(exactly: (limit / 20).rounded()) ?? Self.receiveBuffer))
  }

  /// libcurl lends a connection, and a TLS session, only to a request for which all of these are
  /// the same; but for the key, which is nothing without its certificate.
  private func configureTLS() throws(TransferError) {
    let access = job.request.access
    guard job.request.url.origin.scheme == "https" else { return }
    let isChecked = settings.verifiesTLS && !access.skipsVerification
    _ = cairn_set_long(easy, CURLOPT_SSL_VERIFYPEER, isChecked ? 1 : 0)
    _ = cairn_set_long(easy, CURLOPT_SSL_VERIFYHOST, isChecked ? 2 : 0)
    if isChecked {
      try set(loop.trust.form(of: access), CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB)
      _ = cairn_set_string(easy, CURLOPT_CAPATH, nil)
    }
    if let own = access.clientCertificate {
      let (certificate, key) = try own.read()
      set(.bytes(certificate), CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB)
      set(.bytes(key), CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB)
      // OpenSSL would ask the terminal for the secret of a key that has one.
      _ = cairn_set_string(easy, CURLOPT_KEYPASSWD, "")
    }
  }

  private func set(_ form: TrustStore.Form, _ file: CURLoption, _ blob: CURLoption) {
    switch form {
    case .file(let path): _ = cairn_set_string(easy, file, path)
    case .bytes(let bytes):
      _ = bytes.withUnsafeBytes { cairn_set_blob(easy, blob, $0.baseAddress, $0.count) }
    }
  }

  /// libcurl is told what was decided: it would read other variables, and exceptions by rules of its own.
  private func configureProxy() throws(TransferError) {
    let origin = job.request.url.origin
    if let own = job.request.access.proxy {
      proxy = own
    } else {
      proxy = try settings.proxies.proxy(for: origin)
    }
    _ = cairn_set_string(easy, CURLOPT_PROXY, proxy?.address ?? "")
    _ = cairn_set_string(easy, CURLOPT_NOPROXY, "")
    guard let proxy else { return }
    // Only a way to a server is asked for by CONNECT.
    if origin.scheme == "https" { watchTunnel() }
    // Where the proxy connects to is out of sight: what the host says by itself is judged here, and
    // a name by the proxy alone.
    if let why = job.request.addresses.objection(to: origin) { throw addressError(why) }
    if proxy.scheme == .https {
      try set(loop.trust.form(), CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAINFO_BLOB)
      _ = cairn_set_string(easy, CURLOPT_PROXY_CAPATH, nil)
    }
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
}
