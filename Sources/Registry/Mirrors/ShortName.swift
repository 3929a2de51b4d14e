/// What is done with a short name that may mean several images (`short-name-mode`).
package enum ShortNameMode: String, Sendable {
  /// Nothing is guessed: the user has to say which.
  case enforcing
  /// The first registry that has it; podman asks on a terminal.
  case permissive
  /// The first registry that has it.
  case disabled
}

/// An image's name without a registry, as podman takes it: `alpine`, `library/alpine:3`, `alpine@sha256:…`.
package struct ShortName: Equatable, Sendable {
  /// What aliases are kept under: without tag and digest.
  package let repository: String
  /// The tag and the digest, with what separates them from the name; may be empty.
  package let suffix: String

  /// - Parameter text: what a user typed.
  /// - Returns: nil where it names a registry.
  package init?(_ text: String) {
    if let slash = text.firstIndex(of: "/") {
      let first = text[..<slash]
      guard first != "localhost", !first.contains(where: { ".:[".contains($0) || $0.isUppercase })
      else { return nil }
    }
    let name = text.prefix { $0 != "@" }
    let start = name.lastIndex(of: "/") ?? name.startIndex
    let end = name[start...].firstIndex(of: ":") ?? name.endIndex
    repository = String(text[..<end])
    suffix = String(text[end...])
  }
}
