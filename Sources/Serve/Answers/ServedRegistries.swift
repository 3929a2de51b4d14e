import OCI

/// The registries that are served: a closed set of names.
///
/// What a request says is looked up here, and never dialled.
package struct ServedRegistries: Sendable {
  /// How a registry came to be served.
  package enum Standing: Sendable, Equatable {
    /// By an option.
    case named(isPrivate: Bool)
    /// By a file that says who answers for it.
    case mirrored
    /// As one of all public ones: nothing is reached for it but what everybody can reach.
    case anyPublic
  }

  /// Those of the options; true for private ones.
  package var named: [String: Bool]
  /// Whether any public registry is served, too.
  package var takesAny: Bool

  /// Makes a set.
  package init(named: [String: Bool] = [:], takesAny: Bool = false) {
    self.named = named
    self.takesAny = takesAny
  }

  /// Reads what `--registry` says: `HOST`, `HOST=private` or `*`.
  ///
  /// - Parameter texts: one for each time.
  /// - Returns: nil where one of them is none of that.
  package init?(_ texts: [String]) {
    self.init()
    for text in texts {
      if text == "*" {
        takesAny = true
        continue
      }
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 1 || parts.count == 2 && parts[1] == "private",
        let host = Self.registry(String(parts[0]))
      else { return nil }
      named[host] = parts.count == 2
    }
  }

  /// A registry's name as it stands in a reference; nil where it is none.
  private static func registry(_ text: String) -> String? {
    guard let reference = try? Reference("\(text)/a/b"), reference.repository == "a/b" else {
      return nil
    }
    return reference.registry
  }

  /// Whether callers who name registries by paths are challenged for some.
  package var hasPrivate: Bool { named.values.contains(true) }

  /// How a registry stands; nil: it is not served.
  ///
  /// - Parameters:
  ///   - registry: as in a reference.
  ///   - isMirrored: whether a file speaks of this very registry.
  package func standing(_ registry: String, isMirrored: () -> Bool) -> Standing? {
    if let isPrivate = named[registry] { return .named(isPrivate: isPrivate) }
    // Options say all of it, where there are any.
    if named.isEmpty, !takesAny { return isMirrored() ? .mirrored : nil }
    return takesAny && PublicName.isOne(registry) ? .anyPublic : nil
  }
}
