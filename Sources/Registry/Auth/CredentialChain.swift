import FoundationEssentials
import Glibc
import OCI

/// Where credentials come from, in order; the first that has one wins.
public struct CredentialChain: Sendable {
  /// Given on the command line.
  public var explicit: Credential?
  /// The registry that `explicit` is for; no mirror of it gets to see it.
  public var explicitRegistry: String?
  /// Paths of credential files, first to be asked first.
  public var files: [String]
  /// Files that must be readable because the user named them.
  public var requiredFiles: Set<String>
  /// Told when a helper or a file cannot be used.
  public var warn: @Sendable (String) -> Void
  /// Seconds that a helper may take.
  public var helperTimeout = 10.0

  /// Makes a chain.
  ///
  /// - Parameters:
  ///   - explicit: from `--creds`; nothing else is asked then.
  ///   - files: paths, first to be asked first.
  ///   - requiredFiles: those of them that the user named.
  ///   - warn: told when a helper or a file cannot be used.
  public init(
    explicit: Credential? = nil, files: [String] = [], requiredFiles: Set<String> = [],
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.explicit = explicit
    self.files = files
    self.requiredFiles = requiredFiles
    self.warn = warn
  }

  /// The usual files: `--authfile`, else `$REGISTRY_AUTH_FILE`, then containers' and Docker's own.
  ///
  /// - Parameters:
  ///   - authFile: from `--authfile`; nothing else is read then.
  ///   - environment: the process's environment.
  /// - Returns: paths, first to be asked first.
  public static func standardFiles(authFile: String?, environment: [String: String]) -> [String] {
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let authFile { return [authFile] }
    if let file = variable("REGISTRY_AUTH_FILE") { return [file] }
    let home = variable("HOME") ?? "/"
    var files: [String] = []
    if let runtime = variable("XDG_RUNTIME_DIR") {
      files.append(runtime + "/containers/auth.json")
    } else {
      // Where skopeo and podman write without a session, for example under sudo.
      files.append("/run/containers/\(getuid())/auth.json")
    }
    files.append((variable("XDG_CONFIG_HOME") ?? home + "/.config") + "/containers/auth.json")
    files.append((variable("DOCKER_CONFIG") ?? home + "/.docker") + "/config.json")
    return files
  }

  /// The credential for a repository; nil means anonymous.
  ///
  /// - Parameters:
  ///   - registry: as in a reference.
  ///   - repository: the repository's path.
  public func credential(registry: String, repository: String) async -> Credential? {
    if let explicit, explicitRegistry == nil || explicitRegistry == registry { return explicit }
    var askedHelpers: Set<String> = []
    for path in files {
      guard let file = read(path) else { continue }
      for answer in file.answers(registry: registry, repository: repository) {
        switch answer {
        case .credential(let credential): return credential
        case .helper(let name, let server):
          guard askedHelpers.insert(name).inserted else { continue }
          do throws(CredentialHelper.Failure) {
            let helper = CredentialHelper(name: name, timeout: helperTimeout)
            if let credential = try await helper.credential(for: server) { return credential }
          } catch {
            warn(
              "credential helper docker-credential-\(name.shownSafely(limit: 60)): \(error); "
                + "going on without it")
          }
        }
      }
    }
    return nil
  }

  private func read(_ path: String) -> AuthFile? {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      if requiredFiles.contains(path) { warn("cannot read the credential file \(path)") }
      return nil
    }
    do {
      return try AuthFile(data)
    } catch {
      warn("the credential file \(path) is not in the expected form; going on without it")
      return nil
    }
  }
}
