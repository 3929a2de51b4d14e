/// Where a credential would come from, found out without asking anybody.
package enum CredentialSource: Sendable, Equatable {
  /// The command line.
  case option
  /// `$DOCKER_AUTH_CONFIG`.
  case environment
  /// This file.
  case file(String)
  /// The program `docker-credential-<name>`, which the file names; whether it has one is not known.
  case helper(String, file: String)
}

extension CredentialChain {
  /// Where the credential for a repository would come from, first to be asked first.
  ///
  /// - Parameters:
  ///   - registry: as in a reference.
  ///   - repository: the repository's path.
  /// - Returns: nothing after what surely has one; empty means anonymous.
  package func sources(registry: String, repository: String) -> [CredentialSource] {
    if isExplicit(registry: registry) { return [.option] }
    for case .credential in inline?.answers(registry: registry, repository: repository) ?? [] {
      return [.environment]
    }
    var sources: [CredentialSource] = []
    for place in files {
      let path = place.path
      for answer in read(place)?.answers(registry: registry, repository: repository) ?? [] {
        switch answer {
        case .credential: return sources + [.file(path)]
        case .helper(let name, _):
          if !sources.contains(where: { $0.helperName == name }) {
            sources.append(.helper(name, file: path))
          }
        }
      }
    }
    return sources
  }
}

extension CredentialSource {
  fileprivate var helperName: String? {
    if case .helper(let name, _) = self { name } else { nil }
  }
}
