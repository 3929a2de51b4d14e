import OCI
import Transfer

/// Tells requests that were meant for this endpoint from those that a web page had a browser make.
///
/// A page of any site can have its own name lead to this machine (DNS rebinding), or ask for
/// `http://127.0.0.1:5151/` outright. The first shows in `Host`, since nobody can have an address
/// or `localhost` as the name of a site; the second in what only browsers send. Ours are, for one
/// `--listen`:
///
/// | it listens at | ours |
/// |---|---|
/// | loopback | any loopback address and `localhost`, with the port |
/// | another address | that address, with the port |
/// | a name | that name, with the port |
/// | every address (`0.0.0.0`, `::`) | any address and `localhost`, with any port: something may pass connections on |
/// | a unix socket | anything: no page gets there |
package struct HostGuard: Sendable, Equatable {
  private enum Place: Equatable {
    case address(HostAddress)
    case name(String)
    case anywhere
    case socket
  }

  private let place: Place
  private let port: Int
  /// The port that clients leave out.
  private let usualPort: Int
  /// Names under which it is asked, too.
  private let names: Set<String>

  /// That of a unix socket.
  package static let socket = HostGuard(.socket, port: 0, usualPort: 0, names: [])

  private init(_ place: Place, port: Int, usualPort: Int, names: Set<String>) {
    (self.place, self.port, self.usualPort) = (place, port, usualPort)
    self.names = Set(names.map(HostName.plain))
  }

  /// That of a TCP port.
  ///
  /// - Parameters:
  ///   - host: an address, one of IPv6 with or without its brackets, or a name.
  ///   - port: the one that is listened at, never 0.
  ///   - names: under which it is asked, too.
  ///   - isTLS: whether clients come by TLS.
  package init(host: String, port: Int, names: Set<String> = [], isTLS: Bool = false) {
    let usualPort = isTLS ? 443 : 80
    guard let address = HostName.address(host) else {
      self.init(.name(HostName.plain(host)), port: port, usualPort: usualPort, names: names)
      return
    }
    let place: Place = address.isUnspecified ? .anywhere : .address(address)
    self.init(place, port: port, usualPort: usualPort, names: names)
  }

  /// Whether whoever is beyond this machine can connect; a name is one of this machine's if it is
  /// `localhost`.
  var isBeyondLoopback: Bool {
    switch place {
    case .socket: false
    case .anywhere: true
    case .address(let address): !address.isLoopback
    case .name(let name): !HostName.isLocalhost(name)
    }
  }

  /// Why a request is refused; nil: it is not.
  ///
  /// - Parameters:
  ///   - hosts: every `Host` of its head.
  ///   - origins: every `Origin`.
  ///   - sites: every `Sec-Fetch-Site`; a browser whose user typed the address says `none`.
  func refusal(hosts: [String], origins: [String] = [], sites: [String] = []) -> ServeRefusal? {
    if !origins.isEmpty || sites.contains(where: { $0.lowercased() != "none" }) {
      return .forbidden("requests of web pages are refused")
    }
    guard hosts.count == 1, let host = hosts.first else {
      return .badRequest(hosts.isEmpty ? "the Host field is missing" : "two Host fields")
    }
    guard place != .socket else { return nil }
    guard let (name, given) = HostName.split(host) else {
      return .badRequest("the Host field cannot be read")
    }
    guard isOurs(name, port: given ?? port) else {
      return .forbidden(
        "this endpoint is not \(host.shownSafely(limit: 80)): name it with --listen, if it is to be"
      )
    }
    return nil
  }

  private func isOurs(_ name: String, port given: Int) -> Bool {
    let address = HostName.address(name)
    // Pages of some browsers may ask for `http://0.0.0.0`, which nobody else does.
    if address?.isUnspecified ?? false { return false }
    if names.contains(HostName.plain(name)), given == port || place == .anywhere { return true }
    switch place {
    case .socket: return true
    case .anywhere: return address != nil || HostName.isLocalhost(name)
    case .name(let own): return given == port && HostName.plain(name) == own
    case .address(let own):
      guard given == port else { return false }
      if own.isLoopback { return address?.isLoopback ?? HostName.isLocalhost(name) }
      return address == own
    }
  }
}
