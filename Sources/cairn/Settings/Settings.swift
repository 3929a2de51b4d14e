import FoundationEssentials
import OCI

/// What variables and files say of options: the user's flags count more than variables, those more
/// than the user's file, and that more than the machine's.
struct Settings {
  let table: SettingTable
  /// Everything that is said, whoever is outdone by whom.
  let entries: [SettingEntry]

  /// Options of which each is only half of what somebody chose: whoever gives one of them decides about all.
  static let choices: [Set<String>] = [
    ["workers", "policy"], ["platform", "all-platforms"], ["ca-file", "ca-only"], ["cert", "key"],
    ["hosts-dir", "registries-conf"], ["progress", "quiet"],
  ]

  /// - Parameters:
  ///   - table: what can be set.
  ///   - entries: what is said.
  init(_ table: SettingTable, _ entries: [SettingEntry]) {
    (self.table, self.entries) = (table, entries)
  }

  /// Reads variables and files.
  ///
  /// - Parameters:
  ///   - environment: the process's environment.
  ///   - places: where files are.
  ///   - warn: told which files are passed over.
  /// - Throws: `CommandFailure`: something in them is wrong.
  init(
    _ table: SettingTable, environment: [String: String], places: SettingPlaces,
    warn: (String) -> Void
  ) throws {
    var entries = try table.all.compactMap { setting -> SettingEntry? in
      guard let text = environment[setting.variable], !text.isEmpty else { return nil }
      guard let value = setting.kind.argument(variable: text) else {
        throw CommandFailure(
          message: "$\(setting.variable): \(setting.key) takes \(setting.kind.words)", exitCode: 64)
      }
      return SettingEntry(
        setting: setting, registry: nil, value: value, origin: .variable(setting.variable))
    }
    for place in places.all {
      entries += try SettingFile(table, place, home: places.home, warn: warn).entries
    }
    self.init(table, entries)
  }

  /// What holds for a command's options, each once.
  ///
  /// - Parameters:
  ///   - command: the command.
  ///   - registry: the registry that is asked; nil: what holds for all.
  ///   - given: arguments of the command line, which count more.
  func entries(of command: DeclaredCommand, registry: String?, given: [String] = [])
    -> [SettingEntry]
  {
    let named = given.prefix { $0 != "--" }
    let flags = Set(
      command.options.filter { option in named.contains { option.isGiven(by: $0) } }.map(\.name))
    var best: [String: SettingEntry] = [:]
    for entry in entries
    where entry.setting.commands.contains(command.name)
      && (entry.registry == nil || entry.registry == registry)
    {
      let name = entry.setting.option.name
      if best[name].map({ entry.precedes($0) }) ?? true { best[name] = entry }
    }
    for choice in Self.choices {
      let isGiven = !flags.isDisjoint(with: choice)
      let rank = choice.compactMap { best[$0]?.origin.rank }.min() ?? 0
      for name in choice where isGiven || (best[name].map { $0.origin.rank > rank } ?? false) {
        best[name] = nil
      }
    }
    return command.options.compactMap { flags.contains($0.name) ? nil : best[$0.name] }
  }
}
