package import FoundationEssentials
package import Tuning

/// What the machines of a site exported, put together: a hint for a machine that has learned
/// nothing of a registry itself.
package struct SiteHistory: Sendable, Equatable {
  /// What is known of the way to one registry.
  package struct Known: Sendable, Equatable {
    /// What a pull may start from; never more than a hint.
    package var prior: Prior
    /// The host that served the blobs of most pulls.
    package var blobHost: String
    /// Pulls behind it.
    package var pulls: Int
    /// Machines that made them.
    package var machines: Int
    /// When the last of them exported, in seconds since 1970.
    package var at: Double
  }

  /// What another machine's second of measurement counts beside an own one: half of what one counts
  /// that a user imported.
  static let share = History.importedShare / 2
  /// Seconds that a pool size of one machine's weighs at most.
  static let weight = History.importedWeight / 2

  /// What one machine knows of the ways to one registry.
  private struct Part: Equatable {
    /// When it exported, in seconds since 1970.
    let at: Double
    var paths: [HistoryExport.Path]
  }

  /// By registry, each machine's part, oldest first: a file may have thousands of either.
  private let parts: [String: [Part]]

  /// Puts exports together; of one machine's the newest counts.
  package init(_ exports: [HistoryExport]) {
    var named: [String: HistoryExport] = [:]
    var others: [HistoryExport] = []
    for export in exports.flatMap(\.all) {
      guard let source = export.source else {
        others.append(export)
        continue
      }
      if named[source].map({ $0.at < export.at }) ?? true { named[source] = export }
    }
    let records = (Array(named.values) + others).sorted {
      ($0.at, $0.source ?? "") < ($1.at, $1.source ?? "")
    }
    var parts: [String: [Part]] = [:]
    for record in records {
      for (registry, paths) in Dictionary(grouping: record.paths, by: \.registry) {
        parts[registry, default: []].append(Part(at: record.at, paths: paths))
      }
    }
    self.parts = parts
  }

  /// Every registry of which something is known, sorted.
  package var registries: [String] { parts.keys.sorted() }

  /// What is known of the way to a registry; nil: nothing.
  ///
  /// - Parameters:
  ///   - registry: its host.
  ///   - now: seconds since 1970.
  package func known(of registry: String, now: Double) -> Known? {
    var memory = PathMemory()
    var hosts: [String: Int] = [:]
    var (pulls, machines, at) = (0, 0, 0.0)
    for record in parts[registry] ?? [] {
      let paths = record.paths.filter { !$0.points.isEmpty }
      guard !paths.isEmpty else { continue }
      machines += 1
      at = min(max(at, record.at), now)
      for path in paths {
        let count = min(max(0, path.pulls), History.Bounds.pulls.upperBound)
        pulls = min(pulls + count, History.Bounds.pulls.upperBound)
        hosts[path.blobHost, default: 0] += 1
        var statistics: [Int: PathMemory.Statistics] = [:]
        for point in path.points {
          var weaker = point.statistics
          weaker.fade(by: Self.share)
          statistics[point.poolSize] = History.Bounds.statistics(weaker, most: Self.weight)
        }
        memory.merge(statistics, at: min(record.at, now))
      }
    }
    guard machines > 0, var prior = memory.prior(at: now) else { return nil }
    prior.isOwn = false
    let host = hosts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? registry
    return Known(prior: prior, blobHost: host, pulls: pulls, machines: machines, at: at)
  }

  /// As a report of a machine has it, of those registries of which it knows nothing itself.
  ///
  /// - Parameters:
  ///   - machine: who asks.
  ///   - known: registries that it knows itself.
  ///   - now: seconds since 1970.
  package func reports(
    for machine: MachineIdentity, besides known: Set<String>, now: Double
  ) -> [History.PathReport] {
    registries.filter { !known.contains($0) }.compactMap { registry in
      self.known(of: registry, now: now).map { found in
        var report = History.PathReport(
          machine: machine,
          path: PathIdentity(registry: registry, blobHost: found.blobHost, network: "any"),
          pulls: found.pulls, usedAt: found.at, prior: found.prior, isImported: true)
        report.siteMachines = found.machines
        return report
      }
    }
  }
}

extension HistoryExport {
  /// This machine's, and those of others that stand in the same file.
  var all: [HistoryExport] { [self] + (others ?? []) }

  /// Reads a file.
  ///
  /// - Parameter data: its content.
  /// - Throws: `HistoryError` where it is no export.
  package init(reading data: Data) throws(HistoryError) { self = try History.parse(data) }

  /// This machine's, with those of others in a file that it is to be added to; what this machine
  /// had there is replaced.
  ///
  /// - Parameter earlier: the file.
  package func merged(into earlier: HistoryExport) -> HistoryExport {
    var merged = self
    let rest = earlier.all.filter { $0.source == nil || $0.source != source }
    merged.others =
      rest.isEmpty
      ? nil
      : rest.map { one in
        var alone = one
        alone.others = nil
        return alone
      }
    return merged
  }
}
