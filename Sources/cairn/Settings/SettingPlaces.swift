import CairnKit
import FoundationEssentials
import Glibc

/// Where files of settings are.
struct SettingPlaces {
  /// A place.
  struct Place: Equatable {
    let path: String
    /// Whether it is the machine's, not the user's.
    var isSystems = false
    /// Whether somebody named it, and so means it to be there.
    var isNamed = false
  }

  /// The user's, which is also where a new one belongs.
  let users: Place
  let systems = Place(path: "/etc/cairn/config.toml", isSystems: true)
  /// What `~` in a file is.
  let home: String

  /// - Parameters:
  ///   - environment: the process's environment.
  ///   - homeOfUser: the home that the user database names.
  init(environment: [String: String], homeOfUser: @autoclosure () -> String) {
    func absolute(_ name: String) -> String? {
      environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    home = absolute("HOME") ?? homeOfUser()
    if let named = environment["CAIRN_CONFIG"], !named.isEmpty {
      users = Place(path: URL(filePath: named).path, isNamed: true)
    } else {
      let folder = absolute("XDG_CONFIG_HOME") ?? "\(home)/.config"
      users = Place(path: "\(folder)/cairn/config.toml")
    }
  }

  /// Those that are read, the one that counts more first.
  var all: [Place] { users.isNamed ? [users] : [users, systems] }

  /// Of this process.
  static var ofProcess: SettingPlaces {
    SettingPlaces(
      environment: ProcessInfo.processInfo.environment, homeOfUser: StorePlace.homeOfUser)
  }
}
