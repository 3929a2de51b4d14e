import OCI
import Registry

/// Everything that can be set, made from the declarations of options.
///
/// A key at the top is the default of an option for each command that declares it in the same
/// words; where commands mean different things by a name, it is what `pull` means. What else a
/// command has, and what is to hold for it alone, stands in `[command.NAME]`; what is to hold for
/// one registry, in `[registry."HOST"]`.
struct SettingTable {
  let commands: [DeclaredCommand]
  /// Those at the top, in the order of help.
  let general: [Setting]
  /// Those of single commands.
  let special: [Setting]

  var all: [Setting] { general + special }

  /// What a registry can have of its own beside what its options are declared with.
  static let poolOptions = ["workers", "max-workers", "policy"]
  /// What is decided before it is known which registry is asked, or is nothing that a server is
  /// concerned with.
  static let notOfRegistries = ["short-names", "log-level"]
  /// Where an option's name is no good key, since it has a table's name.
  static let renamed = ["history": "history.file", "history-site": "history.site"]

  /// - Parameters:
  ///   - commands: every command, from its declaration.
  ///   - registryOptions: names of the options that say how a registry is reached.
  init(_ commands: [DeclaredCommand], registryOptions: [String]) {
    self.commands = commands
    let ofRegistry = Set(registryOptions + Self.poolOptions).subtracting(Self.notOfRegistries)
    var users: [DeclaredOption: [String]] = [:]
    var order: [DeclaredOption] = []
    var special: [Setting] = []
    for command in commands {
      for option in command.options
      where SettingExceptions.reason(option.name, of: command.name) == nil {
        if users[option] == nil { order.append(option) }
        users[option, default: []].append(command.name)
        special.append(
          Setting(
            key: "command.\(command.name).\(Self.key(option.name))", option: option,
            commands: [command.name], command: command.name, isOfRegistry: false))
      }
    }
    general = order.compactMap { option in
      let names = users[option] ?? []
      let isPulls = names.contains("pull")
      let isShared =
        names.count > 1
        && !order.contains { $0.name == option.name && users[$0]?.contains("pull") ?? false }
      guard isPulls || isShared else { return nil }
      return Setting(
        key: Self.key(option.name), option: option, commands: Set(names), command: nil,
        isOfRegistry: ofRegistry.contains(option.name))
    }
    self.special = special
  }

  /// The key at the top or in a command's table that is an option's default.
  static func key(_ option: String) -> String { renamed[option] ?? option }

  /// Of the program's own declarations.
  ///
  /// - Throws: the parser says something else of itself than it did.
  static func ofProcess() throws -> SettingTable {
    SettingTable(
      try DeclaredCommand.all(in: CairnCommand._dumpHelp()),
      registryOptions: try DeclaredCommand.all(in: RegistryOptions._dumpHelp()).flatMap(\.options)
        .map(\.name))
  }

  /// The setting of a key; nil: there is none.
  subscript(key: String) -> Setting? { all.first { $0.key == key } }

  /// Why a key is no setting, in words.
  ///
  /// - Parameters:
  ///   - key: as the file has it.
  ///   - isOfRegistry: whether it stands in a registry's table.
  func complaint(_ key: String, isOfRegistry: Bool) -> String {
    let shown = "\"\(key.shownSafely(limit: 100))\""
    let name = key.split(separator: ".").last.map(String.init) ?? key
    if isOfRegistry, self[key] != nil { return "\(shown) is the same for every registry" }
    if let reason = SettingExceptions.general[name]
      ?? commands.lazy.compactMap({
        SettingExceptions.reason(name, of: $0.name)
      }).first, self[key] == nil, !all.contains(where: { $0.option.name == name })
    {
      return "\(shown) is no setting: \(reason)"
    }
    let homes = special.filter { $0.option.name == name }.compactMap(\.command)
    if !homes.isEmpty, !key.contains(".") {
      let whose = homes.count == 1 ? "only that command's" : "not the same for all commands"
      let tables = homes.map { "[command.\($0)]" }.joined(separator: ", ")
      return "\(shown) is \(whose): it belongs in \(tables)"
    }
    let known = isOfRegistry ? general.filter(\.isOfRegistry).map(\.key) : all.map(\.key)
    let hint = Spelling.nearest(to: key, among: known).map { "; is \"\($0)\" meant?" } ?? ""
    return "there is no setting \(shown)\(hint)"
  }
}
