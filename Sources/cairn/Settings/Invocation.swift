import ArgumentParser
import Disk
import FoundationEssentials
import OCI
import Progress
import Synchronization

/// What was typed, and what settings add to it.
///
/// Settings become arguments in front of those that were typed: whatever they are, they are read
/// and checked as if somebody had typed them, by the same code.
struct Invocation {
  let arguments: [String]
  /// Nil: nothing is set.
  let settings: Settings?

  private static let kept = Mutex<Invocation?>(nil)

  /// Of this process.
  static var current: Invocation {
    kept.withLock { $0 } ?? Invocation(arguments: [], settings: nil)
  }

  /// Reads the process's command line, variables and files.
  ///
  /// - Returns: the command.
  /// - Throws: `CommandFailure`, or what the parser has to say.
  static func command() throws -> any ParsableCommand {
    let arguments = try GivenText.arguments(ProcessStart.arguments)
    let environment = ProcessInfo.processInfo.environment
    let places = SettingPlaces.ofProcess
    kept.withLock { $0 = Invocation(arguments: arguments, settings: nil) }
    let isSet =
      environment.contains { $0.key.hasPrefix("CAIRN_") && !$0.value.isEmpty }
      || places.all.contains { Files.isThere($0.path) }
    // Whatever is set, help is to be had.
    let asksForHelp = arguments.contains { ["-h", "--help", "--version", "help"].contains($0) }
    if !asksForHelp { try GivenText.check(variables: ProcessStart.variables) }
    guard isSet, !asksForHelp else { return try CairnCommand.parseAsRoot(arguments) }
    do {
      let settings = try Settings(
        SettingTable.ofProcess(), environment: environment, places: places
      ) {
        // Who presses the tab key wants words, and nothing between them.
        guard arguments.first != "---completion" else { return }
        LineOutput.standardError.write("warning: \($0.linesShownSafely)\n")
      }
      let invocation = Invocation(arguments: arguments, settings: settings)
      kept.withLock { $0 = invocation }
      if let command = try invocation.command(for: nil) { return command }
    } catch {
      // Whoever looks for the file, or has mistyped something, hears of that first.
      let plain = try CairnCommand.parseAsRoot(arguments)
      guard plain is ConfigCommand.Path else { throw error }
      return plain
    }
    return try CairnCommand.parseAsRoot(arguments)
  }

  /// Whether an option was typed, rather than set or left as it is.
  ///
  /// - Parameter option: without its dashes.
  func hasTyped(_ option: String) -> Bool {
    arguments.prefix { $0 != "--" }.contains {
      $0 == "--\(option)" || $0.hasPrefix("--\(option)=")
    }
  }

  /// The command as it is for a registry; nil: no setting changes it.
  ///
  /// - Parameter registry: the registry; nil: what holds for all.
  /// - Throws: `CommandFailure`: a setting has a value that the option cannot have.
  func command(for registry: String?) throws -> (any ParsableCommand)? {
    guard let settings,
      let command = settings.table.commands.first(where: { arguments.starts(with: $0.path) })
    else { return nil }
    if let registry, !settings.entries.contains(where: { $0.registry == registry }) { return nil }
    let typed = Array(arguments.dropFirst(command.path.count))
    let entries = settings.entries(of: command, registry: registry, given: typed)
    guard !entries.isEmpty else { return nil }
    return try parse(command, entries, typed)
  }

  /// What settings say of an option while a command is still being typed; nil: nothing.
  ///
  /// A command without the option (`inspect` has no `--store`) offers what `pull` would.
  ///
  /// - Parameters:
  ///   - option: without its dashes.
  ///   - words: of the command so far, behind the program's name.
  func value(of option: String, in words: [String]) -> String? {
    guard let settings else { return nil }
    let having = settings.table.commands.filter { command in
      command.options.contains { $0.name == option }
    }
    let command =
      having.first { words.starts(with: $0.path) } ?? having.first { $0.name == "pull" }
      ?? having.first
    guard let command else { return nil }
    return settings.entries(of: command, registry: nil).first { $0.setting.option.name == option }?
      .value
  }

  private func parse(
    _ command: DeclaredCommand, _ entries: [SettingEntry], _ typed: [String]
  ) throws -> any ParsableCommand {
    do {
      return try CairnCommand.parseAsRoot(command.path + entries.compactMap(\.argument) + typed)
    } catch {
      for entry in entries {
        if let reason = Self.complaint(entry, of: command, besides: entries) {
          throw CommandFailure(message: reason, kind: .usage)
        }
      }
      // What does not go with what was typed is no default for it.
      let fitting = entries.filter { entry in
        let arguments = command.path + [entry.argument].compactMap { $0 } + typed
        return (try? CairnCommand.parseAsRoot(arguments)) != nil
      }
      guard fitting.count < entries.count else { throw error }
      return try CairnCommand.parseAsRoot(command.path + fitting.compactMap(\.argument) + typed)
    }
  }

  /// What is wrong with a value, whatever is typed beside it; nil: nothing.
  ///
  /// - Parameters:
  ///   - entry: the value.
  ///   - command: the command whose option it is for.
  ///   - others: what else is set.
  static func complaint(
    _ entry: SettingEntry, of command: DeclaredCommand, besides others: [SettingEntry]
  ) -> String? {
    let name = entry.setting.option.name
    let partners = Settings.partners(of: name)
    let together = others.filter { partners.contains($0.setting.option.name) }
    let arguments = [entry].compactMap(\.argument) + together.compactMap(\.argument)
    let placeholders = Array(repeating: "x", count: command.positionals)
    do {
      _ = try CairnCommand.parseAsRoot(command.path + arguments + placeholders)
      return nil
    } catch {
      let value = entry.value.shownSafely(limit: 200)
      return "\(entry.origin.words): \(entry.key) = \(value): \(CairnCommand.message(for: error))"
    }
  }
}

/// A command that asks registries.
protocol RegistryCommand: ParsableCommand {
  var registryOptions: RegistryOptions { get }
}

extension RegistryCommand {
  /// The command as it is for a registry that may have settings of its own.
  ///
  /// - Throws: `CommandFailure`: one of them is wrong.
  func own(_ registry: String) throws -> Self {
    try Invocation.current.command(for: registry) as? Self ?? self
  }
}

extension RegistryOptions {
  /// These options as they are for a registry that may have settings of its own.
  ///
  /// - Throws: `CommandFailure`: one of them is wrong.
  func own(_ registry: String) throws -> RegistryOptions {
    let command = try Invocation.current.command(for: registry) as? any RegistryCommand
    return command?.registryOptions ?? self
  }
}
