import ArgumentParser
import CairnKit
import Disk
import History
import Downloads
import FoundationEssentials
import Glibc
import OCI
import Progress
import Pull
import Rivals
import Store
import Tuning

/// `cairn pull`.
struct PullCommand: AsyncParsableCommand, RegistryCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Download an image into the store, and to outputs beside it.",
    discussion: """
      What stands in the store is not fetched again, and an interrupted pull goes on where it \
      stopped when the same command is run again. Several images are one run: what they share is \
      fetched once, and the parallel downloads from a registry serve all of them.

      Outputs: \(OutputTarget.forms.joined(separator: ", ")); \
      FILE can be - for standard output:
        cairn pull alpine --output docker-archive:- | docker load
      """)

  @Argument(
    help: "Images, for example ubuntu:22.04, ghcr.io/o/n@sha256:…, localhost:5000/x.",
    completion: .images)
  var references: [String] = []

  @Option(
    help: ArgumentHelp(
      "Also pull the images that the file names, one a line; # begins a comment.",
      valueName: "file"), completion: .file())
  var from: [String] = []

  @Option(
    help: ArgumentHelp("Also write the image there; can be repeated.", valueName: "transport:…"),
    completion: .outputs)
  var output: [String] = []

  @Flag(help: "Replace outputs that exist.")
  var overwrite = false

  @Flag(
    help:
      "Let large files of oci: and dir: outputs be hard links to the store's, where they cannot share blocks."
  )
  var link = false

  @Option(
    help: ArgumentHelp(
      "The platform to pull (default: this machine's). An image that has but one is pulled "
        + "whatever that is, with a warning.", valueName: "os/arch[/variant]"),
    completion: .platforms)
  var platform: String?

  @Flag(help: "Pull every platform of a multi-platform image.")
  var allPlatforms = false

  @Option(
    help: ArgumentHelp(
      "Parallel downloads: a number, or auto to find it while pulling.", valueName: "n|auto"),
    completion: .list(["auto"]))
  var workers = WorkerChoice.auto

  @Option(help: ArgumentHelp("Most parallel downloads that auto may choose.", valueName: "n"))
  var maxWorkers = PullLimits().workers

  @Option(
    help: ArgumentHelp(
      "How auto finds it; all but climb are there for comparison.",
      valueName: "name"))
  var policy = PolicyName.climb

  @Flag(help: "Print every decision about the pool size, and why, at the end.")
  var explain = false

  @Option(
    help: ArgumentHelp("Write every sample and decision there, as JSON Lines.", valueName: "file"),
    completion: .file())
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "Write what was measured there, as OpenMetrics text; also where the pull fails.",
      valueName: "file"), completion: .file())
  var metrics: String?

  @Option(
    help: ArgumentHelp("Bytes a second for the whole pull, for example 10M.", valueName: "rate"))
  var limitRate: ByteSize?

  @Option(help: "How progress is shown.")
  var progress = ProgressStyle.auto

  @Flag(
    name: .shortAndLong,
    help: "Print nothing but the digest of what the name means: of the index, where it is one.")
  var quiet = false

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var registryOptions: RegistryOptions
  @OptionGroup var historyOptions: HistoryOptions

  func validate() throws {
    if references.isEmpty, from.isEmpty {
      throw ValidationError("Missing expected argument '<references> ...', or --from")
    }
    if allPlatforms, platform != nil {
      throw ValidationError("--platform and --all-platforms exclude each other")
    }
    if case .fixed = workers, policy != .climb {
      throw ValidationError("--policy needs --workers auto")
    }
    if quiet, ![.auto, .none].contains(progress) {
      throw ValidationError("--quiet and --progress \(progress.rawValue) exclude each other")
    }
    try PoolBounds.check(workers: workers, maxWorkers: maxWorkers, limitRate: limitRate)
  }

  func run() async throws {
    // Figures are written of a pull that fails, too.
    try requireOutside(storeOptions.path, notes)
    try requireDifferent(keptFiles + notes)
    try requireWritable(metrics)
    let ledger = PullLedger(makeDisplay())
    do {
      try await pull(ledger)
    } catch {
      ledger.note(
        error as? CommandFailure
          ?? CommandFailure(
            message: CairnCommand.message(for: error),
            kind: error is ValidationError ? .usage : .internalFailure))
      await leave(ledger)
      throw error
    }
    await leave(ledger)
  }

  /// Pulls.
  private func pull(_ display: PullLedger) async throws {
    let names = try ImageList(references, files: from).names
    let files = notes.count { OutputFile.isStandardOutput($0.path) }
    guard standardOutputs + files <= 1 else {
      throw ValidationError("only one output can be standard output")
    }
    var session = PullSession(try options(), display: display) { outcome in
      switch outcome.result {
      case .success(let summary): display.show(.finished(summary))
      case .failure(let error):
        CommandFailure(error, signal: Signals.first).show(
          on: display, of: outcome.reference.description, isOneOfSeveral: outcome.isOneOfSeveral)
      }
    }
    let images = try await orFailure { [session] () async throws(CairnError) in
      try await session.images(named: names)
    }
    guard output.isEmpty || images.count == 1 else {
      throw CommandFailure(
        message: "--output takes one image",
        hint: "run a command for each; one oci:DIR takes several, each by its own oci:DIR:TAG",
        kind: .usage)
    }
    let requests = try orFailure { () throws(CairnError) in try session.requests(for: images) }
    display.begin(Set(images.map(\.registry)))
    if let trace {
      guard Set(images.map(\.registry)).count == 1 else {
        throw ValidationError("--trace takes images of one registry")
      }
      let file = try TraceFile(path: trace)
      session.options.trace = { file.write($0) }
    }
    do {
      let start = ContinuousClock.now
      let (outcomes, reports) = try await pull(requests, in: session, display)
      if images.count > 1 {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        display.show(.total(.init(outcomes, reports, seconds: seconds)))
      }
      if explain { say(reports) }
      for report in reports { display.note(report) }
      for outcome in outcomes { display.note(outcome) }
      try tell(outcomes)
    } catch var failure as CommandFailure {
      failure.isSilent = progress == .json && !quiet
      throw failure
    }
  }

  private func pull(
    _ requests: [Puller.Request], in session: PullSession, _ display: any ProgressDisplay
  ) async throws -> (outcomes: [PullSession.Outcome], reports: [PullReport]) {
    do {
      return try await orFailure { () async throws(CairnError) in
        try await session.pull(requests, into: storeOptions.place)
      }
    } catch let failure as CommandFailure {
      failure.show(on: display)
      throw failure
    }
  }

  /// Says of each image what became of it.
  private func tell(_ outcomes: [PullSession.Outcome]) throws {
    for outcome in outcomes where quiet {
      guard case .success(let summary) = outcome.result else { continue }
      let line =
        outcomes.count == 1 ? "\(summary.digest)" : "\(summary.digest) \(summary.reference)"
      // An archive on standard output must be nothing but the archive.
      if takesStandardOutput { LineOutput.standardError.write(line + "\n") } else { print(line) }
    }
    let failures = outcomes.compactMap { outcome -> CommandFailure? in
      guard case .failure(let error) = outcome.result else { return nil }
      return CommandFailure(error, signal: Signals.first)
    }
    if let failure = CommandFailure(failures, of: outcomes.count) { throw failure }
  }

  /// Says what was decided over each path, and why.
  private func say(_ reports: [PullReport]) {
    for report in reports {
      let title = reports.count == 1 ? "" : "\(report.registry), "
      LineOutput.standardError.write(title + Explanation.text(report))
    }
  }

  /// What the options say of pulls.
  private func options() throws -> PullOptions {
    var options = PullOptions()
    if allPlatforms {
      options.platforms = .all
    } else if let platform {
      options.platforms = .one(platform)
    }
    options.bytesPerSecond = limitRate.map { Double($0.bytes) }
    options.history = .file(historyOptions.file)
    options.historySite = historyOptions.historySite
    options.outputs = output
    options.overwritesOutputs = overwrite
    options.linksOutputs = link
    let login = try registryOptions.login()
    add(to: &options, login)
    options.ofRegistry = { [options] registry throws(CairnError) in
      var options = options
      try asLibraryError { try own(registry) }.add(to: &options, login)
      return options
    }
    return options
  }

  /// Adds what may be different for each registry.
  private func add(to options: inout PullOptions, _ login: RegistryLogin?) {
    options.registry = registryOptions.accessWithoutLogin
    options.registry.login = login
    switch workers {
    case .auto: options.workers = .automatic(most: maxWorkers)
    case .fixed(let count): options.workers = .fixed(count)
    }
    options.policy = { [policy] in
      policy.make(.init(cpus: Machine.effectiveCPUs, maximum: $0, prior: $1))
    }
  }

  /// What is written about a pull.
  private var notes: [WrittenFile] {
    WrittenFile.named(by: ["--trace": trace, "--metrics": metrics])
  }

  /// The files that are to be there afterwards.
  private var keptFiles: [WrittenFile] {
    let archives = output.compactMap { try? OutputTarget($0) }.filter(\.transport.isFile)
    return WrittenFile.history(historyOptions)
      + archives.map { WrittenFile(option: "--output", path: $0.path) }
  }

  /// Outputs that go to standard output.
  private var standardOutputs: Int {
    output.count { (try? OutputTarget($0))?.isStandardOutput ?? false }
  }
}

/// Runs a parser of user input; its error is a usage error.
func parsed<Value>(_ body: () throws(OCIError) -> Value) throws -> Value {
  do throws(OCIError) {
    return try body()
  } catch {
    throw CommandFailure(message: error.description, kind: .usage)
  }
}
