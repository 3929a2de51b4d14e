public import ArgumentParser
public import CairnKit
import Disk

/// Who is asked for an image beside or in place of its registry, and what proves to it who asks.
struct MirrorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read mirrors from containerd's hosts.toml files in this directory, and not from registries.conf (default: /etc/containerd/certs.d).",
      valueName: "dir"), completion: .directory)
  var hostsDir: String?

  @Option(
    help: ArgumentHelp(
      "Read mirrors from this file of podman's, and not from hosts.toml (default: $CONTAINERS_REGISTRIES_CONF, else the first containers/registries.conf in $XDG_CONFIG_HOME, ~/.config, /etc and /usr/share, with drop-in files).",
      valueName: "file"), completion: .file())
  var registriesConf: String?

  @Option(
    help: ArgumentHelp(
      "What a name without a registry means: docker.io/library, or what podman's aliases and search registries say.",
      valueName: "docker|podman"))
  var shortNames = RegistryAccess.ShortNameStyle.docker

  @Option(
    help: ArgumentHelp("Certificate that proves to the registry who asks.", valueName: "pem"),
    completion: .file())
  var cert: String?

  @Option(
    help: ArgumentHelp("Its key, where that is not in the same file.", valueName: "pem"),
    completion: .file())
  var key: String?

  func validate() throws {
    if key != nil, cert == nil { throw ValidationError("--key needs --cert") }
    if let registriesConf, let reason = InputFile.complaint(registriesConf, pipes: .refused) {
      throw ValidationError("--registries-conf \(registriesConf) cannot be read: \(reason)")
    }
    for (option, file) in [("--cert", cert), ("--key", key)] {
      guard let file else { continue }
      do throws(DiskError) {
        // What a pipe says is remembered for when it is shown.
        _ = try InputFile.read(file, limit: 1 << 20, pipes: .read)
      } catch {
        throw ValidationError("\(option) \(file) cannot be read: \(error.why)")
      }
    }
  }

  /// Adds what the options say.
  func add(to access: inout RegistryAccess) {
    access.hostsFolder = hostsDir
    access.registriesFile = registriesConf
    access.shortNames = shortNames
    access.certificate = cert
    access.key = key
  }
}

/// `--short-names`.
extension RegistryAccess.ShortNameStyle: ExpressibleByArgument {}
