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
    var options = EasyOptions(easy)
    options.set(share: share)
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
          return transfer.judgeConnection(to: String(cString: address))
            ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }, context)
    }
    options.set(CURLOPT_URL, job.request.url.description)
    options.set(CURLOPT_PROTOCOLS_STR, "http,https")
    configureVersion(&options)
    if job.isFresh { options.set(CURLOPT_FRESH_CONNECT, 1) }
    options.set(CURLOPT_FOLLOWLOCATION, 0)
    options.set(CURLOPT_NETRC, 0)
    options.set(CURLOPT_NOSIGNAL, 1)
    options.set(CURLOPT_TCP_KEEPALIVE, 1)
    options.set(
      CURLOPT_CONNECTTIMEOUT_MS,
      Milliseconds.whole(job.request.access.connectTimeout ?? settings.connectTimeout))
    options.hint(CURLOPT_BUFFERSIZE, bufferSize)
    options.set(CURLOPT_USERAGENT, settings.userAgent)
    options.set(CURLOPT_ERRORBUFFER, pointer: errorBuffer)
    try configureTLS(&options)
    try configureProxy(&options)
    configureMethod(&options)
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
    options.set(CURLOPT_HTTPHEADER, list: headerList)
    options.set(CURLOPT_HEADERDATA, pointer: context)
    options.set(CURLOPT_WRITEDATA, pointer: context)
    options.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
      let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
      return transfer.takeHeaderLine(line) ? size * count : 0
    }
    options.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
      return transfer.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    try options.requireTaken()
  }

  /// Blobs have a TCP connection each, which is what HTTP/1.1 gives; small requests share one if they can.
  private func configureVersion(_ options: inout EasyOptions) {
    let shares =
      job.request.sharesConnection && !job.isFresh && loop.mayShare(job.request.url.origin)
    options.set(CURLOPT_HTTP_VERSION, shares ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    // Wait for a connection that is being made, rather than make another. Without TLS it is not
    // HTTP/2, and there libcurl would wait for another request's answer.
    let isTLS = job.request.url.origin.scheme == "https"
    options.set(CURLOPT_PIPEWAIT, shares && isTLS ? 1 : 0)
  }

  /// Under a rate limit chunks are small, so that the bucket is never far in debt.
  private var bufferSize: Int {
    guard let limit = settings.rateLimit else { return Self.receiveBuffer }
    return min(
      Self.receiveBuffer, max(1024, Int(exactly: (limit / 20).rounded()) ?? Self.receiveBuffer))
  }

  /// libcurl lends a connection, and a TLS session, only to a request for which all of these are
  /// the same; but for the key, which is nothing without its certificate.
  private func configureTLS(_ options: inout EasyOptions) throws(TransferError) {
    let access = job.request.access
    guard job.request.url.origin.scheme == "https" else { return }
    cairn_set_sights(easy, loop.sights, job.number)
    let isChecked = settings.verifiesTLS && !access.skipsVerification
    options.set(CURLOPT_SSL_VERIFYPEER, isChecked ? 1 : 0)
    options.set(CURLOPT_SSL_VERIFYHOST, isChecked ? 2 : 0)
    if isChecked {
      try set(&options, loop.trust.form(of: access), CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB)
      options.set(CURLOPT_CAPATH, nil)
    }
    if let own = access.clientCertificate {
      let (certificate, key) = try own.read()
      set(&options, .bytes(certificate), CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB)
      set(&options, .bytes(key), CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB)
      // OpenSSL would ask the terminal for the secret of a key that has one.
      options.set(CURLOPT_KEYPASSWD, "")
    }
  }

  private func set(
    _ options: inout EasyOptions, _ form: TrustStore.Form, _ file: CURLoption, _ blob: CURLoption
  ) {
    switch form {
    case .file(let path): options.set(file, path)
    case .bytes(let bytes):
      options.set(blob, bytes: bytes)
    }
  }

  /// libcurl is told what was decided: it would read other variables, and exceptions by rules of its own.
  private func configureProxy(_ options: inout EasyOptions) throws(TransferError) {
    let origin = job.request.url.origin
    if let own = job.request.access.proxy {
      proxy = own
    } else {
      proxy = try settings.proxies.proxy(for: origin)
    }
    options.set(CURLOPT_PROXY, proxy?.description ?? "")
    options.set(CURLOPT_NOPROXY, "")
    guard let proxy else { return }
    // Not in the address: what libcurl cannot read there it passes over, and goes without a proxy.
    // Both together: that libcurl decodes, of any version. Each by itself it decodes, too, against its own
    // words, until 8.8 (curl#13265).
    options.set(CURLOPT_PROXYUSERPWD, proxy.login?.escaped)
    // Only a way to a server is asked for by CONNECT.
    if origin.scheme == "https" { watchTunnel() }
    // Where the proxy connects to is out of sight: what the host says by itself is judged here, and
    // a name by the proxy alone.
    if let why = job.request.addresses.objection(to: origin) { throw addressError(why) }
    if proxy.scheme == .https {
      try set(&options, loop.trust.form(), CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAINFO_BLOB)
      options.set(CURLOPT_PROXY_CAPATH, nil)
    }
  }

  private func configureMethod(_ options: inout EasyOptions) {
    switch job.request.method {
    case .get: options.set(CURLOPT_HTTPGET, 1)
    case .head: options.set(CURLOPT_NOBODY, 1)
    case .post:
      options.set(CURLOPT_POST, 1)
      options.set(CURLOPT_POSTFIELDSIZE_LARGE, size: job.request.body.count)
      options.set(CURLOPT_POSTFIELDS, pointer: requestBody)
    }
  }
}
