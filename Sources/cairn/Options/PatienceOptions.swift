import ArgumentParser
import CairnKit
import Logging

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
    guard RegistryAccess.timeouts.contains(connectTimeout),
      RegistryAccess.timeouts.contains(stallTimeout)
    else {
      throw ValidationError("timeouts are more than 0 seconds and at most a day")
    }
    guard RegistryAccess.retryRange.contains(retries) else {
      throw ValidationError("--retries takes a number from 0 to 1000")
    }
  }

  /// Adds what the options say.
  func add(to access: inout RegistryAccess) {
    access.connectTimeout = connectTimeout
    access.stallTimeout = stallTimeout
    access.minimumRate = minRate.bytes
    access.retries = retries
    access.hedges = !noHedge
    let logger = logger
    access.leastSeverity = .init(rawValue: logLevel.rawValue) ?? .warning
    access.log = { severity, text in
      logger.log(level: .init(rawValue: severity.rawValue) ?? .warning, "\(text)")
    }
  }

  /// A logger on standard error.
  var logger: Logger {
    var logger = Logger(label: "cairn") { _ in LineLog() }
    logger.logLevel = Logger.Level(rawValue: logLevel.rawValue) ?? .warning
    return logger
  }
}
