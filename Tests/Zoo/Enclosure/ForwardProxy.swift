import Support

/// A forward proxy for plain HTTP: animals are behind it by name, and nowhere else.
final class ForwardProxy: Sendable {
  private let server: RawServer

  /// - Parameter denizens: by the registry's name; its other hosts are `storage.NAME` and
  ///   `tokens.NAME`.
  init(_ denizens: [String: Denizen]) throws {
    server = try RawServer { request in
      let parts = request.target.split(
        separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
      guard request.target.hasPrefix("http://"), parts.count == 3,
        let slash = parts[2].firstIndex(of: "/")
      else { return .status(400) }
      let host = String(parts[2][..<slash])
      for door in Visit.Door.allCases {
        let name = door == .registry ? host : String(host.dropFirst(door.rawValue.count + 1))
        guard let denizen = denizens[name], door == .registry || host.hasPrefix("\(door.rawValue).")
        else { continue }
        var inner = request
        inner.target = String(parts[2][slash...])
        return denizen.reply(to: inner, at: door)
      }
      return .status(504, [("Content-Type", "text/html")], "<html>no such host</html>")
    }
  }

  deinit { server.stop() }

  var url: String { "http://\(server.host)" }

  var requests: [ServedRequest] { server.requests }
}
