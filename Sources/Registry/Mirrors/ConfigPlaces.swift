import Disk
import Glibc
import Text

/// Where the files of mirrors, short names and certificates are.
struct ConfigPlaces: Sendable {
  /// containerd's directory of `hosts.toml` files.
  var hostsFolder = HostsFolder.standard
  /// The machine's directory of podman's files.
  var systemFolder = "/etc/containers"
  /// The directory of what came with the system: of podman 6.
  var vendorFolder = "/usr/share/containers"
  /// Docker's directory.
  var dockerFolder = "/etc/docker"
  /// Who asks.
  var user = geteuid()
  /// The user's home.
  let home: String
  /// The folder of settings that the environment names, else the home.
  private let configHome: String
  /// podman's own notes of what short names stood for.
  let aliasesFile: String
  /// `$CONTAINERS_REGISTRIES_CONF`.
  let environmentFile: String?
  /// `$CONTAINERS_REGISTRIES_CONF_OVERRIDE`.
  let overridingFile: String?

  /// - Parameter environment: the process's environment.
  init(environment: [String: String]) {
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let folders = UserFolders(environment)
    (home, configHome) = (folders.home, folders.configHome)
    environmentFile =
      variable("CONTAINERS_REGISTRIES_CONF") ?? variable("REGISTRIES_CONFIG_PATH")
    overridingFile = variable("CONTAINERS_REGISTRIES_CONF_OVERRIDE")
    let cache = geteuid() == 0 ? "/var/cache" : folders.cache
    aliasesFile = "\(cache)/containers/short-name-aliases.conf"
  }

  /// podman's notes of what short names stood for.
  var aliases: RegistriesPlace { RegistriesPlace(path: aliasesFile, trust: trust(aliasesFile)) }

  /// Whose files count at a usual place; nil: everybody's.
  ///
  /// What is in the home that the environment names may be another user's; in the machine's folders
  /// only root can have put it, whoever owns it there: containers get such files from outside.
  func trust(_ path: String) -> FileTrust? {
    [home, configHome].first { path.begins(with: $0 + "/") }.map { .below($0) }
  }

  /// The user's directory of podman's files, as podman 4 and 5 have it.
  var homeFolder: String { "\(home)/.config/containers" }

  /// The same for podman 6, which goes by `$XDG_CONFIG_HOME`.
  var configFolder: String {
    configHome == home ? homeFolder : "\(configHome)/containers"
  }

  /// The folders of certificates that may be a server's, first to be asked first, as podman and
  /// Docker have them.
  ///
  /// - Parameters:
  ///   - server: `host[:port]`.
  ///   - port: its port, written or not.
  /// - Source: containers-certs.d(5) of podman 6, and Docker's "Verify repository client with
  ///   certificates".
  func certificateFolders(of server: String, port: Int) -> [String] {
    let users = configFolder == homeFolder ? [homeFolder] : [configFolder, homeFolder]
    let own = user == 0 ? ["rootful.d"] : ["rootless.d/\(user)", "rootless.d"]
    let machines = [systemFolder, vendorFolder].flatMap { root in
      (own + ["d"]).map { "\(root)/certs.\($0)" }
    }
    let names = server.ends(with: ":\(port)") ? [server] : [server, "\(server):\(port)"]
    return (users.map { "\($0)/certs.d" } + machines + ["\(dockerFolder)/certs.d"]).flatMap {
      root in
      names.map { "\(root)/\($0)" }
    }
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
}
