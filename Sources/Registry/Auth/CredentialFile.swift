package import Disk
import Glibc

/// Where a file of logins may be.
package struct CredentialFile: Hashable, Sendable {
  /// Its path.
  package let path: String
  /// Whether the user named this very file: then it must be there, and may be a pipe.
  package let isNamed: Bool
  /// Whose files count; nil: everybody's.
  package let trust: FileTrust?

  /// One that the user named, whoever owns it.
  package init(named path: String) {
    (self.path, isNamed, trust) = (path, true, nil)
  }

  /// One at a usual place.
  ///
  /// A login can name a program that is run, so of what is in another user's home only what is this
  /// user's or root's counts. In his own home everything does: a container gets its logins from outside.
  ///
  /// - Parameters:
  ///   - path: its path.
  ///   - home: the folder above it that the environment names; nil: only root can have put it there,
  ///     or a variable is about logins and names its folder.
  init(usual path: String, in home: String?) {
    (self.path, isNamed, trust) = (path, false, home.flatMap { FileTrust.ofGuests(in: $0) })
  }

  /// The usual files: `--authfile`, else `$REGISTRY_AUTH_FILE`, then containers' and Docker's own.
  ///
  /// - Parameters:
  ///   - authFile: from `--authfile`; nothing else is read then.
  ///   - environment: the process's environment.
  /// - Returns: first to be asked first.
  package static func standard(authFile: String?, environment: [String: String])
    -> [CredentialFile]
  {
    if let named = named(authFile: authFile, environment: environment) {
      return [CredentialFile(named: named)]
    }
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let folders = UserFolders(environment)
    let runtime = variable("XDG_RUNTIME_DIR")
    let docker = variable("DOCKER_CONFIG")
    return [
      // Where skopeo and podman write without a session, for example under sudo, is in root's folder.
      CredentialFile(
        usual: (runtime ?? "/run") + "/containers/"
          + (runtime == nil ? "\(getuid())/auth.json" : "auth.json"), in: runtime),
      CredentialFile(usual: folders.config + "/containers/auth.json", in: folders.configHome),
      CredentialFile(
        usual: (docker ?? folders.home + "/.docker") + "/config.json",
        in: docker == nil ? folders.home : nil),
    ]
  }

  /// The file that the user named, by `--authfile` or `$REGISTRY_AUTH_FILE`; nil: none.
  static func named(authFile: String?, environment: [String: String]) -> String? {
    authFile ?? environment["REGISTRY_AUTH_FILE"].flatMap { $0.isEmpty ? nil : $0 }
  }
}
