package import Tuning

/// How images are pulled; the defaults are the command's.
///
/// ```swift
/// var options = PullOptions()
/// options.platforms = .one("linux/arm64")
/// options.registry.login = RegistryLogin(user: "me", password: secret)
/// options.history = .none
/// ```
public struct PullOptions: Sendable {
  /// Which of an image's platforms are pulled.
  public enum Platforms: Sendable, Hashable {
    /// This machine's.
    case host
    /// The one of that name, as `linux/arm64` or `linux/arm/v7`.
    case one(String)
    /// All of them.
    case all
  }

  /// How many downloads run in parallel.
  public enum Workers: Sendable, Hashable {
    /// As many as turn out best while the pull runs, from 1 to `most`.
    case automatic(most: Int)
    /// So many, all the time.
    case fixed(Int)

    /// What either may be.
    public static let range = 1...1024

    /// The most that may run.
    var most: Int {
      switch self {
      case .automatic(let most): most
      case .fixed(let count): count
      }
    }
  }

  /// Where pulls leave what they learned of the way to a registry, and begin from.
  public enum HistoryPlace: Sendable, Hashable {
    /// The command's own: `$XDG_STATE_HOME/cairn/history.sqlite`, below `~/.local/state` where that
    /// is not set.
    case standard
    /// That file, which is made where there is none.
    case file(String)
    /// Nowhere: every pull begins anew, and leaves nothing.
    case none
  }

  /// How registries are reached.
  public var registry = RegistryAccess()
  /// The options of a registry that is reached in a way of its own, or with other workers; nil: all
  /// are alike.
  ///
  /// Only ``registry`` and ``workers`` of what it returns are heeded, and the rule by which workers are
  /// chosen: the rest is of the whole run.
  /// It is asked for a registry when an image of it is looked for or pulled, more than once and on
  /// any thread. Registries that are reached alike share connections.
  public var ofRegistry: (@Sendable (_ registry: String) throws(CairnError) -> PullOptions)?
  /// Which platforms are pulled.
  public var platforms = Platforms.host
  /// How many downloads run in parallel.
  public var workers = Workers.automatic(most: 64)
  /// The most bytes a second for all of it together, at least 1; nil: no limit.
  ///
  /// A pull with a limit teaches the history nothing.
  public var bytesPerSecond: Double?
  /// What is learned and remembered.
  public var history = HistoryPlace.standard
  /// Exports of other machines (`cairn tune --export`), a file or a folder of them, of which one is
  /// used where nothing else is known of a registry; they are only read, and nil: there are none.
  public var historySite: String?
  /// Where the image is written beside the store, as `--output` has it: `oci:DIR[:TAG]`,
  /// `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:REF]`, `dir:DIR`; one FILE may be `-`, standard output.
  ///
  /// With any, a call takes one image; else its error is of the kind `usage`.
  public var outputs: [String] = []
  /// Whether outputs that exist are replaced.
  public var overwritesOutputs = false
  /// Whether large files of `oci:` and `dir:` outputs may be hard links to the store's, where they
  /// cannot share blocks.
  public var linksOutputs = false

  /// The rule behind `.automatic`; all but the default are there for comparison.
  package var policy: PolicyMaker = {
    OutageProof(ClimbPolicy(maximum: $0, prior: $1))
  }
  /// Told every sample and decision of a path, as they come.
  package var trace: (@Sendable (TraceStep) -> Void)?

  /// The defaults.
  public init() {}

  /// These options as they are for a registry.
  ///
  /// - Throws: `CairnError` of the kind `usage` where those of the registry make no sense.
  func own(_ registry: String) throws(CairnError) -> PullOptions {
    guard let ofRegistry else { return self }
    let own = try ofRegistry(registry)
    var options = self
    options.registry = own.registry
    options.workers = own.workers
    options.policy = own.policy
    try options.check()
    return options
  }

  /// - Throws: `CairnError` of the kind `usage` where a number is out of its range.
  func check() throws(CairnError) {
    guard Workers.range.contains(workers.most) else {
      throw .usage("workers are a number from 1 to 1024, and not \(workers.most)")
    }
    if let bytesPerSecond, !(bytesPerSecond >= 1) {
      throw .usage("a rate limit is at least 1 byte a second")
    }
    try registry.check()
  }
}
