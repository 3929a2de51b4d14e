import FoundationEssentials
import OCI

/// A command and its options, as their declarations say: read from what the parser says of itself,
/// so that no list is kept twice.
struct DeclaredCommand {
  /// Words after `cairn`: `store`, `list`.
  let path: [String]
  let options: [DeclaredOption]
  /// Arguments without a name that it takes.
  let positionals: Int

  /// In file names, tables and variables: `store-list`.
  var name: String { path.joined(separator: "-") }

  /// Every command that does something, in the order in which help has them.
  ///
  /// - Parameter json: what `--experimental-dump-help` prints.
  /// - Throws: it is something else.
  static func all(in json: String) throws -> [DeclaredCommand] {
    try StableJSON.decode(Dump.self, from: Data(json.utf8)).command.leaves([])
  }

  private struct Dump: Decodable { let command: Entry }

  private struct Entry: Decodable {
    let commandName: String
    let subcommands: [Entry]?
    let arguments: [Argument]?

    func leaves(_ parents: [String]) -> [DeclaredCommand] {
      let inner = (subcommands ?? []).filter { $0.commandName != "help" }
      guard inner.isEmpty else {
        return inner.flatMap { $0.leaves(parents + [$0.commandName]) }
      }
      let named = (arguments ?? []).filter { $0.kind != "positional" }
      return [
        DeclaredCommand(
          path: parents, options: named.compactMap(DeclaredOption.init),
          positionals: (arguments ?? []).count - named.count)
      ]
    }
  }

  /// An option, or an argument without a name.
  struct Argument: Decodable {
    struct Name: Decodable {
      let kind: String
      let name: String
    }

    let kind: String
    let names: [Name]?
    let valueName: String?
    let defaultValue: String?
    let allValues: [String]?
    let abstract: String?
  }
}
