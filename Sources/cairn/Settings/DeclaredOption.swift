/// An option of a command, as its declaration says.
struct DeclaredOption: Hashable {
  /// Without the dashes.
  let name: String
  /// The one after a single dash; nil: there is none.
  let shortName: String?
  /// Whether it is given without a value.
  let isFlag: Bool
  /// What help has in place of a value.
  let valueName: String
  /// What it may be, where it is one of a few.
  let values: [String]
  /// As help has it.
  let defaultValue: String?
  let help: String

  init?(_ argument: DeclaredCommand.Argument) {
    guard let long = argument.names?.first(where: { $0.kind == "long" }) else { return nil }
    name = long.name
    shortName = argument.names?.first { $0.kind == "short" }?.name
    isFlag = argument.kind == "flag"
    valueName = argument.valueName ?? ""
    values = argument.allValues ?? []
    defaultValue = argument.defaultValue
    help = argument.abstract ?? ""
  }

  /// Whether an argument of the command line gives it.
  func isGiven(by argument: String) -> Bool {
    argument == "--\(name)" || argument.hasPrefix("--\(name)=")
      || shortName.map { argument == "-\($0)" } ?? false
  }

  /// The value that a command line gives it, the last one where it is given several times; nil: none.
  func value(in arguments: [String]) -> String? {
    guard let index = arguments.lastIndex(where: isGiven) else { return nil }
    if let equals = arguments[index].firstIndex(of: "=") {
      return String(arguments[index][equals...].dropFirst())
    }
    return arguments.indices.contains(index + 1) ? arguments[index + 1] : nil
  }
}
