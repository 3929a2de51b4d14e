import ArgumentParser
import FoundationEssentials
import OCI
import Store

/// `cairn store`.
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Look after the store, an OCI image layout that other tools read too.",
    subcommands: [
      StoreListCommand.self, StoreVerifyCommand.self, StoreRemoveCommand.self,
      StorePruneCommand.self, Path.self,
    ])

  /// `cairn store path`.
  struct Path: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the store's directory.")
    @OptionGroup var storeOptions: StoreOptions

    func run() { print(storeOptions.path) }
  }
}

/// Runs something on the store; its error ends the command.
func onDisk<Value>(_ body: () throws(StoreError) -> Value) throws -> Value {
  do throws(StoreError) {
    return try body()
  } catch {
    throw CommandFailure(error)
  }
}
