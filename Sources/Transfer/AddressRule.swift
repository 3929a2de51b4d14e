/// Which addresses a request may connect to, whatever name leads there.
package enum AddressRule: Int, Comparable, Sendable {
  /// Any: the user named the place.
  case anywhere
  /// None that is link-local, and no metadata service: a server named the place.
  case notLinkLocal
  /// Only such as lead to the same place from everywhere: somebody else named the registry.
  case globallyRoutable

  /// The stricter one is the greater.
  package static func < (left: AddressRule, right: AddressRule) -> Bool {
    left.rawValue < right.rawValue
  }

  /// Why an address is not connected to; nil: it may be.
  ///
  /// - Parameter address: a connection's other end.
  package func objection(to address: HostAddress) -> String? {
    if self >= .notLinkLocal, address.isLinkLocalOrMetadata {
      return "at a link-local or metadata address"
    }
    if self >= .globallyRoutable, !address.isGloballyRoutable {
      return "at an address that is not globally routable"
    }
    return nil
  }

  /// Why a connection to an address is not made, or not used; nil: it is.
  ///
  /// - Parameter bytes: the address, as it is in a packet.
  package func objection(to bytes: [UInt8]) -> String? {
    guard let address = HostAddress(bytes: bytes) else {
      return self >= .globallyRoutable ? "at an address of another kind" : nil
    }
    return objection(to: address)
  }

  /// Why a host is not asked for, as far as it says itself where it leads: all that can be known
  /// where a proxy looks names up.
  ///
  /// - Parameter origin: of a URL.
  package func objection(to origin: RemoteURL.Origin) -> String? {
    if self >= .notLinkLocal, origin.isLinkLocalOrMetadata {
      return "at a link-local or metadata address"
    }
    if self >= .globallyRoutable, origin.isLoopback { return "this machine itself" }
    return HostAddress(host: Substring(origin.host)).flatMap { objection(to: $0) }
  }
}
