import ArgumentParser
import CurlTransfer
import FoundationEssentials
import Logging
import Pull
import Registry
import Scheduling
import Transfer

/// How long servers are waited for, and what is logged of them.
struct PatienceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Seconds to connect.", valueName: "s"))
  var connectTimeout = 15.0

  @Option(
    help: ArgumentHelp(
      "Seconds below --min-rate after which a request is made again.", valueName: "s"))
  var stallTimeout = 30.0

  @Option(
    help: ArgumentHelp("Bytes a second that count as progress of a request.", valueName: "bytes"))
  var minRate = ByteSize(bytes: 512)

  @Option(help: ArgumentHelp("Retries without progress before giving up.", valueName: "n"))
  var retries = 8

  @Flag(help: "Do not ask the next server, too, when a mirror is late.")
  var noHedge = false

  @Option(
    help: ArgumentHelp(
      "Least severe kind of message that is logged on standard error.", valueName: "level"))
  var logLevel = LogLevel.warning

  func validate() throws {
    let day = 86_400.0
    guard (0.001...day).contains(connectTimeout), (0.001...day).contains(stallTimeout) else {
      throw ValidationError("timeouts are more than 0 seconds and at most a day")
    }
    guard (0...1000).contains(retries) else {
      throw ValidationError("--retries takes a number from 0 to 1000")
    }
  }

  /// How servers are reached, as these options and the environment say.
  ///
  /// - Parameter trust: which authorities are trusted.
  func transferSettings(_ trust: TrustOptions) -> TransferSettings {
    var settings = TransferSettings()
    settings.connectTimeout = connectTimeout
    settings.stallTimeout = stallTimeout
    settings.minimumRate = Double(minRate.bytes)
    settings.maximumConnections = OpenFileBudget.ofProcess.connections
    settings.userAgent = "cairn/\(Cairn.version)"
    settings.read(environment: ProcessInfo.processInfo.environment)
    trust.add(to: &settings.trust)
    return settings
  }

  /// An engine with these settings.
  func engine(_ settings: TransferSettings) throws -> CurlEngine {
    for words in settings.trust.unreadable { logger.warning("\(words)") }
    do {
      return try CurlEngine(settings: settings)
    } catch {
      throw CommandFailure(message: "\(error)", exitCode: 70)
    }
  }

  /// How requests for small things are made again.
  var retryRule: RepositoryClient.RetryRule {
    var rule = RepositoryClient.RetryRule()
    rule.retries = retries
    rule.silenceLimit = stallTimeout
    rule.hedges = !noHedge
    return rule
  }

  /// What bounds the choices of a scheduler.
  var schedulerSettings: SchedulerSettings {
    var settings = SchedulerSettings()
    settings.retries = retries
    settings.minimumRate = Double(minRate.bytes)
    return settings
  }

  /// How long another process is waited for that fetches the same blob.
  var forOthers: (seconds: Double, rate: Double) { (stallTimeout, Double(minRate.bytes)) }

  /// The engine; with `--log-level debug` every request and answer becomes a line of the log.
  func observed(_ engine: CurlEngine) -> any TransferEngine {
    let logger = logger
    guard logger.logLevel <= .debug else { return engine }
    return ObservedEngine(engine) { logger.debug("\($0)") }
  }

  /// A logger on standard error.
  var logger: Logger {
    var logger = Logger(label: "cairn") { _ in LineLog() }
    logger.logLevel = Logger.Level(rawValue: logLevel.rawValue) ?? .warning
    return logger
  }
}
