import Disk
import FoundationEssentials

/// Where files of settings are.
struct SettingPlaces {
  /// A place.
  struct Place: Equatable {
    let path: String
    /// Whether it is the machine's, not the user's.
    var isSystems = false
    /// Whether somebody named it, and so means it to be there.
    var isNamed = false
    /// Whose files count there.
    var trust = FileTrust.process
  }

  /// The user's, which is also where a new one belongs.
  let users: Place
  let systems = Place(path: "/etc/cairn/config.toml", isSystems: true)
  /// What `~` in a file is.
  let home: String

  /// - Parameters:
  ///   - environment: the process's environment.
  ///   - homeOfUser: the home that the user database names.
  init(
    environment: [String: String], homeOfUser: @autoclosure () -> String = UserFolders.homeOfUser
  ) {
    let folders = UserFolders(environment, homeOfUser: homeOfUser())
    home = folders.home
    if let named = environment["CAIRN_CONFIG"], !named.isEmpty {
      users = Place(path: URL(filePath: named).path, isNamed: true)
    } else {
      users = Place(
        path: "\(folders.config)/cairn/config.toml", trust: .below(folders.configHome))
    }
  }

  /// Those that are read, the one that counts more first.
  var all: [Place] { users.isNamed ? [users] : [users, systems] }

  /// Of this process.
  static var ofProcess: SettingPlaces {
    SettingPlaces(environment: ProcessInfo.processInfo.environment)
  }
}
