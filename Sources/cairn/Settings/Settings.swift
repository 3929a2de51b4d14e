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
    ["workers", "policy"], ["workers", "max-workers"], ["platform", "all-platforms"],
    ["ca-file", "ca-only"], ["cert", "key"],
    ["hosts-dir", "registries-conf"], ["progress", "quiet"],
  ]

  /// The other halves of the choices that an option is one half of.
  static func partners(of option: String) -> Set<String> {
    Set(choices.filter { $0.contains(option) }.joined()).subtracting([option])
  }

  /// Whether a value leaves the other halves to whoever gives them: how `auto` finds the number of
  /// workers, and up to which, is not decided by it.
  private static func leavesOpen(_ option: String, _ value: String?) -> Bool {
    option == "workers" && value == "auto"
  }

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
  ///   - warn: told which variables and files are passed over.
  /// - Throws: `CommandFailure`: something in them is wrong.
  init(
    _ table: SettingTable, environment: [String: String], places: SettingPlaces,
    warn: (String) -> Void
  ) throws {
    var entries = try table.all.compactMap { setting -> SettingEntry? in
      guard let text = environment[setting.variable], !text.isEmpty else { return nil }
      guard let value = setting.kind.argument(variable: text) else {
        throw CommandFailure(
          message: "$\(setting.variable): \(setting.key) takes \(setting.kind.words)", kind: .usage)
      }
      return SettingEntry(
        setting: setting, registry: nil, value: value, origin: .variable(setting.variable))
    }
    let known = Set(table.all.map(\.variable))
    for name in environment.keys.sorted()
    where name.hasPrefix("CAIRN_") && !known.contains(name) && !Self.isOthers(name) {
      let hint = Spelling.nearest(to: name, among: known).map { "; is $\($0) meant?" } ?? ""
      warn("$\(name.shownSafely(limit: 100)) is no setting's variable\(hint)")
    }
    for place in places.all {
      entries += try SettingFile(table, place, home: places.home, warn: warn).entries
    }
    self.init(table, entries)
  }

  /// Whether a variable is nobody's mistake: of the unit file, of what helpers are given, or what
  /// Kubernetes says to every container of a service that is called like this program.
  private static func isOthers(_ name: String) -> Bool {
    ["CAIRN_CONFIG", "CAIRN_SERVE_OPTIONS", "CAIRN_HELPER", "CAIRN_PORT"].contains(name)
      || name.hasPrefix("CAIRN_SERVICE_") || name.hasPrefix("CAIRN_PORT_")
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
    let named = Array(given.prefix { $0 != "--" })
    let typed = command.options.filter { option in named.contains { option.isGiven(by: $0) } }
    let flags = Set(typed.map(\.name))
    var best: [String: SettingEntry] = [:]
    for entry in entries
    where entry.setting.commands.contains(command.name)
      && (entry.registry == nil || entry.registry == registry)
      && !flags.contains(entry.setting.option.name)
    {
      let name = entry.setting.option.name
      if best[name].map({ entry.precedes($0) }) ?? true { best[name] = entry }
    }
    let decided = Set(typed.filter { !Self.leavesOpen($0.name, $0.value(in: named)) }.map(\.name))
    // What counts more comes first, since what it leaves out decides about nothing.
    var kept: [String: SettingEntry] = [:]
    for (name, entry) in best.sorted(by: { $0.value.precedes($1.value) }) {
      let isLeftOut = Self.partners(of: name).contains { other in
        decided.contains(other)
          || kept[other].map { $0.precedes(entry) && !Self.leavesOpen(other, $0.value) } ?? false
      }
      if !isLeftOut { kept[name] = entry }
    }
    return command.options.compactMap { kept[$0.name] }
  }
}
