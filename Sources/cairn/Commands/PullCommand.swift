import ArgumentParser
import Disk
import Downloads
import FoundationEssentials
import Glibc
import OCI
import Progress
import Pull
import Registry
import Scheduling
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

      Outputs: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE[:REF], dir:DIR; \
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
      "The platform to pull (default: this machine's).", valueName: "os/arch[/variant]"),
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
  var maxWorkers = 64

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
    guard (1...1024).contains(maxWorkers) else {
      throw ValidationError("--max-workers takes a number from 1 to 1024")
    }
    if case .fixed(let count) = workers, count > 1024 {
      throw ValidationError("--workers takes a number from 1 to 1024, or auto")
    }
    if let limitRate, limitRate.bytes < 1 {
      throw ValidationError("--limit-rate must be at least 1 byte a second")
    }
  }

  func run() async throws {
    let names = try ImageList(references, files: from).names
    var images: [Reference] = []
    for name in names {
      let image = try await registryOptions.reference(name)
      if !images.contains(image) { images.append(image) }
    }
    let requests = try makeRequests(images)
    let display = makeDisplay()
    let registries = Set(images.map(\.registry))
    guard trace == nil || registries.count == 1 else {
      throw ValidationError("--trace takes images of one registry")
    }
    var own: [String: PullCommand] = [:]
    for registry in registries { own[registry] = try self.own(registry) }
    let file = try trace.map { try TraceFile(path: $0) }
    var keepers: [String: HistoryKeeper] = [:]
    var plans: [String: PathPlanner] = [:]
    for registry in registries {
      let keeper = HistoryKeeper(file: historyOptions.file, registry: registry) {
        display.show(.warning($0))
      }
      keepers[registry] = keeper
      let command = own[registry] ?? self
      let most = command.workersThatFit(display, registries.count)
      plans[registry] = command.planner(keeper, most: most, file)
    }
    let servers = keepers.mapValues { $0.servers() }
    let options = own.mapValues(\.registryOptions)
    let session = PullSession(
      engines: try Engines(options, rateLimit: limitRate.map { Double($0.bytes) }),
      options: options, patience: registryOptions.patience.forOthers,
      servers: servers.compactMapValues { $0 }, display: display)
    defer { session.engines.stop() }
    do {
      let (outcomes, reports) = try await session.pull(requests, into: storeOptions, plans: plans)
      for report in reports { leave(report, keepers[report.registry], isOne: reports.count == 1) }
      try tell(outcomes)
    } catch var failure as CommandFailure {
      if !failure.isTold {
        display.show(
          .failed(message: failure.message, hint: failure.hint, exitCode: failure.exitCode))
      }
      failure.isSilent = progress == .json && !quiet
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
    guard var failure = PullSession.failure(of: outcomes) else { return }
    failure.isTold = true
    throw failure
  }

  /// What downloads leave behind, whether they went well or not.
  private func leave(_ report: PullReport, _ keeper: HistoryKeeper?, isOne: Bool) {
    // At a rate that its user set, a pull shows nothing of the path: neither its rate nor its round trips.
    if limitRate == nil { keeper?.record(report) }
    guard explain else { return }
    let title = isOne ? "" : "\(report.registry), "
    LineOutput.standardError.write(title + Explanation.text(report))
  }

  /// The most workers that the limit on open files leaves room for.
  private func workersThatFit(_ display: any ProgressDisplay, _ registries: Int) -> Int {
    let most = max(1, OpenFileBudget.ofProcess.workers / max(1, registries))
    let wanted = if case .fixed(let count) = workers { count } else { maxWorkers }
    if most < wanted {
      display.show(
        .warning("the limit on open files (ulimit -n) leaves room for \(most) of \(wanted) workers")
      )
    }
    return most
  }

  private func planner(_ keeper: HistoryKeeper, most: Int, _ file: TraceFile?) -> PathPlanner {
    let policy = policy
    let choice: PathPlanner.Choice
    switch workers {
    case .fixed(let count): choice = .fixed(FixedPolicy(poolSize: min(count, most)))
    case .auto:
      choice = .chosen(
        policy,
        PolicyName.Context(
          cpus: Machine.effectiveCPUs, maximum: min(maxWorkers, most), prior: keeper.prior()))
    }
    return PathPlanner(
      choice: choice, settings: registryOptions.schedulerSettings, trace: file)
  }

  private func makeRequests(_ images: [Reference]) throws -> [Puller.Request] {
    let outputs = try output.map { text in
      do throws(StoreError) {
        return try OutputTarget(text)
      } catch {
        throw CommandFailure(error)
      }
    }
    let isTraced = trace.map { OutputFile.isStandardOutput($0) } ?? false
    guard outputs.count(where: \.isStandardOutput) + (isTraced ? 1 : 0) <= 1 else {
      throw ValidationError("only one output can be standard output")
    }
    guard outputs.isEmpty || images.count == 1 else {
      throw ValidationError("--output takes one image")
    }
    let platforms = try platformChoice()
    return images.map { reference in
      // How its path is run says the run.
      var request = Puller.Request(
        reference: reference, platforms: platforms, policy: FixedPolicy(poolSize: 1))
      request.outputs = outputs
      request.overwrites = overwrite
      request.linksOutputs = link
      return request
    }
  }

  private func platformChoice() throws -> ImageResolver.PlatformChoice {
    if allPlatforms { return .all }
    guard let platform else { return .one(.host, isExplicit: false) }
    return .one(try parsed { () throws(OCIError) in try Platform(platform) }, isExplicit: true)
  }

  /// Whether standard output is an archive's or the trace's, and nothing else's.
  private var takesStandardOutput: Bool {
    output.contains { (try? OutputTarget($0))?.isStandardOutput ?? false }
      || trace.map { OutputFile.isStandardOutput($0) } ?? false
  }

  private func makeDisplay() -> any ProgressDisplay {
    if quiet { return WarningDisplay() }
    switch progress {
    case .none: return WarningDisplay()
    case .json:
      return JSONDisplay(toStandardError: takesStandardOutput, traceID: .ofProcess)
    case .plain: return PlainDisplay()
    case .bar: return BarDisplay()
    case .auto:
      let isDumb = ProcessInfo.processInfo.environment["TERM"].map { $0 == "dumb" } ?? true
      return isatty(STDERR_FILENO) == 1 && !isDumb ? BarDisplay() : PlainDisplay()
    }
  }
}

/// Runs a parser of user input; its error is a usage error.
func parsed<Value>(_ body: () throws(OCIError) -> Value) throws -> Value {
  do throws(OCIError) {
    return try body()
  } catch {
    throw CommandFailure(message: error.description, exitCode: 64)
  }
}
