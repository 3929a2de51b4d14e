import Downloads
import FoundationEssentials
import Pull
import Registry
import Serve
import Store
import Transfer
import Tuning

/// What the service is made of.
extension ServeCommand {
  /// Opens the store, in the cache's folder where none is named.
  func openStore(_ warn: @escaping @Sendable (String) -> Void) throws -> ContentStore {
    let environment = ProcessInfo.processInfo.environment
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let root =
      store ?? (variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "/var") + "/.cache")
      + "/cairn/serve"
    do throws(StoreError) {
      return try ContentStore(root: URL(filePath: root).path, tell: warn)
    } catch {
      throw CommandFailure(error)
    }
  }

  func makePaths(_ warn: @escaping @Sendable (String) -> Void) -> ServePaths {
    let most = min(maxWorkers, OpenFileBudget.ofProcess.workers)
    let settings = patience.schedulerSettings
    return ServePaths(
      file: historyOptions.file, isLimited: limitRate != nil, warn: warn
    ) { prior in
      PathPlanner(
        choice: .chosen(
          .climb,
          PolicyName.Context(cpus: Machine.effectiveCPUs, maximum: most, prior: prior)),
        settings: settings, trace: nil)
    }
  }

  func makeDownloads(_ store: ContentStore, _ paths: ServePaths) -> Downloads {
    var limits = Downloads.Limits(
      openBlobs: OpenFileBudget.ofProcess.blobs, hashing: min(4, Machine.effectiveCPUs))
    limits.stallTimeout = patience.stallTimeout
    limits.minimumRate = Double(patience.minRate.bytes)
    return Downloads(
      store: store, limits: limits, plan: { paths.plan($0, $1) },
      ended: { paths.record($0) })
  }

  func makeDoorkeeper(
    engine: any TransferEngine, _ paths: ServePaths, _ warn: @escaping @Sendable (String) -> Void
  ) -> AnonymousDoorkeeper {
    let environment = ProcessInfo.processInfo.environment
    let hostsFolder = hostsDir
    let clients = ServeClients(
      registries: ServedRegistries(registry) ?? ServedRegistries(), engine: engine,
      retryRule: patience.retryRule, plainHTTP: Set(plainHttp),
      finder: { plainHTTP in
        var finder = EndpointFinder(environment: environment)
        finder.hostsFolder = hostsFolder
        finder.plainHTTP = plainHTTP
        return finder
      }, tokenService: { paths.servers($0)?.knownTokenService }, warn: warn)
    return AnonymousDoorkeeper { (reference) throws(AnonymousDoorkeeper.Refusal) in
      try clients.client(reference)
    }
  }
}
