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

  /// The `registries.conf` files, each after those that it changes, and whether the user named it.
  ///
  /// - Parameter option: the file that counts in place of all others, with the drop-in files beside
  ///   it in `<file>.d`.
  /// - Source: containers-registries.conf(5) and containers-registries.conf.d(5).
  func registriesFiles(named option: String?) -> [(path: String, isNamed: Bool)] {
    if let option { return [(option, true)] + Self.dropIns("\(option).d") }
    let users = "\(home)/.config/containers/registries.conf"
    var files: [(path: String, isNamed: Bool)] = []
    if let environmentFile {
      files.append((environmentFile, true))
    } else if ConfigFile.exists(users) == .success(true), trust(users)?.complaint(users) == nil {
      // The user's own file stands in place of the machine's, and so do the drop-in files beside it.
      return [(users, false)] + Self.dropIns("\(users).d")
    } else {
      // One that is another user's is passed over, with a word.
      files += [(users, false), ("\(systemFolder)/registries.conf", false)]
    }
    return files + Self.dropIns("\(systemFolder)/registries.conf.d")
      + Self.dropIns("\(users).d")
  }

  /// Whose files count at a usual place; nil: everybody's.
  ///
  /// What is in the home that the environment names may be another user's; in the machine's folders
  /// only root can have put it, whoever owns it there: containers get such files from outside.
  func trust(_ path: String) -> FileTrust? { path.hasPrefix(home + "/") ? .process : nil }

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

  private static func dropIns(_ folder: String) -> [(path: String, isNamed: Bool)] {
    // An editor's mark of a file that is open is none.
    let names = Files.list(folder).filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".#") }
    let paths = names.map { "\(folder)/\($0)" }
    return paths.filter { (try? Files.target($0))?.kind != .directory }.map { ($0, false) }
  }
}
