import Disk
import Text

/// Where `registries.conf` files are, for podman 4 and 5, and for podman 6.
///
/// | | podman 4 and 5 | podman 6 |
/// |---|---|---|
/// | main file | the user's, else that of `/etc` | the user's, else that of `/etc`, else that of `/usr/share` |
/// | the user's folder | `~/.config` | `$XDG_CONFIG_HOME`, else `~/.config` |
/// | the machine's drop-in files | of `/etc`, where the user has no main file | of `/usr/share` and `/etc`, with those for root or for others, always |
///
/// Both have one reading here, as podman 4 and 5 have it, with the places of podman 6. What either
/// would read besides counts for what it blocks.
///
/// Source: containers-registries.conf(5), containers-registries.conf.d(5), and
/// storage/pkg/configfile of container-libs.
extension ConfigPlaces {
  /// A `registries.conf` file.
  struct RegistriesPlace {
    let path: String
    /// Whether the user named it.
    var isNamed = false
    /// Whose file counts; nil: everybody's.
    var trust: FileTrust?
    /// What was read of it already.
    var content: ConfigFile?
    /// Whether nothing of it counts but what it blocks.
    var onlyBlocks = false

    /// What it has.
    func read() -> ConfigFile { content ?? ConfigFile.read(path, trust: trust) }

    /// Whether it was read, and counts, or would if it could be used.
    fileprivate var isThere: Bool {
      switch content {
      case .text, .unusable: true
      default: false
      }
    }
  }

  /// The `registries.conf` files, each after those that it changes.
  ///
  /// - Parameter option: the file that counts in place of all others, with the drop-in files beside
  ///   it in `<file>.d`.
  func registriesFiles(named option: String?) -> [RegistriesPlace] {
    if let option {
      return [RegistriesPlace(path: option, isNamed: true)]
        + Self.dropIns(["\(option).d"]).map { RegistriesPlace(path: $0) }
    }
    var files: [RegistriesPlace]
    if let environmentFile {
      files = [RegistriesPlace(path: environmentFile, isNamed: true)]
      files += [systemFolder, homeFolder].flatMap { usualDropIns(["\($0)/registries.conf.d"]) }
    } else {
      files = usualFiles()
    }
    return files + (overridingFile.map { [RegistriesPlace(path: $0, isNamed: true)] } ?? [])
  }

  private func usualFiles() -> [RegistriesPlace] {
    let users = configFolder == homeFolder ? [homeFolder] : [configFolder, homeFolder]
    // Read once: who could change one between two looks would have the machine's passed over, too.
    let mains = (users + [systemFolder, vendorFolder]).map(mainFile(in:))
    let first = Self.firstThere(mains)
    let machines = usualDropIns([vendorFolder, systemFolder].flatMap(machineFolders))
    // The user's own file stands in place of the machine's, and so do the drop-in files beside it.
    let isUsers = mains.prefix(users.count).contains(where: \.isThere)
    let whole =
      first + (isUsers ? [] : machines)
      + users.flatMap { usualDropIns(["\($0)/registries.conf.d"]) }

    let ofFive = mains.suffix(3).dropLast(), ofSix = mains.prefix(1) + mains.suffix(2)
    var others = Self.firstThere(ofFive) + Self.firstThere(ofSix) + machines
    if ofFive.first?.isThere != true {
      others += usualDropIns(["\(systemFolder)/registries.conf.d"])
    }
    var known = Set(whole.map(\.path.exact))
    return others.filter { known.insert($0.path.exact).inserted }.map { place in
      var place = place
      place.onlyBlocks = true
      return place
    } + whole
  }

  private func mainFile(in folder: String) -> RegistriesPlace {
    let path = "\(folder)/registries.conf"
    return RegistriesPlace(
      path: path, trust: trust(path), content: ConfigFile.read(path, trust: trust(path)))
  }

  /// The first file that is there, after those that are passed over with a word.
  private static func firstThere(_ places: some Collection<RegistriesPlace>) -> [RegistriesPlace] {
    let end = places.firstIndex(where: \.isThere)
    return Array(end.map { places[...$0] } ?? places[...])
  }

  /// The folders of a machine's drop-in files: for everybody, and for root or for all others.
  private func machineFolders(_ folder: String) -> [String] {
    let name = "\(folder)/registries"
    let own = "\(name).rootless.conf.d"
    return ["\(name).conf.d"] + (user == 0 ? ["\(name).rootful.conf.d"] : [own, "\(own)/\(user)"])
  }

  private func usualDropIns(_ folders: [String]) -> [RegistriesPlace] {
    Self.dropIns(folders).map { RegistriesPlace(path: $0, trust: trust($0)) }
  }

  /// Drop-in files by their names, whichever folder they are in; one of a later folder stands in
  /// place of its namesakes.
  private static func dropIns(_ folders: [String]) -> [String] {
    var paths: [ExactText: String] = [:]
    for folder in folders {
      // An editor's mark of a file that is open is none.
      for name in Files.list(folder) where name.ends(with: ".conf") && !name.begins(with: ".#") {
        let path = "\(folder)/\(name)"
        if (try? Files.target(path))?.kind != .directory { paths[name.exact] = path }
      }
    }
    return paths.sorted { $0.key < $1.key }.map(\.value)
  }
}
