import Transfer

/// Which places a server may send us to.
enum RedirectRule {
  /// Hops of one request that are followed; as many as in Go's clients.
  static let limit = 10

  /// Checks a redirect's target, or any URL that a server or a manifest named.
  ///
  /// - Parameters:
  ///   - target: where to go.
  ///   - source: who said so.
  ///   - what: for the message: `redirect`, `token realm`, `layer URL`.
  /// - Throws: `RegistryError` for a step from TLS to plain HTTP, to a metadata service, or to this
  ///   very machine from elsewhere. Private ranges are legitimate: self-hosted registries live there.
  static func check(_ target: RemoteURL, from source: RemoteURL.Origin, what: String)
    throws(RegistryError)
  {
    func refuse(_ reason: String, hint: String? = nil) -> RegistryError {
      RegistryError(
        .refusedTarget,
        "the \(what) of \(source.authority) is refused: \(target.redacted) \(reason)", hint: hint)
    }
    if source.scheme == "https", target.origin.scheme != "https" {
      throw refuse(
        "would leave TLS",
        hint: "a registry behind something that ends TLS for it has to be told its own address: "
          + "who runs it can set that to https://")
    }
    if target.origin.isLinkLocalOrMetadata, target.origin != source {
      throw refuse("is a link-local or metadata address")
    }
    if target.origin.mayBeLoopback, !source.isLoopback { throw refuse("is this machine itself") }
  }

  /// The target of a redirect response, checked.
  ///
  /// - Parameters:
  ///   - head: the response.
  ///   - url: the request's URL.
  static func target(_ head: ResponseHead, of url: RemoteURL) throws(RegistryError) -> RemoteURL {
    // An empty one would be a way to the very same place.
    guard let location = head.fields["location"], !location.allSatisfy(\.isWhitespace) else {
      var error = RegistryError(
        .protocolError(transient: false),
        "\(url.origin.authority) redirects (\(head.status)) without saying where to")
      error.secondLooks = 2
      throw error
    }
    let target: RemoteURL
    do {
      target = try url.resolving(withoutUser(location)).overTLS(where: url.origin)
    } catch {
      throw RegistryError(
        .refusedTarget, "the redirect of \(url.origin.authority) is refused: \(error)")
    }
    try check(target, from: url.origin, what: "redirect")
    return target
  }

  /// A location without a name and password in front of its host, which nobody gets from us.
  private static func withoutUser(_ location: String) -> String {
    let text = location.utf8
    guard let slashes = location.firstRange(of: "//"),
      slashes.lowerBound == location.startIndex
        || location[..<slashes.lowerBound].hasSuffix(":")
    else { return location }
    let host = slashes.upperBound
    let end = text[host...].firstIndex { "/?#\\".utf8.contains($0) } ?? text.endIndex
    guard let at = text[host..<end].lastIndex(of: UInt8(ascii: "@")) else { return location }
    return String(location[..<host]) + String(location[text.index(after: at)...])
  }

  /// True for the statuses that carry a `Location` to follow.
  static func isRedirect(_ status: Int) -> Bool { [300, 301, 302, 303, 307, 308].contains(status) }
}

extension RemoteURL {
  /// The same place by TLS, where a server that is asked by TLS names itself without: it does not
  /// know that it is behind one.
  ///
  /// - Parameter source: who named it.
  func overTLS(where source: RemoteURL.Origin) throws(TransferError) -> RemoteURL {
    guard source.scheme == "https", origin.scheme == "http", origin.host == source.host,
      origin.port == 80 || origin.port == source.port
    else { return self }
    return try RemoteURL(origin: source, target: target)
  }
}
