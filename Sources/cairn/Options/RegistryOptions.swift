import ArgumentParser
import CurlTransfer
import Disk
import FoundationEssentials
import Logging
import OCI
import Progress
import Pull
import Registry
import Scheduling
import Transfer

/// How registries are reached; shared by every command that does.
struct RegistryOptions: ParsableArguments {
  @Flag(help: "Speak plain HTTP with the registry, no TLS.")
  var plainHttp = false

  @Option(
    help: ArgumentHelp("Whether certificates are checked.", valueName: "true|false"),
    completion: .list(["true", "false"]))
  var tlsVerify = true

  @OptionGroup var trust: TrustOptions

  @Option(
    help: ArgumentHelp(
      "Credentials; without a password it is asked for on the terminal.",
      valueName: "user[:password]"))
  var creds: String?

  @Option(
    help: ArgumentHelp("Read credentials from this file only.", valueName: "file"),
    completion: .file())
  var authfile: String?

  @OptionGroup var mirrors: MirrorOptions

  @OptionGroup var patience: PatienceOptions

  func validate() throws {
    if let authfile, let reason = InputFile.complaint(authfile) {
      throw ValidationError("--authfile \(authfile) cannot be read: \(reason)")
    }
  }

  /// How servers are reached, as these options and the environment say.
  var transferSettings: TransferSettings {
    var settings = patience.transferSettings(trust)
    settings.verifiesTLS = tlsVerify
    return settings
  }

  /// An engine with these options.
  ///
  /// - Parameters:
  ///   - rateLimit: bytes a second.
  ///   - count: engines that share this process's open files.
  func engine(rateLimit: Double? = nil, of count: Int = 1) throws -> CurlEngine {
    var settings = transferSettings
    settings.rateLimit = rateLimit
    settings.maximumConnections = settings.maximumConnections.map { max(1, $0 / max(1, count)) }
    return try patience.engine(settings)
  }

  /// A client of a reference's repository.
  ///
  /// - Parameters:
  ///   - tokenService: the one that the registry named the last time.
  ///   - show: told of credential helpers that fail, waits, mirrors that are given up and the like.
  func client(
    for reference: Reference, engine: CurlEngine, tokenService: TokenService? = nil,
    show: @escaping @Sendable (ProgressEvent) -> Void
  ) throws -> RepositoryClient {
    let warn: @Sendable (String) -> Void = { show(.warning($0)) }
    let plan = try plan(for: reference)
    for warning in plan.warnings { warn(warning) }
    let endpoints = plan.endpoints
    let chain = credentials(
      for: reference, explicit: try creds.map { try explicitCredential($0) }, warn: warn)
    return RepositoryClient(
      reference: reference, endpoints: endpoints, engine: patience.observed(engine),
      credentials: chain,
      tokenService: tokenService, retryRule: patience.retryRule, tell: told(show))
  }

  /// Who is asked for an image, in order.
  func plan(for reference: Reference) throws -> EndpointPlan {
    do {
      return try mirrors.finder(plainHTTP: plainHttp).plan(for: reference)
    } catch let refused as EndpointPlan.Refused {
      throw CommandFailure(message: refused.message, exitCode: 77)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// Where credentials for an image come from.
  ///
  /// - Parameters:
  ///   - reference: the image.
  ///   - explicit: what `--creds` says.
  ///   - warn: told of files and helpers that cannot be used.
  func credentials(
    for reference: Reference, explicit: Credential?, warn: @escaping @Sendable (String) -> Void
  ) -> CredentialChain {
    let environment = ProcessInfo.processInfo.environment
    var chain = CredentialChain(
      explicit: explicit,
      files: CredentialChain.standardFiles(authFile: authfile, environment: environment),
      requiredFiles: Set(
        [CredentialChain.namedFile(authFile: authfile, environment: environment)].compactMap { $0 }
      ), warn: warn)
    chain.explicitRegistry = reference.registry
    chain.inline = CredentialChain.inlineFile(authFile: authfile, environment: environment)
    return chain
  }

  /// Notices of the registry's client, on a display and in the log.
  private func told(_ show: @escaping @Sendable (ProgressEvent) -> Void)
    -> @Sendable (RegistryNotice) -> Void
  {
    let logger = logger
    return { notice in
      switch notice {
      case .waiting(let seconds, let reason):
        logger.info("\(reason); asking again in \((seconds * 10).rounded() / 10) s")
        if seconds > 1 { show(.waiting(seconds: seconds, reason: reason)) }
      case .late(let server, let reason): show(.late(server, reason: reason))
      case .mirrorGivenUp(let mirror, let reason):
        show(.mirrorGivenUp(mirror, reason: reason))
      case .detail(let text): logger.info("\(text)")
      }
    }
  }

  /// What bounds the choices of a pull's scheduler.
  var schedulerSettings: SchedulerSettings { patience.schedulerSettings }

  /// A logger on standard error.
  var logger: Logger { patience.logger }

  private func explicitCredential(_ text: String) throws -> Credential {
    if let credential = Credential(userAndPassword: text) { return credential }
    guard !text.isEmpty, !text.hasPrefix(":") else {
      throw ValidationError("--creds takes USER or USER:PASSWORD")
    }
    guard let password = TerminalPrompt.password("Password for \(text): ") else {
      throw ValidationError("--creds without a password needs a terminal to ask for it")
    }
    return .basic(user: text, password: password)
  }
}
