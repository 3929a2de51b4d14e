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
    let report = SettingReport(settings)
    print(format == .json ? try report.json() : report.text)
    // Whoever looks for what is wrong wants to see all of it.
    let complaints = Self.complaints(settings)
    guard complaints.isEmpty else {
      throw CommandFailure(message: complaints.joined(separator: "\n"), kind: .usage)
    }
  }

  /// What is wrong with values, each once.
  private static func complaints(_ settings: Settings) -> [String] {
    var seen: Set<String> = []
    return settings.entries.flatMap { entry in
      settings.table.commands.filter { entry.setting.commands.contains($0.name) }.compactMap {
        let others = settings.entries(of: $0, registry: entry.registry)
        return Invocation.complaint(entry, of: $0, besides: others)
      }
    }.filter { seen.insert($0).inserted }
  }
}
