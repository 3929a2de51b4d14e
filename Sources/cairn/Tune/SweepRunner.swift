import CairnKit
import Disk
import Downloads
import FoundationEssentials
import Glibc
import History
import OCI
import Progress
import Pull
import Store
import Text
import Tuning

/// Runs a sweep: one pull after the other, each into a store of its own that is thrown away.
///
/// The plan and every result are in a file beside the history, so that the same command goes on after a
/// stop.
struct SweepRunner {
  let reference: Reference
  let sizes: [Int]
  let repeats: Int
  let registryOptions: RegistryOptions
  let historyFile: String

  /// Runs what is left of it.
  ///
  /// - Parameter started: from `resume`.
  /// - Throws: `CommandFailure`; what was measured is kept.
  func run(_ started: Sweep) async throws -> Sweep {
    var sweep = started
    // Where it cannot be kept, that is said before an hour of pulls.
    try save(sweep)
    while let size = sweep.next {
      show(sweep, size)
      let seconds = try await pull(size, of: sweep)
      sweep.note(seconds: seconds)
      try save(sweep)
    }
    try? stateFolder().remove(stateName)
    if DrawingPlace.isOurs { LineOutput.standardError.replaceLine(with: "") }
    return sweep
  }

  // MARK: State

  private var stateName: String {
    let plan = "\(reference.description)|\(sizes)|\(repeats)"
    let name = (try? Digest.of(Data(plan.utf8)))?.hex.prefix(16) ?? "plan"
    return "sweep-\(name).json"
  }

  private func stateFolder() throws(DiskError) -> Folder {
    try Folder(Files.parent(of: historyFile), making: 0o700)
  }

  /// The most bytes of a state: a thousand pulls of a thousand sizes.
  private static let stateLimit: Int64 = 256 << 20

  /// The sweep as it was left, or a new one.
  func resume() throws -> Sweep {
    if let bytes = try? stateFolder().read(stateName, limit: Self.stateLimit, owner: geteuid()),
      let sweep = try? OutsideJSON.decode(Sweep.self, from: Data(bytes)),
      sweep.reference == reference.description, sweep.sizes == sizes, sweep.repeats == repeats,
      sweep.runs.allSatisfy({ (0...1e7).contains($0.seconds) }), sweep.followsPlan
    {
      guard !sweep.runs.isEmpty else { return sweep }
      say("going on after \(sweep.runs.count) of \(sizes.count * repeats) pulls\n")
      return sweep
    }
    return Sweep(
      reference: reference.description, sizes: sizes, repeats: repeats,
      seed: UInt64.random(in: 0 ... .max))
  }

  private func save(_ sweep: Sweep) throws {
    do {
      let data = try JSONEncoder().encode(sweep)
      try stateFolder().writeAtomically(stateName, data, mode: 0o600)
    } catch {
      throw CommandFailure(message: "the sweep's state: \(error)", kind: .disk)
    }
  }

  /// What is left to do, by what the registry says of the image.
  func plan(_ sweep: Sweep) async throws -> SweepPlan {
    let engine = try registryOptions.engine()
    defer { engine.stop() }
    let client = try registryOptions.client(for: reference, engine: engine) { event in
      if let line = PlainRenderer.notice(event) { say(line + "\n") }
    }
    let resolver = ImageResolver(client: client, load: { _ in nil }, save: { _, _ in })
    do throws(PullError) {
      let found = try await resolver.resolve(.one(.host, isExplicit: false))
      var sizes: [Digest: Int64] = [:]
      for document in found.manifests {
        guard case .manifest(let manifest) = document.content else { continue }
        for blob in [manifest.config] + manifest.layers { sizes[blob.digest] = blob.size }
      }
      return SweepPlan(
        reference: reference.description, pulls: self.sizes.count * repeats - sweep.runs.count,
        bytes: Array(sizes.values).clampedSum,
        isDockerHub: reference.registry == "docker.io")
    } catch {
      throw CommandFailure(error, signal: Signals.first)
    }
  }

  // MARK: One pull

  /// A directory that goes with the value, and with the process where a signal ends it; what killed
  /// sweeps left goes now.
  private static func emptyFolder() throws -> Temporary {
    do throws(DiskError) {
      let place = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
      let parent = try Folder(Files.parent(of: place + "/x"))
      Leftovers.clear(in: parent)
      let temporary = Temporary(in: parent)
      _ = try temporary.makeFolder(0o700)
      return temporary
    } catch {
      throw CommandFailure(message: "a folder for the sweep's pulls: \(error)", kind: .disk)
    }
  }

  private func pull(_ size: Int, of sweep: Sweep) async throws -> Double {
    let place = try Self.emptyFolder()
    defer { withExtendedLifetime(place) {} }
    let folder = "\(place.folder.path(of: place.name))/store"
    // Each has an engine of its own: a connection left open by the run before would be a head start.
    var options = PullOptions()
    options.registry = try registryOptions.access()
    options.workers = .fixed(size)
    options.history = .none
    let display = SweepDisplay()
    let session = PullSession(options, display: display)
    do throws(CairnError) {
      let (outcomes, reports) = try await session.pull(
        try session.requests(for: [reference]), into: StorePlace(folder))
      guard let summary = try outcomes.first?.result.get() else { return 0 }
      // That the server had enough for a while says nothing of the pool.
      let seconds = max(0.001, summary.seconds - display.secondsWaited)
      keep(reports, of: sweep, size, seconds)
      return seconds
    } catch {
      var failure = CommandFailure(error, signal: Signals.first)
      failure.hint = "run the same command again to go on; what was measured is kept"
      throw failure
    }
  }

  /// Writes down what a pull showed.
  private func keep(_ reports: [PullReport], of sweep: Sweep, _ size: Int, _ seconds: Double) {
    let keeper = HistoryKeeper(file: historyFile, registry: reference.registry) {
      say("\nwarning: \($0)\n")
    }
    for report in reports {
      let bytes = report.record.bytes
      keeper.record(report, of: sweep, .init(poolSize: size, seconds: seconds, bytes: bytes))
    }
  }

  // MARK: Progress

  private func show(_ sweep: Sweep, _ size: Int) {
    let total = sizes.count * repeats
    let left = sweep.secondsLeft.map { "; \(clock($0)) left" } ?? ""
    let last = sweep.runs.last.map {
      String(figures: "; %d took %.2f s", $0.poolSize, $0.seconds)
    }
    let line =
      "pull \(sweep.runs.count + 1) of \(total): \(size == 1 ? "1 worker" : "\(size) workers")\(last ?? "")\(left)"
    if DrawingPlace.isOurs {
      LineOutput.standardError.replaceLine(with: line)
    } else {
      say(line + "\n")
    }
  }

  private func clock(_ seconds: Double) -> String {
    let whole = Int(clamping: min(seconds, 1e7))
    return String(figures: "%d:%02d:%02d", whole / 3_600, whole / 60 % 60, whole % 60)
  }
}

private func say(_ text: String) { LineOutput.standardError.write(text) }
