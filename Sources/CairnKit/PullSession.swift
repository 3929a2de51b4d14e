package import Downloads
package import OCI
package import Progress
package import Pull
import Registry
import Store
import Tuning

/// Pulls images in one run, as its options say: what the command does, and `Cairn.pull`.
///
/// It puts together what a pull is made of: clients with their credentials and mirrors, the history
/// of each registry and what it says to begin with, a plan for each path, the store, and one pool
/// of downloads for all images.
package struct PullSession: Sendable {
  /// What became of an image.
  package struct Outcome: Sendable {
    package let reference: Reference
    package let result: Result<ProgressEvent.Summary, CairnError>
    /// Whether others are pulled in the same run.
    package let isOneOfSeveral: Bool
  }

  /// How images are pulled.
  package var options: PullOptions
  let display: any ProgressDisplay
  /// Told of each image when its pull has ended, at once.
  var ended: @Sendable (Outcome) -> Void

  /// What was warned of, whatever image it was about.
  private let warned = Said()

  /// Images that are resolved, fetched and published at the same time.
  private static let imagesAtOnce = 4

  /// Makes a session.
  ///
  /// - Parameters:
  ///   - options: how its images are pulled.
  ///   - display: shows what happens.
  ///   - ended: told of each image when its pull has ended, at once.
  package init(
    _ options: PullOptions, display: any ProgressDisplay,
    ended: @escaping @Sendable (Outcome) -> Void = { _ in }
  ) {
    self.options = options
    self.display = display
    self.ended = ended
  }

  /// The images that names mean, each once.
  ///
  /// - Parameter names: as a user typed them.
  ///
  /// - Throws: `CairnError`; also where a login is given for images of several registries: a name and
  ///   a password are one registry's, and none of the others' business.
  package func images(named names: [String]) async throws(CairnError) -> [Reference] {
    try options.check()
    var images: [Reference] = []
    let access = warned.once(options.registry)
    for name in names {
      let image = try await access.reference(name) {
        (registry) throws(CairnError) in warned.once(try options.own(registry).registry)
      }
      if !images.contains(image) { images.append(image) }
    }
    let registries = Set(images.map(\.registry)).sorted()
    guard options.registry.login == nil || registries.count <= 1 else {
      throw .usage(
        "a login that is given is for one registry, and these images are of "
          + registries.joined(separator: ", ")
          + ": log in to each with \"skopeo login\", \"podman login\" or \"docker login\"")
    }
    return images
  }

  /// Requests for images.
  package func requests(for images: [Reference]) throws(CairnError) -> [Puller.Request] {
    var outputs: [OutputTarget] = []
    for text in options.outputs {
      do throws(StoreError) { outputs.append(try OutputTarget(text)) } catch {
        throw CairnError(error)
      }
    }
    guard outputs.isEmpty || images.count == 1 else { throw .usage("outputs are for one image") }
    guard outputs.count(where: \.isStandardOutput) <= 1 else {
      throw .usage("only one output can be standard output")
    }
    let platforms = try platforms
    return images.map { reference in
      var request = Puller.Request(reference: reference, platforms: platforms)
      request.outputs = outputs
      request.overwrites = options.overwritesOutputs
      request.linksOutputs = options.linksOutputs
      return request
    }
  }

  private var platforms: ImageResolver.PlatformChoice {
    get throws(CairnError) {
      switch options.platforms {
      case .host: return .one(.host, isExplicit: false)
      case .all: return .all
      case .one(let name):
        do throws(OCIError) { return .one(try Platform(name), isExplicit: true) } catch {
          throw .usage(error.description)
        }
      }
    }
  }

  /// Pulls images; cancelling the task interrupts all of them.
  ///
  /// - Parameters:
  ///   - requests: one for each image.
  ///   - place: where they go.
  /// - Returns: what became of each, in the same order, and what the downloads over each path were like.
  /// - Throws: what is wrong with the options or with the store, before anything is fetched.
  package func pull(
    _ requests: [Puller.Request], into place: StorePlace
  ) async throws(CairnError) -> (outcomes: [Outcome], reports: [PullReport]) {
    try options.check()
    var own: [String: PullOptions] = [:]
    for registry in Set(requests.map(\.reference.registry)) {
      own[registry] = try options.own(registry)
    }
    let accesses = own.mapValues { warned.once($0.registry) }
    let engines = try Engines(accesses, rateLimit: options.bytesPerSecond)
    defer { engines.stop() }
    let paths = PathsOfRun(
      own, file: options.history.file(options.registry.environment), site: options.historySite,
      display)
    // What is wrong with the options is said before anything is made.
    var jobs: [Job] = []
    let logins = SharedLogins()
    for var request in requests {
      let registry = request.reference.registry
      let servers = paths.servers[registry]
      request.blobHost = servers?.blobHost
      let (display, warned) = (display, warned)
      let client = try (accesses[registry] ?? options.registry).client(
        for: request.reference, engine: try engines.engine(of: registry),
        tokenService: servers?.knownTokenService, logins: logins
      ) { event in
        if case .warning(let words) = event, !warned.isNews(words) { return }
        display.show(event)
      }
      jobs.append(Job(request: request, client: client))
    }
    let display = display
    // What a digest names needs no name in the store, nor anything else that would have to be written.
    let mustWrite = requests.contains { $0.reference.digest == nil || $0.storeName != nil }
    let store = try place.open(orReading: !mustWrite) { display.show(.warning($0)) }
    let planners = paths.planners
    let run = PullRun(store: store, display: display, patience: options.registry.patience) {
      key, known in
      planners[key.registry]?.plan(known) ?? PathPlan(policy: FixedPolicy(poolSize: 1))
    }
    let outcomes = await pull(jobs, into: store, run)
    let reports = await run.close()
    for report in reports { warnOfOutages(report) }
    // At a rate that its user set, a pull shows nothing of the path: neither its rate nor its round trips.
    if options.bytesPerSecond == nil { paths.record(reports) }
    return (outcomes, reports)
  }

  private func warnOfOutages(_ report: PullReport) {
    guard let silent = report.record.evidence.silent else { return }
    display.show(
      .warning(
        "nothing came over any connection for \(Int(clamping: silent.rounded())) s:"
          + " that time says nothing of the path, and nothing is learned from it"))
  }

  private struct Job: Sendable {
    let request: Puller.Request
    let client: RepositoryClient
  }

  private func pull(_ jobs: [Job], into store: ContentStore, _ run: PullRun) async -> [Outcome] {
    var outcomes = [Outcome?](repeating: nil, count: jobs.count)
    await withTaskGroup(of: (Int, Outcome).self) { group in
      for (index, job) in jobs.enumerated() {
        if index >= Self.imagesAtOnce, let (done, outcome) = await group.next() {
          outcomes[done] = outcome
        }
        let puller = Puller(client: job.client, store: store, display: display)
        group.addTask { (index, await pull(job.request, puller, run, isOne: jobs.count == 1)) }
      }
      for await (done, outcome) in group { outcomes[done] = outcome }
    }
    return outcomes.compactMap { $0 }
  }

  private func pull(
    _ request: Puller.Request, _ puller: Puller, _ run: PullRun, isOne: Bool
  ) async -> Outcome {
    let reference = request.reference
    let result: Result<ProgressEvent.Summary, CairnError>
    do throws(PullError) {
      var summary = try await puller.pull(request, in: run)
      summary.isOneOfSeveral = !isOne
      result = .success(summary)
    } catch {
      var failure = CairnError(error)
      // Of several images one wants to know whose it is.
      if !isOne, !failure.message.contains(reference.description) {
        failure.message = "\(reference): \(failure.message)"
      }
      result = .failure(failure)
    }
    let outcome = Outcome(reference: reference, result: result, isOneOfSeveral: !isOne)
    ended(outcome)
    return outcome
  }
}
