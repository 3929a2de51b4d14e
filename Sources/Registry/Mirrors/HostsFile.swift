import Foundation
public import OCI
import Transfer

/// A `hosts.toml` of containerd: which servers are asked for a registry's images, in order.
public struct HostsFile: Sendable, Equatable {
  /// Why a file cannot be used.
  public struct Invalid: Error, CustomStringConvertible {
    /// What is wrong with it.
    public let description: String
  }

  /// A server of the file.
  struct Host: Sendable, Equatable {
    var url: RemoteURL
    var resolves: Bool
    var serves: Bool
    var overridesPath: Bool
  }

  /// The registry's own server, where the file names another than the usual one.
  private(set) var server: RemoteURL?
  /// The mirrors, in the order of the file.
  private(set) var hosts: [Host] = []
  /// Settings that are not supported; the hosts that need them are left out.
  public private(set) var warnings: [String] = []

  /// Keys of a host that change how it must be spoken with, and that Cairn does not know.
  private static let unsupported = ["skip_verify", "ca", "client", "header"]

  /// Reads a file's content.
  ///
  /// - Parameter text: TOML.
  /// - Throws: `Invalid`.
  public init(_ text: String) throws(Invalid) {
    let table: TOMLTable
    do {
      table = try TOMLReader.read(text)
    } catch {
      throw Invalid(description: "line \(error.line) is not TOML")
    }
    if let server = table["server"]?.string { self.server = try Self.url(server) }
    guard let entries = table["host"]?.table else { return }
    for name in entries.keys {
      guard let entry = entries[name]?.table else { continue }
      if let key = Self.unsupported.first(where: { entry[$0] != nil && entry[$0]?.boolean != false }
      ) {
        warnings.append("mirror \(name) is left out: \(key) is not supported")
        continue
      }
      let names = entry["capabilities"]?.array?.compactMap { $0.string } ?? ["pull", "resolve"]
      hosts.append(
        Host(
          url: try Self.url(name), resolves: names.contains("resolve"),
          serves: names.contains("pull"), overridesPath: entry["override_path"]?.boolean ?? false))
    }
  }

  private static func url(_ text: String) throws(Invalid) -> RemoteURL {
    do {
      return try RemoteURL(text.contains("://") ? text : "https://" + text)
    } catch {
      throw Invalid(description: "\(error)")
    }
  }

  /// The servers to ask for a repository: the mirrors, then the registry itself.
  ///
  /// - Parameters:
  ///   - reference: names the registry.
  ///   - own: the registry's own endpoint.
  public func endpoints(for reference: Reference, own: Endpoint) -> [Endpoint] {
    var last = own
    // "docker.io" is Docker Hub's name and not its API's address.
    if let server, server.origin != own.origin, server.origin.host != reference.registry {
      last = Endpoint(
        origin: server.origin, pathPrefix: Self.prefix(server, overrides: false),
        namespace: reference.registry)
    }
    let mirrors = hosts.filter { $0.url.origin != last.origin }.map { host in
      var endpoint = Endpoint(
        origin: host.url.origin, pathPrefix: Self.prefix(host.url, overrides: host.overridesPath),
        namespace: reference.registry)
      endpoint.resolvesTags = host.resolves
      endpoint.servesContent = host.serves
      return endpoint
    }
    return mirrors + [last]
  }

  /// containerd's rule: `/v2` is added to a host's path unless the file says the path is complete.
  private static func prefix(_ url: RemoteURL, overrides: Bool) -> String {
    var path = String(url.target.prefix { $0 != "?" })
    while path.hasSuffix("/") { path.removeLast() }
    return overrides || path.hasSuffix("/v2") ? path : path + "/v2"
  }

  // MARK: Files

  /// The usual directory of `hosts.toml` files.
  public static let standardFolder = "/etc/containerd/certs.d"

  /// Reads the file for a registry.
  ///
  /// - Parameters:
  ///   - folder: holds a directory for each registry, as `certs.d` does.
  ///   - registry: as in a reference, for example `docker.io`, `localhost:5000`.
  /// - Returns: nil where there is none; also no `_default`.
  /// - Throws: `Invalid` for a file that is not in the expected form.
  public static func find(in folder: String, registry: String) throws(Invalid) -> HostsFile? {
    var names = [registry, "_default"]
    if let colon = registry.lastIndex(of: ":"), !registry.hasSuffix("]") {
      let host = registry[..<colon]
      names = [
        "\(host)_\(registry[registry.index(after: colon)...])_", registry, "\(host)", "_default",
      ]
    }
    for name in names {
      let path = "\(folder)/\(name)/hosts.toml"
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
      do {
        return try HostsFile(text)
      } catch {
        throw Invalid(description: "\(path): \(error)")
      }
    }
    return nil
  }
}
