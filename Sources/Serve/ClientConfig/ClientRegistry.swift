/// A registry that clients are to pull through the endpoint.
package struct ClientRegistry: Hashable, Sendable {
  /// Its name in image references: `docker.io`, `registry.example.com:5000`.
  package let name: String
  /// Whether its images want credentials.
  package let isPrivate: Bool
  /// Whether it speaks plain HTTP.
  package let isPlain: Bool

  /// A registry.
  ///
  /// - Parameters:
  ///   - name: its name in image references.
  ///   - isPrivate: whether its images want credentials.
  ///   - isPlain: whether it speaks plain HTTP.
  package init(_ name: String, isPrivate: Bool = false, isPlain: Bool = false) {
    (self.name, self.isPrivate, self.isPlain) = (name, isPrivate, isPlain)
  }

  /// Where its API is: Docker Hub's name is not its API's address.
  var url: String {
    (isPlain ? "http://" : "https://") + (name == "docker.io" ? "registry-1.docker.io" : name)
  }

  /// Its name as the first part of a path, which can hold no colon.
  var component: String {
    guard let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") else { return name }
    return name[..<colon] + "__" + name[name.index(after: colon)...]
  }

  /// The public ones that most images come from: for clients that have no word for "every registry".
  static let usual = [
    "docker.io", "ghcr.io", "quay.io", "gcr.io", "registry.k8s.io", "mcr.microsoft.com",
    "public.ecr.aws",
  ].map { ClientRegistry($0) }
}
