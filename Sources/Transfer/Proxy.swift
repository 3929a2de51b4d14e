/// A proxy, as a user names it: `http://proxy:3128`, `socks5://user:secret@10.0.0.1`, `proxy:3128`.
///
/// Its description leaves the login out, so that it can be shown.
package struct Proxy: Hashable, Sendable, CustomStringConvertible {
  /// How the proxy is spoken with.
  package enum Scheme: String, Sendable, CaseIterable {
    case http, https, socks4, socks4a, socks5, socks5h

    /// Without a port in the address, as Go has them.
    var defaultPort: Int {
      switch self {
      case .http: 80
      case .https: 443
      case .socks4, .socks4a, .socks5, .socks5h: 1080
      }
    }
  }

  /// How it is spoken with.
  ///
  /// SOCKS 5 leaves names to the proxy in either notation, as Go has it: at home they may mean nothing.
  package let scheme: Scheme
  /// Name or address; an IPv6 address has its brackets, and perhaps its zone.
  package let host: String
  /// The port, also where the address has none.
  package let port: Int
  /// What it is to be told of whoever asks; nil: nothing.
  package let login: Login?

  /// A name and a password, without control characters.
  package struct Login: Hashable, Sendable {
    package let user: String
    /// Nil: none was given.
    package let password: String?

    /// `USER:PASSWORD` as a URL has them, everything escaped that could mean something there.
    package var escaped: String {
      let user = PercentEncoding.encoded(user)
      return password.map { user + ":" + PercentEncoding.encoded($0) } ?? user
    }
  }

  /// Reads an address; without a scheme it is an HTTP proxy's.
  ///
  /// - Parameter text: the value of `HTTPS_PROXY` or of its kin.
  /// - Throws: `TransferError` of kind `invalidURL`, which never repeats the address: it may hold a password.
  /// - Source: golang.org/x/net/http/httpproxy.
  package init(_ text: String) throws(TransferError) {
    var rest = text[...]
    var scheme = Scheme.http
    if let mark = text.firstRange(of: "://") {
      guard let named = Scheme(rawValue: text[..<mark.lowerBound].lowercased()) else {
        throw Self.unusable("its scheme is none of \(Self.schemes)")
      }
      scheme = named
      rest = text[mark.upperBound...]
    }
    self.scheme = scheme == .socks5 ? .socks5h : scheme
    let whole = rest
    rest = rest.prefix { !"/?#".contains($0) }
    // A password with such a character, not escaped: a part of it would be taken for the host.
    guard !whole[rest.endIndex...].contains("@") else {
      throw Self.unusable("write / ? and # of a password as %2F %3F %23")
    }
    if let at = rest.lastIndex(of: "@") {
      let parts = rest[..<at].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      login = Login(
        user: try Self.decoded(parts[0]),
        password: parts.count > 1 ? try Self.decoded(parts[1]) : nil)
      rest = rest[rest.index(after: at)...]
    } else {
      login = nil
    }
    (host, port) = try Self.place(rest, scheme)
  }

  /// `scheme://host:port`, without the login.
  package var description: String { "\(scheme.rawValue)://\(host):\(port)" }

  private static let schemes = Scheme.allCases.map(\.rawValue).joined(separator: ", ")

  private static func unusable(_ reason: String) -> TransferError {
    TransferError(.invalidURL, "the proxy's address cannot be used: \(reason)")
  }

  private static func place(_ text: Substring, _ scheme: Scheme) throws(TransferError)
    -> (host: String, port: Int)
  {
    var plain = String(text)
    var zone = ""
    // A link-local address means something on one of this machine's networks only: fe80::1%eth0.
    if plain.hasPrefix("["), let close = plain.firstIndex(of: "]"),
      let percent = plain[..<close].firstIndex(of: "%")
    {
      zone = String(plain[percent..<close])
      zone = zone.hasPrefix("%25") ? zone : "%25" + zone.dropFirst()
      guard zone.count > 3,
        zone.dropFirst().allSatisfy({
          $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0))
        })
      else { throw unusable("its host cannot be read") }
      plain.removeSubrange(percent..<close)
    }
    let origin: RemoteURL.Origin
    do {
      origin = try RemoteURL("http://\(plain)").origin
    } catch {
      throw unusable("its host or port cannot be read")
    }
    let host = zone.isEmpty ? origin.host : origin.host.dropLast() + zone + "]"
    let hasPort =
      plain.last?.isNumber == true && plain.drop { $0 != "]" }.contains(":")
      || !plain.hasPrefix("[") && plain.contains(":") && plain.last != ":"
    return (host, hasPort ? origin.port : scheme.defaultPort)
  }

  /// Undoes percent signs.
  private static func decoded(_ text: Substring) throws(TransferError) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte > 0x20, byte != 0x7F else { throw unusable("its credentials have white space") }
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
        let value = UInt8(digits, radix: 16)
      else { throw unusable("a percent sign in its credentials is not followed by two digits") }
      // RFC 7617 has none in either; `%0A` is the line's end that a tool has left there.
      guard value >= 0x20, value != 0x7F else {
        throw unusable("its credentials have a control character, %\(digits)")
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
