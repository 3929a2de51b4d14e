/// The path of a server in `hosts.toml`: the API's root, and what stands below it before a repository.
///
/// `https://harbor/v2/hub` with `override_path` is the repository `hub/library/alpine` of that
/// server: tokens and credentials are for it, not for `library/alpine`. Where no component is `v2`,
/// or it is the last one, nothing stands below the root.
struct HostPath: Equatable {
  /// What stands before the repository in a request's path.
  let root: String
  /// The repository there; without one what stands before it.
  private(set) var repository: String

  /// - Parameters:
  ///   - target: of the server's URL.
  ///   - isComplete: whether the file says so (`override_path`); else `/v2` is added where it is not the end.
  init(_ target: String, isComplete: Bool) {
    var parts: [Substring] = []
    for part in target.prefix(while: { $0 != "?" }).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    if !isComplete, parts.last != "v2" { parts.append("v2") }
    // The first: a repository may be called v2, too.
    let end = isComplete ? parts.firstIndex(of: "v2").map { $0 + 1 } ?? parts.count : parts.count
    root = parts[..<end].map { "/" + $0 }.joined()
    repository = parts[end...].joined(separator: "/")
  }

  /// Adds the repository that the reference names.
  mutating func append(_ name: String) {
    repository = repository.isEmpty ? name : "\(repository)/\(name)"
  }
}
