import Glibc
import Text

/// Where a user's files are: the one rule for the store, the history, the cache, settings and logins.
///
/// What variables say counts where it begins at the root; else it means another place in each directory.
///
/// - Source: XDG Base Directory Specification, version 0.8.
package struct UserFolders: Sendable, Equatable {
  /// The home: `$HOME`, else what the user database says.
  package let home: String
  /// Settings: `$XDG_CONFIG_HOME`, else `~/.config`.
  package let config: String
  /// The folder that the environment names and settings are in, or below.
  package let configHome: String
  /// What is kept: `$XDG_DATA_HOME`, else `~/.local/share`.
  package let data: String
  /// What was learned: `$XDG_STATE_HOME`, else `~/.local/state`.
  package let state: String
  /// What can be fetched again: `$XDG_CACHE_HOME`, else `~/.cache`.
  package let cache: String

  /// Names the folders; nothing is made.
  ///
  /// - Parameters:
  ///   - environment: the process's, mostly.
  ///   - homeOfUser: the home that the user database names.
  package init(
    _ environment: [String: String], homeOfUser: @autoclosure () -> String = Self.homeOfUser
  ) {
    func absolute(_ name: String) -> String? {
      environment[name].flatMap { $0.begins(with: "/") ? $0 : nil }
    }
    let home = absolute("HOME") ?? homeOfUser()
    let inHome = home == "/" ? "" : home
    self.home = home
    config = absolute("XDG_CONFIG_HOME") ?? inHome + "/.config"
    configHome = absolute("XDG_CONFIG_HOME") ?? home
    data = absolute("XDG_DATA_HOME") ?? inHome + "/.local/share"
    state = absolute("XDG_STATE_HOME") ?? inHome + "/.local/state"
    cache = absolute("XDG_CACHE_HOME") ?? inHome + "/.cache"
  }

  /// The home that the user database names.
  package static var homeOfUser: String {
    guard let entry = getpwuid(geteuid()), let home = entry.pointee.pw_dir else { return "/" }
    let path = String(cString: home)
    return path.begins(with: "/") ? path : "/"
  }
}
