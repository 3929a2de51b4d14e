import Text

/// Where the service is asked.
package enum ListenPlace: Sendable, Equatable {
  /// An address and a port of this machine; port 0: any that is free.
  case network(host: String, port: Int)
  /// A socket in the file system.
  case path(String)

  /// Reads `127.0.0.1:5151`, `[::1]:5151` or `unix:PATH`.
  package init?(_ text: String) {
    if text.begins(with: "unix:"), let (_, after) = text.cut(at: ":") {
      let path = String(after)
      // As much as fits `sun_path`.
      guard !path.isEmpty, path.utf8.count < 100, !path.utf8.contains(0) else { return nil }
      self = .path(path)
      return
    }
    guard let (before, after) = text.cut(atLast: ":"), let port = UInt16(after) else { return nil }
    var host = before
    if host.begins(with: "["), host.ends(with: "]") {
      host = host.dropFirst().dropLast()
    } else if host.has(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self = .network(host: String(host), port: Int(port))
  }
}

extension ListenPlace {
  /// For people, as it was given.
  package var name: String {
    if case .network(_, let port) = self { name(port: port) } else { name(port: 0) }
  }

  /// For people.
  ///
  /// - Parameter port: the one that it turned out to be.
  package func name(port: Int) -> String {
    switch self {
    case .network(let host, _): host.has(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .path(let path): "unix:\(path)"
    }
  }
}
