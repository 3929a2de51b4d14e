/// The names that a registry's folder may have in a directory of `hosts.toml` files.
enum HostsFolder {
  /// The usual directory.
  static let standard = "/etc/containerd/certs.d"

  /// containerd's names on Unix; the first that is there counts, and nothing of those after it.
  ///
  /// `localhost` is no name of `localhost:5000`: that is another registry.
  ///
  /// - Parameter registry: as in a reference, for example `docker.io`, `localhost:5000`.
  /// - Source: `hostPaths` and `hostDirectory` of containerd's core/remotes/docker/config, and its
  ///   docs/hosts.md.
  static func names(of registry: String) -> [String] {
    var names = [registry, "_default"]
    if let colon = registry.lastIndex(of: ":"), colon != registry.startIndex {
      names.insert(
        "\(registry[..<colon])_\(registry[registry.index(after: colon)...])_", at: 0)
    }
    return names
  }
}
