package import Transfer

/// Where this very service listens: a server that must not be asked on a caller's behalf.
///
/// The files that tell containerd and podman to ask the service are read by the service, too, for
/// its mirrors. A request to itself would ask itself again, until connections or patience end.
package struct OwnPlaces: Sendable {
  private let places: [(host: String, port: Int)]

  /// - Parameter places: where it listens, or will.
  package init(_ places: [ListenPlace]) {
    self.places = places.compactMap {
      guard case .network(let host, let port) = $0 else { return nil }
      return (host.lowercased(), port)
    }
  }

  /// Whether a server is this service.
  ///
  /// - Parameter server: as a file of mirrors names it.
  package func contain(_ server: RemoteURL.Origin) -> Bool {
    let host = Self.withoutBrackets(server.host)
    return places.contains { place in
      guard place.port == server.port else { return false }
      if place.host == host { return true }
      // Every address of this machine, of which those of loopback are known.
      let isAny = ["0.0.0.0", "::"].contains(place.host)
      let isLoopback =
        isAny || place.host == "localhost" || place.host.hasPrefix("127.")
        || place.host == "::1"
      return isLoopback && server.mayBeLoopback
    }
  }

  private static func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }
}
