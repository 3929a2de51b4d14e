/// An image reference in Docker's notation, normalised: `ubuntu` is `docker.io/library/ubuntu:latest`.
///
/// The grammar is that of `distribution/reference`, with IPv6 hosts; a reference that carries both a
/// tag and a digest is fetched by its digest, and its tag is no more than another way to it.
package struct Reference: Hashable, Sendable, CustomStringConvertible {
  /// Host and optional port as written, for example `docker.io`, `[::1]:5000`.
  package let registry: String
  /// The repository's path within the registry, for example `library/ubuntu`.
  package let repository: String
  /// The tag; nil only when a digest was given without one.
  package let tag: String?
  /// The digest after `@`.
  package let digest: Digest?

  /// Makes a reference from parts that were parsed before.
  init(registry: String, repository: String, tag: String?, digest: Digest?) {
    self.registry = registry
    self.repository = repository
    self.tag = tag
    self.digest = digest
  }

  /// Parses a reference such as `ubuntu`, `ghcr.io/o/n:1.2`, `localhost:5000/x@sha256:…`.
  ///
  /// - Parameter text: what a user typed.
  /// - Throws: `OCIError.invalidReference`, with the offset of the offending character.
  package init(_ text: String) throws(OCIError) {
    var parser = ReferenceParser(text)
    self = try parser.parse()
  }

  /// Whether a text is a tag by the grammar.
  ///
  /// - Parameter text: for example what a registry lists.
  package static func isTag(_ text: String) -> Bool { (try? Reference("x:\(text)"))?.tag == text }

  /// What stands in a manifest URL after `/manifests/`: the digest, else the tag.
  package var manifestSelector: String { digest?.description ?? tag ?? "latest" }

  /// The tag that is asked for; nil where a digest says what is meant: what a tag beside it means was
  /// not looked up, and may be another image.
  package var askedTag: String? { digest == nil ? tag : nil }

  /// Host and port that serve the registry API: Docker Hub's name is not its API's address.
  package var apiHost: String { registry == "docker.io" ? "registry-1.docker.io" : registry }

  /// The same image named by digest only.
  ///
  /// - Parameter digest: the manifest's digest.
  package func pinned(to digest: Digest) -> Reference {
    Reference(registry: registry, repository: repository, tag: nil, digest: digest)
  }

  /// The normalised full form.
  package var description: String {
    "\(registry)/\(repository)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
  }
}
