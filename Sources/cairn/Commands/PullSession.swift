import Downloads
import History
import OCI
import Progress
import Pull
import Registry
import Store
import Tuning

/// Pulls images in one run, over one engine.
struct PullSession: Sendable {
  /// What became of an image.
  struct Outcome: Sendable {
    let reference: Reference
    let result: Result<ProgressEvent.Summary, CommandFailure>
  }

  let engines: Engines
  /// How each registry is reached.
  let options: [String: RegistryOptions]
  /// How long another process is waited for that fetches the same blob.
  let patience: (seconds: Double, rate: Double)
  /// Who answered for registries the last time.
  let servers: [String: RegistryServers]
  let display: any ProgressDisplay

  /// Images that are resolved, fetched and published at the same time.
  private static let imagesAtOnce = 4

  /// Pulls images; cancelling the task interrupts all of them.
  ///
  /// - Parameters:
  ///   - requests: one for each image.
  ///   - place: where they go.
  ///   - plans: how paths are run, by registry.
  /// - Returns: what became of each, in the same order, and what the downloads over each path were like.
  /// - Throws: what is wrong with the options or with the store.
  func pull(
    _ requests: [Puller.Request], into place: StoreOptions, plans: [String: PathPlanner]
  ) async throws -> (outcomes: [Outcome], reports: [PullReport]) {
    // What is wrong with the options is said before anything is made.
    let clients = try requests.map { request in
      let display = display
      let registry = request.reference.registry
      guard let options = options[registry] else {
        throw CommandFailure(message: "nothing is known of \(registry)", exitCode: 70)
      }
      return try options.client(
        for: request.reference, engine: engines[registry],
        tokenService: servers[registry]?.knownTokenService
      ) { display.show($0) }
    }
    let store = try place.open()
    let jobs = zip(requests, clients).map { request, client in
      var request = request
      request.blobHost = servers[request.reference.registry]?.blobHost
      return (request: request, puller: Puller(client: client, store: store, display: display))
    }
    let run = PullRun(store: store, display: display, patience: patience) { key, known in
      plans[key.registry]?.plan(known) ?? PathPlan(policy: FixedPolicy(poolSize: 1))
    }
    let isOne = requests.count == 1
    var outcomes = [Outcome?](repeating: nil, count: requests.count)
    await withTaskGroup(of: (Int, Outcome).self) { group in
      for (index, job) in jobs.enumerated() {
        if index >= Self.imagesAtOnce, let (done, outcome) = await group.next() {
          outcomes[done] = outcome
        }
        group.addTask { (index, await pull(job.request, job.puller, run, isOne: isOne)) }
      }
      for await (done, outcome) in group { outcomes[done] = outcome }
    }
    let reports = await run.close()
    return (outcomes.compactMap { $0 }, reports)
  }

  private func pull(
    _ request: Puller.Request, _ puller: Puller, _ run: PullRun, isOne: Bool
  ) async -> Outcome {
    let reference = request.reference
    do throws(PullError) {
      let summary = try await puller.pull(request, in: run)
      display.show(.finished(summary))
      return Outcome(reference: reference, result: .success(summary))
    } catch {
      var failure = CommandFailure(error, signal: Signals.first)
      // Of several images one wants to know whose it is.
      if !isOne, !failure.message.contains(reference.description) {
        failure.message = "\(reference): \(failure.message)"
      }
      display.show(
        .failed(message: failure.message, hint: failure.hint, exitCode: failure.exitCode))
      return Outcome(reference: reference, result: .failure(failure))
    }
  }

  /// What the command ends with: nil where every image is here; of several failures the first one's exit code.
  static func failure(of outcomes: [Outcome]) -> CommandFailure? {
    let failures = outcomes.compactMap { outcome -> CommandFailure? in
      if case .failure(let failure) = outcome.result { failure } else { nil }
    }
    guard let first = failures.first, outcomes.count > 1 else { return failures.first }
    let hints = Set(failures.compactMap(\.hint))
    return CommandFailure(
      message: "\(failures.count) of \(outcomes.count) images were not pulled:\n"
        + failures.map { "  " + $0.message }.joined(separator: "\n"),
      hint: hints.count == 1 ? hints.first : nil, exitCode: first.exitCode)
  }
}
