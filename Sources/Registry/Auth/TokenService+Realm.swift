import Transfer

/// Realms as registries write them.
extension TokenService {
  /// What a challenge's realm is.
  enum Realm: Equatable {
    /// Something to check and to ask.
    case place(String)
    /// No URL: a name, as Basic has it, or nothing at all.
    case none
  }

  /// Reads the realm of a Bearer challenge.
  ///
  /// A path is one at the server that was asked. A name is none: nothing is made up that
  /// credentials could go to.
  ///
  /// - Parameters:
  ///   - realm: the parameter; nil: it is missing.
  ///   - url: what was asked for.
  static func realm(_ realm: String?, at url: RemoteURL) -> Realm {
    guard let realm else { return .none }
    let text = realm.split { $0.isWhitespace }.joined(separator: " ")
    if text.contains("://") || text.isEmpty || text.hasPrefix("//") { return .place(text) }
    let first = text.prefix { $0 != "/" }
    let isPath =
      text.hasPrefix("/") || text.hasPrefix("?") || first == "." || first == ".."
      || (text.contains("/") && !first.contains(".") && !first.contains(":"))
    guard isPath, !text.contains(" "), let place = try? url.resolving(text) else {
      return text.contains(":") ? .place(text) : .none
    }
    return .place(place.description)
  }
}
