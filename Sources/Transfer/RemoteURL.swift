/// An absolute `http` or `https` URL that was checked when it was parsed.
///
/// URLs come from servers (redirects, token realms, `urls` fields), so they are hostile until they
/// went through here: no user info, no control characters, no other scheme, and a host that every
/// later reader of the string must see the same way.
package struct RemoteURL: Hashable, Sendable, CustomStringConvertible {
  /// Scheme, host and port: what credentials belong to.
  package struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// `http` or `https`.
    package let scheme: String
    /// The host in lower case; an IPv6 address keeps its brackets.
    package let host: String
    /// The port, also where it is the scheme's own.
    package let port: Int

    /// `scheme://host:port`, without the port where it is the scheme's own.
    package var description: String { "\(scheme)://\(authority)" }

    /// `host:port`, without the port where it is the scheme's own.
    package var authority: String {
      port == (scheme == "https" ? 443 : 80) ? host : "\(host):\(port)"
    }

    /// True for an address that never leaves this machine.
    package var isLoopback: Bool {
      if let address = HostAddress(host: name) { return address.isLoopback }
      return name == "localhost" || name.hasSuffix(".localhost")
    }

    /// True for this machine, or an address of which a gateway on the way may make one of this machine.
    package var mayBeLoopback: Bool { HostAddress(host: name)?.mayBeLoopback ?? isLoopback }

    /// True for link-local addresses, where clouds keep their metadata services, and for their names.
    package var isLinkLocalOrMetadata: Bool {
      if let address = HostAddress(host: name) { return address.isLinkLocalOrMetadata }
      return name == "metadata" || name == "metadata.google.internal"
    }

    /// The host without the dot that ends a complete name.
    private var name: Substring { host.hasSuffix(".") ? host.dropLast() : host[...] }
  }

  /// Scheme, host and port.
  package let origin: Origin
  /// Path and query, beginning with `/`.
  package let target: String

  /// The whole URL.
  package var description: String { origin.description + target }

  /// The URL without its query, which often carries a signature: for messages and logs.
  package var redacted: String {
    origin.description + target.prefix { $0 != "?" } + (target.contains("?") ? "?…" : "")
  }

  /// Makes a URL of an origin and a target that begins with `/`; odd characters are escaped.
  ///
  /// - Throws: `TransferError` of kind `invalidURL` for control characters.
  package init(origin: Origin, target: String) throws(TransferError) {
    self.origin = origin
    self.target = try Self.escaped(target)
  }

  /// Parses an absolute URL.
  ///
  /// - Parameter text: for example a `Location`.
  /// - Throws: `TransferError` of kind `invalidURL`.
  package init(_ text: String) throws(TransferError) {
    guard let schemeEnd = text.firstRange(of: "://") else {
      throw .invalidURL(text, "it is not absolute")
    }
    let scheme = text[..<schemeEnd.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else {
      throw .invalidURL(text, "only http and https are followed")
    }
    let rest = text[schemeEnd.upperBound...].prefix { $0 != "#" }
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "\\" } ?? rest.endIndex
    // Browsers read a backslash as a slash and others as part of the host: nobody means it.
    guard authorityEnd == rest.endIndex || rest[authorityEnd] != "\\" else {
      throw .invalidURL(text, "it has a backslash")
    }
    let origin = try Self.parseOrigin(scheme, rest[..<authorityEnd], of: text)
    var target = String(rest[authorityEnd...])
    if !target.hasPrefix("/") { target = "/" + target }
    try self.init(origin: origin, target: target)
  }

  /// Follows a `Location`, which may be relative.
  ///
  /// - Parameter location: the field's value.
  /// - Throws: `TransferError` of kind `invalidURL`.
  package func resolving(_ location: String) throws(TransferError) -> RemoteURL {
    let bare = String(location.prefix { $0 != "#" })
    if bare.hasPrefix("//") { return try RemoteURL("\(origin.scheme):\(bare)") }
    if bare.hasPrefix("/") { return try RemoteURL(origin: origin, target: Self.removeDots(bare)) }
    let colon = bare.firstIndex(of: ":")
    if let colon, !bare[..<colon].contains(where: { "/?".contains($0) }) {
      return try RemoteURL(bare)
    }
    let path = target.prefix { $0 != "?" }
    if bare.isEmpty { return self }
    if bare.hasPrefix("?") { return try RemoteURL(origin: origin, target: path + bare) }
    let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
    return try RemoteURL(origin: origin, target: Self.removeDots(folder + bare))
  }

  private static func parseOrigin(_ scheme: String, _ authority: Substring, of text: String)
    throws(TransferError) -> Origin
  {
    guard !authority.contains("@") else {
      throw .invalidURL(text, "it carries a user name")
    }
    var host = authority
    var portText: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else {
        throw .invalidURL(text, "its IPv6 address has no end")
      }
      host = authority[...close]
      guard host.utf8.allSatisfy({ $0 > 0x20 }), HostAddress(host: host) != nil else {
        throw .invalidURL(text, "its IPv6 address is not one")
      }
      let after = authority[authority.index(after: close)...]
      if !after.isEmpty {
        guard after.hasPrefix(":") else { throw .invalidURL(text, "its host cannot be read") }
        portText = after.dropFirst()
      }
    } else {
      if let colon = authority.firstIndex(of: ":") {
        host = authority[..<colon]
        portText = authority[authority.index(after: colon)...]
      }
      guard !host.isEmpty, host.utf8.count <= 253,
        host.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHostCharacter })
      else { throw .invalidURL(text, "its host cannot be read") }
    }
    var port = scheme == "https" ? 443 : 80
    if let portText, !portText.isEmpty {
      guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(portText),
        (1...65535).contains(number)
      else { throw .invalidURL(text, "its port is not one") }
      port = number
    }
    return Origin(scheme: scheme, host: host.lowercased(), port: port)
  }

  /// RFC 3986, 5.2.4, on the path only.
  private static func removeDots(_ target: String) -> String {
    let path = target.prefix { $0 != "?" }
    var kept: [Substring] = []
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      switch part {
      case ".": if isLast { kept.append("") }
      case "..":
        _ = kept.popLast()
        if isLast { kept.append("") }
      default: kept.append(part)
      }
    }
    return "/" + kept.joined(separator: "/") + target[path.endIndex...]
  }

  /// A path, a query or both, with odd characters escaped.
  ///
  /// - Throws: `TransferError` of kind `invalidURL` for control characters.
  package static func escaped(_ target: some StringProtocol) throws(TransferError) -> String {
    guard target.utf8.allSatisfy({ $0 > 0x1F && $0 != 0x7F }) else {
      throw .invalidURL(String(target), "it has a control character")
    }
    return PercentEncoding.encoded(target, keeping: "!$&'()*+,;=:@/?%[]")
  }
}

extension Character {
  fileprivate var isHostCharacter: Bool {
    isASCII && (isLetter || isNumber || self == "." || self == "-" || self == "_")
  }
}
