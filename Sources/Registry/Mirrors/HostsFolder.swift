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
    // Names of hosts have no case, and those of folders do.
    let spellings = [registry] + (registry == registry.lowercased() ? [] : [registry.lowercased()])
    var names: [String] = []
    for spelling in spellings {
      if let colon = spelling.lastIndex(of: ":"), colon != spelling.startIndex {
        names.append("\(spelling[..<colon])_\(spelling[spelling.index(after: colon)...])_")
      }
      names.append(spelling)
    }
    names.append("_default")
    return names
  }
}
