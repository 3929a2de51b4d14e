package import FoundationEssentials
import SQLite
import Text
package import Tuning

/// What one machine learned, as a file for others.
package struct HistoryExport: Sendable, Codable, Equatable {
  /// One path.
  package struct Path: Sendable, Codable, Equatable {
    /// One pool size.
    package struct Point: Sendable, Codable, Equatable {
      /// The pool size.
      package var poolSize: Int
      /// Seconds measured, mean and squared distances of the logarithm of bytes per second.
      package var statistics: PathMemory.Statistics
    }

    /// The registry's host.
    package var registry: String
    /// The host that served the blobs.
    package var blobHost: String
    /// Pulls behind it.
    package var pulls: Int
    /// By pool size.
    package var points: [Point]
  }

  /// The version of this form.
  package var version = 1
  /// CPUs of the machine that learned it; its name is nobody's business.
  package var cpus: Int
  /// When, in seconds since 1970.
  package var at: Double
  /// What it learned.
  package var paths: [Path]
  /// Which machine it is, in a way that tells nobody its name; nil: not said.
  package var source: String?
  /// What other machines exported to the same file; each stands alone.
  package var others: [HistoryExport]?

  init(cpus: Int, at: Double, paths: [Path]) {
    self.cpus = cpus
    self.at = at
    self.paths = paths
  }

  /// What a machine without a history learned.
  package init(ofNothing machine: MachineIdentity, at: Double) {
    self.init(cpus: machine.cpus, at: at, paths: [])
  }
}

extension History {
  /// What another machine's second of measurement counts beside an own one.
  static let importedShare = 0.3
  /// Seconds that a pool size of another machine's weighs at most, of `Bounds.mostWeight`.
  static let importedWeight = 30.0
  /// Bytes of a file to import at most: ten times what a full history gives.
  package static let importBytes = 8 << 20
  /// Paths and pool sizes of one file at most: a history keeps half as many.
  private static let importedPaths = 2 * keptPaths
  private static let importedSizes = 1...1_024

  /// Writes down what a machine learned.
  ///
  /// - Parameters:
  ///   - machine: whose.
  ///   - registry: the only one that is told of; nil: all.
  ///   - now: seconds since 1970.
  /// - Throws: `HistoryError`.
  package func export(
    _ machine: MachineIdentity, registry: String? = nil, now: Double
  ) throws(HistoryError) -> HistoryExport {
    try read(within: Self.patiently) { db in
      let paths = try db.rows(
        """
        SELECT path.* FROM path JOIN machine ON machine.id = path.machine
        WHERE name = ? AND cpus = ? AND pulls > 0 AND (? IS NULL OR registry = ?)
        ORDER BY registry, blobHost
        """, [machine.name, machine.cpus, registry, registry]
      ) { row -> HistoryExport.Path? in
        guard let id: Int64 = row.value("id"), let registry: String = row.value("registry"),
          let blobHost: String = row.value("blobHost"), let pulls: Int = row.value("pulls")
        else { return nil }
        // What others learned is theirs to give.
        let memory = try Self.ownMemory(of: id, at: now, db)
        return HistoryExport.Path(
          registry: registry, blobHost: blobHost, pulls: pulls,
          points: memory.statistics.sorted { $0.key < $1.key }.map {
            HistoryExport.Path.Point(poolSize: $0.key, statistics: $0.value)
          })
      }
      return HistoryExport(cpus: machine.cpus, at: now, paths: paths)
    }
  }

  /// Takes in what another machine learned; it weighs less than what this one learns by itself.
  ///
  /// - Parameters:
  ///   - data: an export.
  ///   - machine: who takes it in.
  ///   - network: the network that it is used in, by registry.
  ///   - now: seconds since 1970.
  /// - Returns: paths that were taken in.
  /// - Throws: `HistoryError`.
  package func importing(
    _ data: Data, as machine: MachineIdentity, network: (String) -> String, now: Double
  ) throws(HistoryError) -> Int {
    let export = try Self.parse(data)
    return try write(within: Self.patiently) { db in
      let paths = export.all.sorted { $0.at < $1.at }.flatMap { record in
        record.paths.map { (known: $0, at: record.at) }
      }
      let (rows, saving) = (try PathRows(of: machine, db), try Self.saving(db))
      for (known, at) in paths {
        let identity = PathIdentity(
          registry: known.registry, blobHost: known.blobHost, network: network(known.registry))
        let path = try rows.id(of: identity, at: min(at, now))
        var statistics: [Int: PathMemory.Statistics] = [:]
        for point in known.points {
          var weaker = point.statistics
          weaker.fade(by: Self.importedShare)
          statistics[point.poolSize] = Bounds.statistics(weaker, most: Self.importedWeight)
        }
        try Self.save(statistics, of: path, isImported: true, at: min(at, now), by: saving)
      }
      return max(0, paths.count - (try Self.dropImportedPaths(db)))
    }
  }

  /// Reads an export, and checks every number of it.
  static func parse(_ data: Data) throws(HistoryError) -> HistoryExport {
    guard data.count <= importBytes else { throw refuse("it is larger than 8 MiB") }
    let export: HistoryExport
    do {
      export = try OutsideJSON.decode(HistoryExport.self, from: data)
    } catch {
      throw refuse("it is not of the form that --export writes")
    }
    for record in export.all { try check(record) }
    // Each machine is one of those beside the first: what stands within them is nobody's.
    guard export.others?.allSatisfy({ $0.others == nil }) ?? true else {
      throw refuse("a machine in it has others of its own")
    }
    return export
  }

  private static func refuse(_ reason: String) -> HistoryError {
    HistoryError(kind: .notAnExport, description: "not a history that can be imported: \(reason)")
  }

  private static func check(_ export: HistoryExport) throws(HistoryError) {
    guard export.version == 1 else { throw refuse("its version is \(export.version)") }
    guard Bounds.times.contains(export.at) else { throw refuse("its time is none") }
    guard export.paths.count <= importedPaths else { throw refuse("it has too many paths") }
    for path in export.paths {
      for text in [path.registry, path.blobHost] {
        guard (1...255).contains(text.utf8.count), text.isGraphicASCII else {
          throw refuse("a host's name is malformed")
        }
      }
      guard path.points.count <= importedSizes.count else { throw refuse("it has too many sizes") }
      for point in path.points {
        guard importedSizes.contains(point.poolSize), Bounds.statistics(point.statistics) != nil,
          point.statistics.busyWeight <= point.statistics.weight
        else { throw refuse("a measurement of \(path.registry) is out of range") }
      }
    }
    if let source = export.source {
      guard (1...64).contains(source.utf8.count), source.isGraphicASCII else {
        throw refuse("a machine's number is malformed")
      }
    }
  }
}
