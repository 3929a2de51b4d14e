import ArgumentParser
import CairnKit
import Disk
import FoundationEssentials
import Glibc
import History
import OCI
import Progress
import Pull
import Tuning

/// `cairn tune`.
struct TuneCommand: AsyncParsableCommand, RegistryCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Show, forget, measure or share what was learned about pool sizes.",
    discussion: """
      Alone, or with --report, it shows for each way to a registry the pool size that did best, how sure \
      that is, and what limits it. \
      --reset forgets; --sweep measures every pool size in turn, in random order, and goes on where it \
      was stopped when the same command is run again; it says first how many pulls and bytes that will be, and asks. --export and --import carry what one machine \
      learned to others, where it weighs less than what they learn themselves. A file, or a folder of files, that \
      the machines of a site export to is read by --history-site.
      """)

  @Flag(help: "Show what was learned, as without any option.")
  var report = false

  @Flag(help: "Forget what was learned on this machine.")
  var reset = false

  @Option(
    help: ArgumentHelp("Pull this image with every pool size.", valueName: "reference"),
    completion: .images)
  var sweep: String?

  @Option(
    help: ArgumentHelp("Write what this machine learned there.", valueName: "file"),
    completion: .file())
  var export: String?

  @Flag(help: "Keep what other machines exported to the file.")
  var merge = false

  @Option(
    name: .customLong("import"),
    help: ArgumentHelp("Take in what another machine learned.", valueName: "file"),
    completion: .file())
  var importing: String?

  @Option(
    help: ArgumentHelp("Only this registry.", valueName: "host"),
    completion: .registries)
  var registry: String?

  @Option(
    help: ArgumentHelp(
      "A machine's name in the history, or all (default: this one's).", valueName: "name"),
    completion: .machines)
  var machine: String?

  @Flag(help: "Forget everything, of every machine.")
  var all = false

  @Flag(help: "Forget, or begin a sweep, without asking.")
  var yes = false

  @Option(help: ArgumentHelp("Pool sizes of a sweep, for example 1-8,12,16.", valueName: "list"))
  var workers = SizeList(sizes: Array(1...30))

  @Option(name: .customLong("repeat"), help: ArgumentHelp("Pulls of each size.", valueName: "n"))
  var repeats = 10

  @Option(help: "How figures are shown; html is one page with everything on it.")
  var format = ReportFormat.text

  @Option(
    help: ArgumentHelp("Draw them there, as SVG.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var plot: String?

  @OptionGroup var registryOptions: RegistryOptions
  @OptionGroup var historyOptions: HistoryOptions

  func validate() throws {
    let modes = [report, reset, sweep != nil, export != nil, importing != nil]
    guard modes.count(where: { $0 }) <= 1 else {
      throw ValidationError("give one of --report, --reset, --sweep, --export, --import")
    }
    guard (1...1_000).contains(repeats) else {
      throw ValidationError("--repeat takes a number from 1 to 1000")
    }
    if all, registry != nil || machine != nil {
      throw ValidationError("--all excludes --registry and --machine")
    }
    if format == .html, reset || sweep != nil || export != nil || importing != nil {
      throw ValidationError("--format html is for the report")
    }
    if all, !reset { throw ValidationError("--all belongs to --reset") }
    if merge, export.map({ OutputFile.isStandardOutput($0) }) ?? true {
      throw ValidationError("--merge belongs to --export with a file")
    }
    if yes, !reset, sweep == nil { throw ValidationError("--yes belongs to --reset and --sweep") }
  }

  func run() async throws {
    try checkPlaces()
    try requireDifferent(keptFiles + writtenFiles)
    for file in writtenFiles { try requireWritable(file.path) }
    if reset {
      try forget()
    } else if let sweep {
      try await runSweep(sweep)
    } else if let export {
      try share(export)
    } else if let importing {
      try takeIn(importing)
    } else {
      try showReport()
    }
  }

  private var writtenFiles: [WrittenFile] {
    WrittenFile.named(by: ["--plot": plot, "--export": export])
  }

  /// The files that are read, and stay what they are.
  private var keptFiles: [WrittenFile] {
    WrittenFile.history(historyOptions) + WrittenFile.named(by: ["--import": importing])
  }

  private var selection: History.Selection {
    if all { return History.Selection() }
    let name = machine ?? MachineIdentity.here.name
    return History.Selection(machine: name == "all" ? nil : name, registry: registry)
  }

  /// Asks the history; `nothing` is the answer of one that is not there, and is not made for that.
  private func onHistory<Value>(
    _ nothing: @autoclosure () -> Value, _ body: (History) throws(HistoryError) -> Value
  ) throws -> Value {
    guard let history = try historyOptions.openForReading() else { return nothing() }
    do throws(HistoryError) {
      return try body(history)
    } catch {
      throw CommandFailure(message: error.description, kind: .disk)
    }
  }

  // MARK: Modes

  private func showReport() throws {
    let now = Date().timeIntervalSince1970
    let selection = selection
    let paths = try onHistory([]) { (history) throws(HistoryError) in
      try history.reports(selection, now: now, recent: format == .html ? Self.shownPulls : 0)
    }
    let all = paths + siteReports(besides: paths, now: now)
    let report = TuneReport(paths: all, now: now, registry: registry, machine: machine)
    print(try report.text(format), beside: plot)
    guard let plot else { return }
    guard let drawing = PathPlots.plot(report.paths) else {
      throw CommandFailure(message: "nothing was measured yet that could be drawn", kind: .notFound)
    }
    try write(drawing.svg, to: plot)
    // Where several are known only one is drawn.
    if Set(report.paths.map(\.path.registry)).count > 1 {
      LineOutput.standardError.write("drawn: \(drawing.title.linesShownSafely)\n")
    }
  }

  /// What a site's other machines know of registries that this one has not pulled from.
  private func siteReports(besides own: [History.PathReport], now: Double) -> [History.PathReport] {
    guard let place = historyOptions.historySite, machine == nil else { return [] }
    let site = SiteFiles.read(place) {
      LineOutput.standardError.write("warning: \($0.linesShownSafely)\n")
    }
    return site.reports(for: .here, besides: Set(own.map(\.path.registry)), now: now).filter {
      registry == nil || $0.path.registry == registry
    }
  }

  /// Pulls of each path that a page shows.
  private static let shownPulls = 40

  private func forget() throws {
    let selection = selection
    let paths = try onHistory([]) { (history) throws(HistoryError) in
      try history.reports(selection, now: Date().timeIntervalSince1970)
    }
    guard !paths.isEmpty else {
      print("nothing to forget")
      return
    }
    print("this forgets \(Self.paths(paths.count)):")
    for path in paths {
      let line = "  \(path.path.registry) from \(path.machine.name), \(KnownWay.pulls(path.pulls))"
      print(line.shownSafely(limit: 1_000))
    }
    if !yes {
      guard try Self.agrees("forget?", mode: "--reset") else {
        print("nothing was forgotten")
        return
      }
    }
    let count = try onHistory(0) { (history) throws(HistoryError) in try history.forget(selection) }
    print("forgot \(Self.paths(count))")
  }

  /// Asks on the terminal.
  ///
  /// - Throws: `ValidationError` where there is none.
  private static func agrees(_ question: String, mode: String) throws -> Bool {
    guard isatty(STDIN_FILENO) == 1 else {
      throw ValidationError("\(mode) asks on a terminal; without one, give --yes")
    }
    LineOutput.standardError.write("\(question) [y/N] ")
    let answer = Signals.endingAtOnce { readLine() }
    return ["y", "yes"].contains(answer?.lowercased() ?? "")
  }

  private func runSweep(_ reference: String) async throws {
    let most = OpenFileBudget.ofProcess.workers
    guard workers.sizes.allSatisfy({ $0 <= most }) else {
      throw CommandFailure(
        message: "the limit on open files (ulimit -n) leaves room for \(most) workers", kind: .disk
      )
    }
    let reference = try await registryOptions.reference(reference)
    let runner = SweepRunner(
      reference: reference, sizes: workers.sizes, repeats: repeats,
      registryOptions: try registryOptions.own(reference.registry),
      historyFile: historyOptions.file)
    let started = try runner.resume()
    let plan = try await runner.plan(started)
    LineOutput.standardError.write(plan.text + "\n")
    if !yes, plan.pulls > 0 {
      guard try Self.agrees("begin?", mode: "--sweep") else {
        print("nothing was pulled")
        return
      }
    }
    let report = SweepReport(sweep: try await runner.run(started), cpus: Machine.effectiveCPUs)
    print(try report.text(TableFormat(rawValue: format.rawValue) ?? .text), beside: plot)
    if let plot { try write(report.plot.svg, to: plot) }
  }

  private func share(_ file: String) throws {
    let now = Date().timeIntervalSince1970
    var export = try onHistory(HistoryExport(ofNothing: .here, at: now)) {
      (history) throws(HistoryError) in
      try history.export(.here, registry: registry, now: now)
    }
    if let registry, export.paths.isEmpty {
      throw CommandFailure(
        message: "nothing was learned of \(registry.shownSafely(limit: 300)) yet", kind: .notFound)
    }
    export.source = MachineIdentity.here.exportSource
    let count = export.paths.count
    if merge {
      try export.add(to: file)
    } else {
      try write(try export.text, to: file)
    }
    LineOutput.standardError.write(
      "wrote \(Self.paths(count)) to \(shownName(file, "output"))\n")
  }

  private func takeIn(_ file: String) throws {
    let data = Data(try readInput(file, what: "file", limit: History.importBytes))
    let history = try historyOptions.open()
    let count: Int
    do throws(HistoryError) {
      count = try history.importing(
        data, as: .here, network: Machine.networks(), now: Date().timeIntervalSince1970)
    } catch {
      throw CommandFailure(
        message: "\(shownName(file, "input")): \(error)",
        kind: error.kind == .notAnExport ? .integrity : .disk)
    }
    print("took in \(Self.paths(count)); what this machine learns itself weighs more")
  }

  private static func paths(_ count: Int) -> String { count == 1 ? "one path" : "\(count) paths" }
}

extension ReportFormat: ExpressibleByArgument {}
