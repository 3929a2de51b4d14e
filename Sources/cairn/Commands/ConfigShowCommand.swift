import ArgumentParser
import FoundationEssentials
import OCI
import Progress

/// `cairn config show`.
struct ConfigShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print every setting, its value and where that is from.")

  @Option(help: "Form of the output.")
  var format = OutputFormat.text

  func run() throws {
    let settings = try Invocation.current.settings ?? Settings(SettingTable.ofProcess(), [])
    for entry in settings.entries {
      for command in settings.table.commands where entry.setting.commands.contains(command.name) {
        let others = settings.entries(of: command, registry: entry.registry)
        if let reason = Invocation.complaint(entry, of: command, besides: others) {
          throw CommandFailure(message: reason, exitCode: 64)
        }
      }
    }
    let report = SettingReport(settings)
    print(format == .json ? try report.json() : report.text)
  }
}
