package import CurlTransfer
package import OCI
package import Progress
import Pull
package import Registry
package import Scheduling
package import Transfer

/// From options to what speaks with a registry.
extension RegistryAccess {
  /// How servers are reached, as these options and the environment say.
  package var transferSettings: TransferSettings {
    var settings = TransferSettings()
    settings.connectTimeout = connectTimeout
    settings.stallTimeout = stallTimeout
    settings.minimumRate = Double(minimumRate)
    settings.maximumConnections = OpenFileBudget.ofProcess.connections
    settings.verifiesTLS = verifiesTLS
    settings.userAgent = userAgent
    settings.read(environment: environment)
    switch authorities {
    case .standard: break
    case .also(let file): settings.trust.extraFiles.append(file)
    case .only(let file): settings.trust.onlyFile = file
    }
    return settings
  }

  /// An engine with these options; whoever has it stops it.
  ///
  /// - Parameters:
  ///   - rateLimit: bytes a second for all of its transfers together; nil: no limit.
  ///   - count: engines that share this process's open files.
  package func engine(rateLimit: Double? = nil, of count: Int = 1) throws(CairnError) -> CurlEngine
  {
    var settings = transferSettings
    settings.rateLimit = rateLimit
    settings.maximumConnections = settings.maximumConnections.map { max(1, $0 / max(1, count)) }
    do throws(TransferError) { try settings.trust.check() } catch {
      throw .usage(error.message)
    }
    for words in settings.trust.unreadable { note(.warning, words) }
    do {
      return try CurlEngine(settings: settings)
    } catch {
      throw .internalFailure("\(error)")
    }
  }

  /// A client of a reference's repository.
  ///
  /// - Parameters:
  ///   - reference: the image.
  ///   - engine: performs the requests.
  ///   - tokenService: the one that the registry named the last time.
  ///   - logins: the run's, where others of it ask the same registry; nil: its own.
  ///   - show: told of credential helpers that fail, waits, mirrors that are given up and the like.
  package func client(
    for reference: Reference, engine: CurlEngine, tokenService: TokenService? = nil,
    logins: SharedLogins? = nil, show: @escaping @Sendable (ProgressEvent) -> Void
  ) throws(CairnError) -> RepositoryClient {
    let plan = try plan(for: reference)
    for warning in plan.warnings { show(.warning(warning)) }
    return RepositoryClient(
      reference: reference, endpoints: plan.endpoints, engine: observed(engine),
      credentials: credentials(for: reference) { show(.warning($0)) },
      tokenService: tokenService, logins: logins, retryRule: retryRule, tell: told(show))
  }

  /// Who is asked for an image, in order.
  package func plan(for reference: Reference) throws(CairnError) -> EndpointPlan {
    do {
      return try finder.plan(for: reference)
    } catch let refused as EndpointPlan.Refused {
      throw CairnError(kind: .unauthorised, message: refused.message)
    } catch {
      throw .usage("\(error)")
    }
  }

  /// Where credentials for an image come from.
  ///
  /// - Parameters:
  ///   - reference: the image.
  ///   - warn: told of files and helpers that cannot be used.
  package func credentials(
    for reference: Reference, warn: @escaping @Sendable (String) -> Void
  ) -> CredentialChain {
    var chain = CredentialChain(
      explicit: login?.credential,
      files: CredentialFile.standard(authFile: authFile, environment: environment), warn: warn)
    chain.explicitRegistry = reference.registry
    chain.takeInline(authFile: authFile, environment: environment)
    return chain
  }

  /// How requests for small things are made again.
  package var retryRule: RepositoryClient.RetryRule {
    var rule = RepositoryClient.RetryRule()
    rule.retries = retries
    rule.silenceLimit = stallTimeout
    rule.hedges = hedges
    return rule
  }

  /// Finds who is asked, as these options and the environment say.
  package var finder: EndpointFinder {
    var finder = EndpointFinder(environment: environment)
    finder.hostsFolder = hostsFolder
    finder.registriesFile = registriesFile
    finder.plainHTTP = plainHTTP
    finder.clientCertificate = certificate.map { .init(certificate: $0, key: key) }
    return finder
  }

  /// What bounds the choices of a pull's scheduler.
  package var schedulerSettings: SchedulerSettings {
    var settings = SchedulerSettings()
    settings.retries = retries
    settings.minimumRate = Double(minimumRate)
    return settings
  }

  /// How long another process is waited for that fetches the same blob.
  package var patience: (seconds: Double, rate: Double) { (stallTimeout, Double(minimumRate)) }

  /// Notices of the registry's client, on a display and in the log.
  private func told(_ show: @escaping @Sendable (ProgressEvent) -> Void)
    -> @Sendable (RegistryNotice) -> Void
  {
    { notice in
      switch notice {
      case .waiting(let seconds, let reason):
        note(.info, "\(reason); asking again in \((seconds * 10).rounded() / 10) s")
        if seconds > 1 { show(.waiting(seconds: seconds, reason: reason)) }
      case .late(let server, let reason): show(.late(server, reason: reason))
      case .mirrorGivenUp(let mirror, let reason):
        show(.mirrorGivenUp(mirror, reason: reason))
      case .warning(let text): show(.warning(text))
      case .detail(let text): note(.info, text)
      }
    }
  }

  /// The engine; where the log takes them, every request and answer becomes a line of it.
  package func observed(_ engine: CurlEngine) -> any TransferEngine {
    guard log != nil, leastSeverity <= .debug else { return engine }
    return ObservedEngine(engine) { note(.debug, $0) }
  }
}
