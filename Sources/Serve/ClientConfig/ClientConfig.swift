/// What to write where, so that a client pulls through the endpoint; pure text.
///
/// Every client keeps its way to the registry itself: where the endpoint does not answer, it goes on without.
package struct ClientConfig: Sendable {
  /// The client.
  let client: ServeClient
  /// Where it reaches the endpoint.
  let endpoint: ClientEndpoint
  /// The files, in the order in which they are shown.
  let files: [ClientFile]
  /// What else there is to do or to know, a line each.
  let notes: [String]

  /// The configuration of a client.
  ///
  /// - Parameters:
  ///   - client: the program.
  ///   - endpoint: where it reaches the endpoint.
  ///   - registries: those that it is to pull through it; empty: every one.
  package init(
    for client: ServeClient, at endpoint: ClientEndpoint, registries: [ClientRegistry] = []
  ) {
    let parts =
      switch client {
      case .containerd: Self.containerd(endpoint, registries)
      case .docker: Self.docker(endpoint, registries)
      case .podman: Self.podman(endpoint, registries)
      case .crio: Self.crio(endpoint, registries)
      case .buildkit: Self.buildkit(endpoint, registries)
      case .k3s: Self.k3s(endpoint, registries)
      case .kind: Self.kind(endpoint, registries)
      }
    (self.client, self.endpoint) = (client, endpoint)
    (files, notes) = (parts.files, parts.notes)
  }

  /// All of it: each file after a line with its path, as `head` shows files, and the notes.
  package var text: String {
    let sections = files.map { "==> \($0.path) <==\n\($0.text)" }
    let last = notes.isEmpty ? "" : "\n" + notes.map { "# \($0)\n" }.joined()
    return sections.joined(separator: "\n") + last
  }

  typealias Parts = (files: [ClientFile], notes: [String])

  /// Text in quotation marks.
  static func quoted(_ text: String) -> String { ClientFile.quoted(text) }
}
