/// Where a client of this machine reaches the endpoint.
package struct ClientEndpoint: Hashable, Sendable {
  /// Host and port, as they stand in a URL: `127.0.0.1:5151`, `[::1]:5151`.
  package let authority: String
  /// The certificate file that the endpoint shows, with its chain; nil: it speaks plain HTTP.
  package let certificate: String?

  /// The endpoint that listens at an address.
  ///
  /// - Parameters:
  ///   - host: a name or an address, IPv6 without brackets; one that stands for every address of
  ///     this machine becomes loopback.
  ///   - port: its port.
  ///   - certificate: the file of the certificate that it shows; nil: plain HTTP.
  package init(host: String, port: UInt16, certificate: String? = nil) {
    let reached =
      switch host {
      case "0.0.0.0", "": "127.0.0.1"
      case "::": "::1"
      default: host
      }
    authority = (reached.contains(":") ? "[\(reached)]" : reached) + ":" + String(port)
    self.certificate = certificate
  }

  /// The URL of its root.
  package var url: String { (certificate == nil ? "http://" : "https://") + authority }

  /// Whether nothing but this machine can reach it; a node of kind, for example, is another one.
  var isLoopback: Bool {
    authority.hasPrefix("127.") || authority.hasPrefix("[::1]:")
      || authority.hasPrefix("localhost:")
  }
}
