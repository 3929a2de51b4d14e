import OCI
import Transfer
import TOML

/// A `hosts.toml` of containerd: which servers are asked for a registry's images, in order, and how.
///
/// A value that makes no sense is passed over, with a warning, where a server can be asked without
/// it; what a server must not be asked without costs that host; a file that is no TOML, or whose
/// root cannot be read, is none. A server that can be none is the registry itself, with a warning.
struct HostsFile: Sendable, Equatable {
  /// Why a file cannot be used.
  struct Invalid: Error, CustomStringConvertible {
    /// What is wrong with it.
    let description: String
  }

  /// A `[host]` table.
  struct Host: Sendable, Equatable {
    var url: RemoteURL
    var settings: HostSettings
  }

  /// The registry's own server, where the file names one.
  private(set) var server: RemoteURL?
  /// What the keys at the root say about that server, or else about the registry's usual one.
  private(set) var root: HostSettings
  /// The mirrors, in the order of the file.
  private(set) var hosts: [Host] = []
  /// What is not as its author wanted it, in words without secrets.
  private(set) var warnings: [String] = []

  /// Reads a file's content.
  ///
  /// - Parameters:
  ///   - text: TOML.
  ///   - folder: where the file is, which paths in it are relative to.
  /// - Throws: `Invalid`.
  init(_ text: String, folder: String = "") throws(Invalid) {
    let table: TOMLTable
    do {
      table = try TOMLReader.read(text)
    } catch {
      guard let twice = error.twice else {
        throw Invalid(description: "line \(error.line) is not TOML")
      }
      let name = twice.map { Self.shown($0) }.joined(separator: ".")
      throw Invalid(description: "line \(error.line) has \(name) a second time")
    }
    do throws(HostSettings.Invalid) {
      root = try HostSettings(table, folder: folder, besides: ["server", "host"])
      warnings = root.warnings
    } catch {
      throw Invalid(description: error.reason)
    }
    readServer(table["server"])
    guard let value = table["host"] else { return }
    guard let entries = value.table else { throw Invalid(description: "host is no table") }
    for name in entries.keys { readHost(name, entries[name], folder) }
  }

  private mutating func readServer(_ value: TOMLValue?) {
    guard let value, value.string != "" else { return }
    do throws(HostSettings.Invalid) {
      guard let name = value.string else { throw .init(reason: "it is no string") }
      server = try Self.url(name)
    } catch {
      warnings.append("server is passed over, and the registry itself meant: \(error.reason)")
    }
  }

  private mutating func readHost(_ name: String, _ value: TOMLValue?, _ folder: String) {
    let shown = "mirror \(Self.shown(name))"
    do throws(HostSettings.Invalid) {
      guard let table = value?.table else { throw .init(reason: "it is no table") }
      let host = Host(url: try Self.url(name), settings: try HostSettings(table, folder: folder))
      hosts.append(host)
      warnings += host.settings.warnings.map { "\(shown): \($0)" }
    } catch {
      warnings.append("\(shown) is left out: \(error.reason)")
    }
  }

  /// A server's name, without the password that somebody may have put into it.
  private static func shown(_ name: String) -> String {
    let start = name.firstRange(of: "://")?.upperBound ?? name.startIndex
    let place = name.lastIndex(of: "@").map { name.index(after: $0) } ?? start
    return String(name[..<start] + name[max(start, place)...]).shownSafely(limit: 200)
  }

  private static func url(_ text: String) throws(HostSettings.Invalid) -> RemoteURL {
    do {
      return try RemoteURL(text.contains("://") ? text : "https://" + text)
    } catch {
      throw .init(reason: "\(error)")
    }
  }

  // MARK: Endpoints

  /// The servers to ask for a repository: the mirrors, then the registry itself.
  ///
  /// - Parameters:
  ///   - reference: names the repository.
  ///   - own: the registry's own endpoint.
  ///   - source: the file's path.
  func endpoints(
    for reference: Reference, own: Endpoint, source: String? = nil
  ) -> [Endpoint] {
    var last = own
    if let server, !isHubsName(server, own) {
      last = Self.endpoint(server, root, reference, own)
      last.isRegistry = true
      // --plain-http is the last word about the registry itself.
      if own.origin.scheme == "http", server.origin.authority == own.origin.authority {
        last.origin = own.origin
        last.allowsPlainFallback = false
      }
    } else {
      // Without a server the usual one is meant, which can do everything.
      last.resolvesTags = server == nil || root.resolves ?? true
      last.servesContent = server == nil || root.serves ?? true
      last.access = root.access
      last.fields = own.fields.and(root.fields)
    }
    var all = hosts.map { host in
      var endpoint = Self.endpoint(host.url, host.settings, reference, own)
      // The registry's name without TLS is another origin: what is kept for the one is not shown to
      // the other in clear.
      if host.url.origin.scheme == "http", last.origin.scheme == "https",
        host.url.origin.authority == last.origin.authority
      {
        endpoint.registry = host.url.origin.description
      }
      return endpoint
    }
    // People name one server twice.
    if let before = all.last, before.isCovered(by: last) { all.removeLast() }
    all.append(last)
    for index in all.indices { all[index].source = source }
    return all
  }

  /// Docker Hub's name is not its API's address, though the documentation of `hosts.toml` has it as one.
  private func isHubsName(_ server: RemoteURL, _ own: Endpoint) -> Bool {
    own.origin.host == "registry-1.docker.io" && server.target == "/"
      && ["docker.io", "index.docker.io"].contains(server.origin.authority)
  }

  private static func endpoint(
    _ url: RemoteURL, _ settings: HostSettings, _ reference: Reference, _ own: Endpoint
  ) -> Endpoint {
    let isOwn = url.origin.authority == own.origin.authority
    var endpoint = Endpoint(
      origin: url.origin, namespace: isOwn ? nil : reference.registry)
    var path = HostPath(url.target, isComplete: settings.overridesPath)
    endpoint.pathPrefix = path.root
    path.append(reference.repository)
    if path.repository != reference.repository { endpoint.repository = path.repository }
    endpoint.resolvesTags = settings.resolves ?? true
    endpoint.servesContent = settings.serves ?? true
    endpoint.access = settings.access
    endpoint.fields = isOwn ? own.fields.and(settings.fields) : settings.fields
    // containerd's rule: who says something about TLS means TLS, whatever the URL says, if the
    // server speaks it.
    if settings.speaksOfTLS, url.origin.scheme == "http", url.origin.port != 80,
      let secure = try? RemoteURL("https://\(url.origin.host):\(url.origin.port)/")
    {
      endpoint.origin = secure.origin
      endpoint.allowsPlainFallback = true
    }
    return endpoint
  }
}

extension Endpoint {
  /// Whether all that this one could answer is answered by another, at the same place and reached
  /// in the same way.
  fileprivate func isCovered(by other: Endpoint) -> Bool {
    var mine = self
    mine.resolvesTags = other.resolvesTags
    mine.servesContent = other.servesContent
    mine.isRegistry = other.isRegistry
    return mine == other && (other.resolvesTags || !resolvesTags)
      && (other.servesContent || !servesContent)
  }
}
