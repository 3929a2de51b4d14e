import ArgumentParser
import FoundationEssentials

/// `cairn config`.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Show what is set by variables and files.",
    discussion: """
      Nearly every option's default can be set: by a variable (CAIRN_MAX_WORKERS=32), in \
      ~/.config/cairn/config.toml, and for all users in /etc/cairn/config.toml. An option that is given counts \
      more than a variable, that more than the user's file, and that more than the machine's. What only one \
      command has is set in its table, or by a variable with its name (CAIRN_SERVE_CACHE_LIMIT=40G).

        max-workers = 32
        [registry."ghcr.io"]
        retries = 3
        [command.tags]
        format = "json"

      CAIRN_CONFIG names a file in place of both; /dev/null has none.
      """,
    subcommands: [ConfigShowCommand.self, Path.self])

  /// `cairn config path`.
  struct Path: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print where the file of settings is, or belongs.")

    @Flag(help: "The machine's, not the user's.")
    var system = false

    func run() {
      let places = SettingPlaces.ofProcess
      print(system ? places.systems.path : places.users.path)
    }
  }
}
