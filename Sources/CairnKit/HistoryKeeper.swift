package import Downloads
import FoundationEssentials
import Glibc
package import History
import Pull
package import Registry
package import Tuning

/// The history's side of one registry: what its pulls start from, and what they leave behind.
///
/// Whatever is wrong with the history, a pull goes on, and its user is warned once.
package final class HistoryKeeper {
  private let history: History?
  private let registry: String
  private let machine = MachineIdentity.here
  private let network: String
  /// Where a site's machines export to; nil: nowhere.
  private let site: String?
  private let warn: (String) -> Void
  private var hasWarned = false

  /// - Parameters:
  ///   - file: the history's path.
  ///   - registry: the registry that is pulled from.
  ///   - site: where a site's machines export to.
  ///   - warn: shows a warning.
  package init(
    file: String, registry: String, site: String? = nil, warn: @escaping (String) -> Void
  ) {
    self.registry = registry
    self.site = site
    self.warn = warn
    network = Machine.network(to: registry)
    var problem: HistoryError?
    do throws(HistoryError) {
      history = try History(file: file, warn: warn)
    } catch {
      history = nil
      problem = error
    }
    if let problem { note(problem) }
  }

  /// What earlier pulls taught about the way to the registry: this machine's, else those of the
  /// site's others.
  package func prior() -> Prior? {
    let own = ownPrior()
    guard let site, !(own?.isOwn ?? false) else { return own }
    let now = Date().timeIntervalSince1970
    var others = SiteFiles.read(site, warn: warn).known(of: registry, now: now)?.prior
    others?.wasSeen = own?.wasSeen ?? false
    return others ?? own
  }

  private func ownPrior() -> Prior? {
    do throws(HistoryError) {
      return try history?.prior(
        machine: machine, registry: registry, network: network, now: Date().timeIntervalSince1970)
    } catch {
      note(error)
      return nil
    }
  }

  /// Who answered for the registry the last time; nil: not known.
  package func servers() -> RegistryServers? {
    do throws(HistoryError) {
      return try history?.servers(of: registry, machine: machine.name, network: network)
    } catch {
      note(error)
      return nil
    }
  }

  /// Writes a pull down.
  ///
  /// - Parameter report: what the pull was like.
  package func record(_ report: PullReport) {
    guard let history else { return }
    let path = PathIdentity(
      registry: registry, blobHost: report.blobHost ?? registry, network: network)
    let layers = report.layers.map { layer in
      History.PullEntry.Layer(
        digest: layer.digest.description, size: layer.size, bytes: layer.fetched,
        seconds: layer.seconds, rate: layer.rate, retries: layer.retries,
        isComplete: layer.isComplete)
    }
    var entry = History.PullEntry(
      machine: machine, path: path, at: Date().timeIntervalSince1970, policy: report.policy,
      isComplete: report.isComplete, record: report.record, layers: layers)
    entry.tokenRealm = report.tokenService?.realm
    entry.tokenService = report.tokenService?.service
    do throws(HistoryError) {
      try history.record(entry)
    } catch {
      note(error)
    }
  }

  /// Writes a pull of a sweep down.
  ///
  /// - Parameters:
  ///   - report: what the pull was like.
  ///   - sweep: the sweep that it belongs to.
  ///   - run: its pool size, and what it took.
  package func record(_ report: PullReport, of sweep: Sweep, _ run: SweepEvidence.Run) {
    guard let history else { return }
    let path = PathIdentity(
      registry: registry, blobHost: report.blobHost ?? registry, network: network)
    let entry = History.SweepEntry(
      machine: machine, path: path, plan: "\(sweep.seed)", reference: sweep.reference,
      at: Date().timeIntervalSince1970, run: run, record: report.record)
    do throws(HistoryError) {
      try history.record(entry)
    } catch {
      note(error)
    }
  }

  private func note(_ error: HistoryError) {
    guard !hasWarned else { return }
    hasWarned = true
    warn("\(error); this pull neither learns from it nor adds to it")
  }
}

extension RegistryServers {
  /// Where the registry sent those who want a token.
  package var knownTokenService: TokenService? {
    tokenRealm.map { TokenService(realm: $0, service: tokenService) }
  }
}

extension MachineIdentity {
  /// The machine that this process runs on.
  package static var here: MachineIdentity {
    let system = Machine.system
    return MachineIdentity(
      name: Machine.hostName, cpus: Machine.effectiveCPUs, os: system.os,
      architecture: system.architecture)
  }
}
