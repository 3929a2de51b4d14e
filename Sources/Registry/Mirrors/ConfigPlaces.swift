import Disk
import Glibc

/// Where the files of mirrors, short names and certificates are.
struct ConfigPlaces: Sendable {
  /// containerd's directory of `hosts.toml` files.
  var hostsFolder = HostsFolder.standard
  /// The machine's directory of podman's files.
  var systemFolder = "/etc/containers"
  /// Docker's directory.
  var dockerFolder = "/etc/docker"
  /// The user's home.
  let home: String
  /// podman's own notes of what short names stood for.
  let aliasesFile: String
  /// `$CONTAINERS_REGISTRIES_CONF`.
  private let environmentFile: String?

  /// - Parameter environment: the process's environment.
  init(environment: [String: String]) {
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let folders = UserFolders(environment)
    home = folders.home
    environmentFile =
      variable("CONTAINERS_REGISTRIES_CONF") ?? variable("REGISTRIES_CONFIG_PATH")
    let cache = geteuid() == 0 ? "/var/cache" : folders.cache
    aliasesFile = "\(cache)/containers/short-name-aliases.conf"
  }

  /// A `registries.conf` file.
  struct RegistriesPlace {
    let path: String
    /// Whether the user named it.
    var isNamed = false
    /// Whose file counts; nil: everybody's.
    var trust: FileTrust?
    /// What was read of it already.
    var content: ConfigFile?

    /// What it has.
    func read() -> ConfigFile { content ?? ConfigFile.read(path, trust: trust) }
  }

  /// The `registries.conf` files, each after those that it changes.
  ///
  /// - Parameter option: the file that counts in place of all others, with the drop-in files beside
  ///   it in `<file>.d`.
  /// - Source: containers-registries.conf(5) and containers-registries.conf.d(5).
  func registriesFiles(named option: String?) -> [RegistriesPlace] {
    if let option {
      return [RegistriesPlace(path: option, isNamed: true)]
        + Self.dropIns("\(option).d").map { RegistriesPlace(path: $0) }
    }
    let path = "\(home)/.config/containers/registries.conf"
    var files: [RegistriesPlace] = []
    if let environmentFile {
      files.append(RegistriesPlace(path: environmentFile, isNamed: true))
    } else {
      // Read once: who could change it between two looks would have the machine's passed over, too.
      let users = RegistriesPlace(
        path: path, trust: trust(path), content: ConfigFile.read(path, trust: trust(path)))
      files.append(users)
      switch users.content {
      // The user's own file stands in place of the machine's, and so do the drop-in files beside it.
      case .text, .unusable: return files + usualDropIns("\(path).d")
      // One that is another user's is passed over, with a word.
      default: files.append(RegistriesPlace(path: "\(systemFolder)/registries.conf"))
      }
    }
    return files + usualDropIns("\(systemFolder)/registries.conf.d") + usualDropIns("\(path).d")
  }

  private func usualDropIns(_ folder: String) -> [RegistriesPlace] {
    Self.dropIns(folder).map { RegistriesPlace(path: $0, trust: trust($0)) }
  }

  /// podman's notes of what short names stood for.
  var aliases: RegistriesPlace { RegistriesPlace(path: aliasesFile, trust: trust(aliasesFile)) }

  /// Whose files count at a usual place; nil: everybody's.
  ///
  /// What is in the home that the environment names may be another user's; in the machine's folders
  /// only root can have put it, whoever owns it there: containers get such files from outside.
  func trust(_ path: String) -> FileTrust? { path.hasPrefix(home + "/") ? .below(home) : nil }

  /// The folders of certificates that may be a server's, first to be asked first, as podman and
  /// Docker have them.
  ///
  /// - Parameters:
  ///   - server: `host[:port]`.
  ///   - port: its port, written or not.
  /// - Source: containers-certs.d(5), and Docker's "Verify repository client with certificates".
  func certificateFolders(of server: String, port: Int) -> [String] {
    let roots = ["\(home)/.config/containers", systemFolder, dockerFolder]
    let names = server.hasSuffix(":\(port)") ? [server] : [server, "\(server):\(port)"]
    return roots.flatMap { root in names.map { "\(root)/certs.d/\($0)" } }
  }

  /// A folder of certificates; nil where there is none; a reason where it is not to be believed.
  func certificates(in path: String) -> Result<CertificateFolder?, ConfigFile.Unclear> {
    guard let trust = trust(path) else {
      guard case .success(true) = ConfigFile.exists(path) else { return .success(nil) }
      return .success(CertificateFolder(path, names: Files.list(path)))
    }
    do throws(DiskError) {
      let names = try trust.folder(path).list()
      return .success(CertificateFolder(path, names: names, trust: trust))
    } catch {
      return error.reason.map { .failure(.init(reason: $0)) } ?? .success(nil)
    }
  }

  private static func dropIns(_ folder: String) -> [String] {
    // An editor's mark of a file that is open is none.
    let names = Files.list(folder).filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".#") }
    let paths = names.map { "\(folder)/\($0)" }
    return paths.filter { (try? Files.target($0))?.kind != .directory }
  }
}
