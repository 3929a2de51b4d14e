import ArgumentParser
import CairnKit
import Downloads
import FoundationEssentials
import Progress
import Pull
import Registry
import Serve
import Store
import Tuning

/// `cairn serve`.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Let docker, containerd, podman and Kubernetes pull through the tuner.",
    discussion: """
      A local read-through endpoint: clients ask it in place of a registry, and get what the registry \
      gives, by parallel ranges, with resume, history and mirrors.

      A client names the registry by ?ns=HOST (containerd, docker 29, buildkit) or as the first part \
      of the path (podman, CRI-O, skopeo; HOST:5000 is written HOST__5000):
        skopeo copy --src-tls-verify=false \\
          docker://127.0.0.1:5151/docker.io/library/alpine dir:a
      """)

  @Option(
    help: ArgumentHelp(
      "Where it is asked; can be repeated (default: 127.0.0.1:5151, or what systemd listens on).",
      valueName: "address:port|unix:path"))
  var listen: [String] = []

  @Option(
    help: ArgumentHelp(
      "A registry that is served; can be repeated (default: those with mirror files). private: podman and skopeo are asked for its credentials. *: any public one.",
      valueName: "host[=private]|*"))
  var registry: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where what was fetched is kept (default: $XDG_CACHE_HOME/cairn/serve).", valueName: "dir"),
    completion: .directory)
  var store: String?

  @Option(
    help: ArgumentHelp(
      "The most that is kept; what was used least lately goes, and what is larger passes through. 0: no limit.",
      valueName: "size"))
  var cacheLimit = ByteSize(bytes: 20 << 30)

  @Flag(help: "Keep blobs that nobody asked for again within ten minutes, too.")
  var keep = false

  @Option(
    help: ArgumentHelp(
      "Seconds for which a tag's last answer may be given while its registry cannot be asked; 0: none is.",
      valueName: "s"))
  var stale = 86_400.0

  @Option(
    help: ArgumentHelp("Speak plain HTTP with this registry; can be repeated.", valueName: "host"),
    completion: .registries)
  var plainHttp: [String] = []

  @Option(
    help: ArgumentHelp(
      "Read mirrors from containerd's hosts.toml files in this directory, and not from registries.conf (default: /etc/containerd/certs.d).",
      valueName: "dir"), completion: .directory)
  var hostsDir: String?

  @Flag(
    help:
      "Use your own credentials, for callers of your own user and root only; not with --listen beyond this machine."
  )
  var ownCredentials = false

  @Option(
    help: ArgumentHelp(
      "Speak TLS on every address and port, and show this certificate and its chain; then credentials are taken from other machines, too. SIGHUP reads both files anew.",
      valueName: "pem"), completion: .file())
  var tlsCert: String?

  @Option(
    help: ArgumentHelp("The key of --tls-cert, without a password.", valueName: "pem"),
    completion: .file())
  var tlsKey: String?

  @Option(
    help: ArgumentHelp("Most parallel downloads from a registry.", valueName: "n"))
  var maxWorkers = PullLimits().workers

  @Option(
    help: ArgumentHelp("Bytes a second from all registries, for example 10M.", valueName: "rate"))
  var limitRate: ByteSize?

  @Option(help: "How requests are logged on standard error.")
  var logFormat = ServeLogFormat.text

  @Option(
    help: ArgumentHelp(
      "Show what to write where, so that this client pulls through it, and end.",
      valueName: "client"))
  var printConfig: ServeClient?

  @OptionGroup var historyOptions: HistoryOptions
  @OptionGroup var trust: TrustOptions
  @OptionGroup var patience: PatienceOptions

  func validate() throws {
    for text in listen where ListenPlace(text) == nil {
      throw ValidationError("--listen takes ADDRESS:PORT or unix:PATH")
    }
    guard ServedRegistries(registry) != nil else {
      throw ValidationError("--registry takes HOST, HOST=private or *")
    }
    guard (tlsCert == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-cert and --tls-key go together")
    }
    guard stale.isFinite, stale >= 0 else {
      throw ValidationError("--stale takes seconds, 0 or more")
    }
    try PoolBounds.check(maxWorkers: maxWorkers, limitRate: limitRate)
  }

  func run() async throws {
    if let printConfig {
      print(try configuration(for: printConfig), terminator: "")
      return
    }
    let log = ServeLog(format: logFormat)
    log.begin()
    let logger = patience.logger
    let warn: @Sendable (String) -> Void = { words in logger.warning("\(words)") }
    let engine = try orFailure { () throws(CairnError) in
      try access.engine(rateLimit: limitRate.map { Double($0.bytes) })
    }
    defer { engine.stop() }
    engine.readTrust()
    let store = try openStore(warn)
    let cache = try makeCache(store, warn)
    let tags = SharedTags(keptIn: store, staleSeconds: stale)
    let sweeper = Task { await cache.run { tags.save() } }
    let recorder = Task { await tags.saveLosses() }
    defer {
      sweeper.cancel()
      recorder.cancel()
    }
    let paths = makePaths(warn)
    let metrics = makeMetrics()
    let downloads = makeDownloads(store, paths, metrics)
    let keeper = try makeDoorkeeper(engine: engine, paths, tags, warn)
    var settings = FrontSettings(connections: OpenFileBudget.ofProcess.callers)
    settings.names = hostNames
    let encryption = try makeEncryption(warn)
    settings.encryption = encryption
    let server = FrontServer(
      Answerer(doorkeeper: keeper, cache: cache, downloads: downloads, metrics: metrics),
      settings: settings
    ) { log.write($0) }
    Signals.serve(patience: Double(Self.drainSeconds) + 5) {
      log.say("reading mirror files anew")
      Task { await keeper.reload() }
      do throws(TLSFiles.Failure) {
        try encryption?.reload()
      } catch {
        warn("\(error): the old certificate stays")
      }
    }
    try await listen(server, log)
    if registry.isEmpty { log.say("only registries with mirror files are served: no --registry") }
    await stopped()
    log.say("stopping: requests under way have \(Self.drainSeconds) s")
    // This task is cancelled by now, and what follows is not to be.
    await Task {
      await server.drain(patience: .seconds(Self.drainSeconds))
      _ = await downloads.close()
      // A process that ends in the middle of a note would leave it half written beside the old one.
      sweeper.cancel()
      recorder.cancel()
      await sweeper.value
      await recorder.value
      tags.save()
    }.value
  }

  /// Seconds that requests under way have after the first signal.
  private static let drainSeconds = 30

  /// Waits for the first signal.
  private func stopped() async {
    while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
  }

  /// Names that callers may ask for this machine by: its own, and those that are listened at.
  private var hostNames: Set<String> {
    var names = Set([Machine.hostName.lowercased()])
    for case .network(let host, _) in listen.compactMap({ ListenPlace($0) }) {
      names.insert(host.lowercased())
    }
    return names
  }

  private func listen(_ server: FrontServer, _ log: ServeLog) async throws {
    let passed = PassedSockets.take(ProcessInfo.processInfo.environment)
    var wanted = "a socket of systemd's"
    do {
      for socket in passed {
        try await server.listen(on: socket)
        log.say("listening on a socket of systemd's")
      }
      for place in listen.isEmpty && !passed.isEmpty ? [] : places {
        wanted = place.name
        let port = try await server.listen(at: place)
        log.say("listening on \(place.name(port: port))")
      }
    } catch {
      throw CommandFailure(message: "cannot listen on \(wanted): \(error)", kind: .network)
    }
  }
}
