/// What can be set: the default of an option.
struct Setting {
  /// As files have it, tables and all: `max-workers`, `history.file`, `command.tune.format`.
  let key: String
  let option: DeclaredOption
  /// Names of the commands whose option it is the default of.
  let commands: Set<String>
  /// The table of the command that it is alone for; nil: it stands at the top.
  let command: String?
  /// Whether a registry can have its own.
  let isOfRegistry: Bool

  var kind: ValueKind { ValueKind(option) }

  /// The environment variable.
  var variable: String {
    let own = command.map { "\($0)-\(option.name)" } ?? option.name
    return "CAIRN_" + own.uppercased().replacing("-", with: "_")
  }
}
