import ArgumentParser
import OCI
import Serve

extension ServeClient: ExpressibleByArgument {}

/// `--print-config`.
extension ServeCommand {
  /// What to write where, so that a client pulls through an endpoint with these options.
  ///
  /// - Throws: `CommandFailure` where no client could reach it.
  func configuration(for client: ServeClient) throws(CommandFailure) -> String {
    var endpoint: ClientEndpoint?
    for case .network(let host, let port) in places {
      guard let port = UInt16(exactly: port), port > 0 else {
        throw CommandFailure(message: "--print-config needs a port in --listen", kind: .usage)
      }
      endpoint = endpoint ?? ClientEndpoint(host: host, port: port, certificate: tlsCert)
    }
    guard let endpoint else {
      throw CommandFailure(
        message: "no client of these asks a socket: name an address in --listen", kind: .usage)
    }
    return ClientConfig(for: client, at: endpoint, registries: clientRegistries).text
  }

  /// The registries that were named, in their order; none where every one is meant.
  private var clientRegistries: [ClientRegistry] {
    guard let served = ServedRegistries(registry), !served.takesAny else { return [] }
    return registry.compactMap { text in
      let word = String(text.prefix { $0 != "=" })
      let name = (try? Reference("\(word)/a/b"))?.registry ?? word
      guard let isPrivate = served.named[name] else { return nil }
      return ClientRegistry(name, isPrivate: isPrivate, isPlain: plainHttp.contains(word))
    }
  }
}
