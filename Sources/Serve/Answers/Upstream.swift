package import OCI
import Registry

/// The repository of a registry that a caller means.
package struct Upstream: Hashable, Sendable {
  /// Registry and repository.
  ///
  /// The registry's name is a key into those that are allowed, never an address to dial.
  package var reference: Reference
  /// How the caller named the registry.
  package var form: Form

  /// How a registry is named in a request.
  package enum Form: Hashable, Sendable {
    /// `?ns=HOST`: containerd, docker 29 and buildkit. They take the registry's own challenge.
    case query
    /// `/v2/HOST/REPOSITORY/...`: podman, CRI-O and skopeo. They take challenges from `/v2/` alone,
    /// and so does docker's older store, whose mirrors are Docker Hub's: a path without a host is a
    /// repository of that.
    case path
  }

  /// Reads the part of a path between `/v2/` and the kind of thing.
  ///
  /// - Parameters:
  ///   - names: its components.
  ///   - query: of the request; an `ns` in it names the registry, else the first component does,
  ///     else it is Docker Hub.
  /// - Returns: nil where they name no repository of a registry.
  init?(_ names: some Collection<Substring>, query: String) {
    if let namespace = NamespaceField.value(in: query) {
      // One that cannot be read names some registry, and not another one.
      guard let host = PercentCode.decoded(namespace),
        let reference = Self.reference(host, names)
      else { return nil }
      (self.reference, form) = (reference, .query)
    } else {
      let named = names.first.flatMap { Self.reference(Self.host($0), names.dropFirst()) }
      guard let reference = named ?? Self.hub(names) else { return nil }
      (self.reference, form) = (reference, .path)
    }
  }

  /// The name only counts where it reads as what it says: no host that is taken for a repository's
  /// first part, and no added `library/`.
  private static func reference(_ host: String, _ names: some Collection<Substring>) -> Reference? {
    let repository = names.joined(separator: "/")
    guard !repository.isEmpty, let reference = try? Reference("\(host)/\(repository)"),
      reference.repository == repository
    else { return nil }
    return reference
  }

  /// A repository of Docker Hub, in full; nil where the first component is a host.
  private static func hub(_ names: some Collection<Substring>) -> Reference? {
    let repository = names.joined(separator: "/")
    guard let reference = try? Reference(repository), reference.repository == repository else {
      return nil
    }
    return reference
  }

  /// A port is written `HOST__5000`: a repository's name can hold no colon, and no part of it ends in `_`.
  private static func host(_ name: Substring) -> String {
    guard let mark = name.firstRange(of: "__"), !name[mark.upperBound...].isEmpty,
      name[mark.upperBound...].utf8.allSatisfy({ (48...57).contains($0) })
    else { return String(name) }
    return "\(name[..<mark.lowerBound]):\(name[mark.upperBound...])"
  }
}
