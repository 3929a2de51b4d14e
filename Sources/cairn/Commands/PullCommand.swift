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
struct PullCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Download an image into the store, and to outputs beside it.",
    discussion: """
      What stands in the store is not fetched again, and an interrupted pull goes on where it \
      stopped when the same command is run again.

      Outputs: oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE[:REF], dir:DIR; \
      FILE can be - for standard output:
        cairn pull alpine --output docker-archive:- | docker load
      """)

  @Argument(
    help: "The image, for example ubuntu:22.04, ghcr.io/o/n@sha256:…, localhost:5000/x.")
  var reference: String

  @Option(
    help: ArgumentHelp("Also write the image there; can be repeated.", valueName: "transport:…"))
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
      "The platform to pull (default: this machine's).", valueName: "os/arch[/variant]"))
  var platform: String?

  @Flag(help: "Pull every platform of a multi-platform image.")
  var allPlatforms = false

  @Option(
    help: ArgumentHelp(
      "Parallel downloads: a number, or auto to find it while pulling.", valueName: "n|auto"))
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
    help: ArgumentHelp("Write every sample and decision there, as JSON Lines.", valueName: "file"))
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
    var request = try makeRequest(try await registryOptions.reference(reference))
    let display = makeDisplay(request)
    let keeper = HistoryKeeper(file: historyOptions.file, registry: request.reference.registry) {
      display.show(.warning($0))
    }
    request.policy = chosenPolicy(keeper, most: workersThatFit(display))
    let servers = keeper.servers()
    request.blobHost = servers?.blobHost
    if let trace {
      let file = try TraceFile(path: trace)
      request.trace = { file.write($0) }
    }
    let report = ReportBox()
    request.report = { report.set($0) }
    defer { report.value.map { leave($0, keeper) } }
    do {
      let summary = try await pull(request, display, servers?.knownTokenService)
      display.show(.finished(summary))
      // An archive on standard output must be nothing but the archive.
      let isTaken = takesStandardOutput(request)
      if quiet, isTaken { LineOutput.standardError.write("\(summary.digest)\n") }
      if quiet, !isTaken { print(summary.digest) }
    } catch var failure as CommandFailure {
      display.show(
        .failed(message: failure.message, hint: failure.hint, exitCode: failure.exitCode))
      failure.isSilent = progress == .json && !quiet
      throw failure
    }
  }

  /// What a pull leaves behind, whether it went well or not.
  private func leave(_ report: PullReport, _ keeper: HistoryKeeper) {
    // At a rate that its user set, a pull shows nothing of the path: neither its rate nor its round trips.
    if limitRate == nil { keeper.record(report) }
    if explain { LineOutput.standardError.write(Explanation.text(report)) }
  }

  /// The most workers that the limit on open files leaves room for.
  private func workersThatFit(_ display: any ProgressDisplay) -> Int {
    let most = OpenFileBudget.ofProcess.workers
    let wanted = if case .fixed(let count) = workers { count } else { maxWorkers }
    if most < wanted {
      display.show(
        .warning("the limit on open files (ulimit -n) leaves room for \(most) of \(wanted) workers")
      )
    }
    return most
  }

  private func chosenPolicy(_ keeper: HistoryKeeper, most: Int) -> any Policy {
    switch workers {
    case .fixed(let count): FixedPolicy(poolSize: min(count, most))
    case .auto:
      policy.make(
        PolicyName.Context(
          cpus: Machine.effectiveCPUs, maximum: min(maxWorkers, most), prior: keeper.prior()))
    }
  }

  private func pull(
    _ request: Puller.Request, _ display: any ProgressDisplay, _ tokenService: TokenService?
  ) async throws -> ProgressEvent.Summary {
    let engine = try registryOptions.engine(rateLimit: limitRate.map { Double($0.bytes) })
    defer { engine.stop() }
    let client = try registryOptions.client(
      for: request.reference, engine: engine, tokenService: tokenService
    ) {
      display.show($0)
    }
    let store = try storeOptions.open()
    do throws(PullError) {
      return try await Puller(client: client, store: store, display: display).pull(request)
    } catch {
      throw CommandFailure(error, signal: Signals.first)
    }
  }

  private func makeRequest(_ reference: Reference) throws -> Puller.Request {
    var request = Puller.Request(
      reference: reference, platforms: try platformChoice(), policy: FixedPolicy(poolSize: 1))
    request.outputs = try output.map { text in
      do throws(StoreError) {
        return try OutputTarget(text)
      } catch {
        throw CommandFailure(error)
      }
    }
    let isTraced = trace.map { OutputFile.isStandardOutput($0) } ?? false
    guard request.outputs.count(where: \.isStandardOutput) + (isTraced ? 1 : 0) <= 1 else {
      throw ValidationError("only one output can be standard output")
    }
    request.overwrites = overwrite
    request.linksOutputs = link
    request.settings = registryOptions.schedulerSettings
    return request
  }

  private func platformChoice() throws -> ImageResolver.PlatformChoice {
    if allPlatforms { return .all }
    guard let platform else { return .one(.host, isExplicit: false) }
    return .one(try parsed { () throws(OCIError) in try Platform(platform) }, isExplicit: true)
  }

  /// Whether standard output is an archive's or the trace's, and nothing else's.
  private func takesStandardOutput(_ request: Puller.Request) -> Bool {
    request.outputs.contains(where: \.isStandardOutput)
      || trace.map { OutputFile.isStandardOutput($0) } ?? false
  }

  private func makeDisplay(_ request: Puller.Request) -> any ProgressDisplay {
    if quiet { return WarningDisplay() }
    switch progress {
    case .none: return WarningDisplay()
    case .json:
      return JSONDisplay(toStandardError: takesStandardOutput(request))
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
