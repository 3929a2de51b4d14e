import OCI
import Transfer

/// What may help where a transfer failed.
extension RegistryError {
  static func hint(ofProxy proxy: String, _ kind: TransferError.Kind) -> String {
    let way =
      switch kind {
      case .notTLS: "does it speak TLS? if not, write http:// there"
      // What --tls-verify=false leaves unchecked is the registry alone.
      case .tls:
        "for its private certificate authority add --ca-file PEM, or name it in SSL_CERT_FILE"
      case .tlsRefused: "it may want a client certificate, which no proxy gets from here"
      case .wrongName:
        "its certificate is for other names than this one; name it there by one of those"
      case .wrongDate:
        "look at this machine's clock (\"date\"); if that is right, the proxy's certificate has to be renewed"
      case .nothingInCommon: "it has no version of TLS, or no cipher, that this machine takes"
      case .noSuchHost, .resolve: "check its name for a typing error"
      case .refused, .connect, .unanswered: "is it running?"
      default: "is it an HTTP proxy, and in order?"
      }
    return
      "\(proxy) is the proxy that HTTPS_PROXY or HTTP_PROXY names (NO_PROXY leaves hosts out); \(way)"
  }

  /// What may help where a server has something else than a manifest says of it; nil: it is about
  /// something else.
  static func hint(ofContent kind: Kind) -> String? {
    kind == .integrity
      ? "where that stays so, the image's own manifest is wrong, and whoever pushed it must push it again; "
        + "a mirror or proxy on the way may have something else, too"
      : nil
  }

  /// What may help where nobody is at a place that the user did not name.
  static func hint(ofNamed kind: TransferError.Kind, _ place: RemoteURL.Origin) -> String? {
    switch kind {
    case .connect, .unanswered:
      "the registry names that place; a firewall on the way may let the registry through and not "
        + place.host
    case .noSuchHost, .refused, .resolve:
      "the registry names that place; who runs it may know why it cannot be reached from here"
    default: nil
    }
  }

  /// What may help where a server wants a certificate of its callers.
  static let hintOfCertificate =
    "the server may want a client certificate: --cert PEM --key PEM, or Docker's certs.d"
  /// What may help where it got one.
  static let hintOfRefusedCertificate =
    "the server did not take the client certificate that it was shown: it may be out of date, or none of an "
    + "authority that the server knows"

  static func hint(_ error: TransferError, _ place: RemoteURL.Origin) -> String? {
    error.kind == .tlsRefused && error.hadCertificate
      ? hintOfRefusedCertificate : hint(error.kind, place)
  }

  private static func hint(_ kind: TransferError.Kind, _ place: RemoteURL.Origin) -> String? {
    switch kind {
    case .connect, .unanswered:
      "nobody is there for now, or a firewall on the way to \(place.host) stops it"
    case .notTLS:
      "the server does not speak TLS there; if it is a plain HTTP registry, add --plain-http"
    case .tls:
      "for a private certificate authority add --ca-file PEM, or name it in SSL_CERT_FILE; to accept any certificate, "
        + "--tls-verify=false"
    case .tlsRefused: hintOfCertificate
    case .ownCertificate:
      "--cert and --key name what is shown there, or client in its hosts.toml, or Docker's certs.d: PEM files, "
        + "the key that of the certificate"
    case .nothingInCommon:
      "the server and this machine have no version of TLS, cipher, key or signature in common, or the server has no "
        + "certificate for this name: it may be out of date, or the name another one's"
    case .wrongName:
      "the certificate is for other names than this one; ask the registry by one of those"
    case .wrongDate:
      "look at this machine's clock (\"date\"); if that is right, the server's certificate has to be renewed"
    case .silentHandshake:
      "a firewall may stop it, or packets may be too large for the way (an MTU of 1400 shows that); if it is "
        + "a plain HTTP registry, add --plain-http"
    case .noSuchHost: "check the registry's name for a typing error"
    case .refused: "check the registry's name and port; is the server running?"
    case .resolve: "check the registry's name and the network"
    case .stalled: "the limits are --stall-timeout and --min-rate"
    default: nil
    }
  }

  /// What may help where a proxy says no to CONNECT; nil: none did.
  static func hint(ofRefusal error: TransferError) -> String? {
    guard error.kind == .proxyRefused else { return nil }
    let without = "NO_PROXY leaves hosts out"
    guard let schemes = error.proxySchemes else {
      return "who runs the proxy may know why it lets nobody through to there; \(without)"
    }
    guard schemes.isEmpty || schemes.contains(where: { $0.lowercased() == "basic" }) else {
      return
        "it takes logins by \(schemes.joined(separator: " and ")) alone, and not by a name and "
        + "password in HTTPS_PROXY; a proxy on this machine can log in to it; \(without)"
    }
    return "a proxy that wants a login, or another one than it was given, takes it as "
      + "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT; \(without)"
  }
}
