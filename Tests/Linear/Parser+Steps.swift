import OCI
import Scheduling

@testable import Downloads
@testable import History
@testable import Serve

extension Parser {
  /// What is no parser, but gets as many things as others like to name: as many as there are bytes.
  static let steps: [Parser] = [
    Parser("queue of transfers") { bytes in
      var queue = DownloadQueue<Step>(mostOpen: 1)
      for (id, byte) in bytes.enumerated() { queue.place(Step(id: id), urgency(byte)) }
      for (id, byte) in bytes.enumerated() { queue.place(Step(id: id), urgency(byte &+ 1)) }
      for id in bytes.indices where id % 3 == 0 { _ = queue.remove(Step(id: id)) }
      while queue.next() != nil {}
    },
    Parser("blobs of a cache") { bytes in
      var shelf = CacheShelf(limit: nil, keeps: false)
      // Most of the work is making digests.
      let digests = stride(from: 0, to: bytes.count, by: 8).compactMap { number in
        let hex = String(number, radix: 16)
        return try? Digest("sha256:" + String(repeating: "0", count: 64 - hex.count) + hex)
      }
      for digest in digests {
        _ = shelf.sacrifices(for: digest, size: 1)
        _ = shelf.begin(digest, size: 1, now: 0)
      }
      for digest in digests {
        shelf.release(digest, now: 1)
        _ = shelf.leaving.contains(digest)
        _ = shelf.isTight(for: 1)
      }
      for digest in shelf.leaving { shelf.found(digest, nil, bytes: 0) }
    },
    Parser("registries of a site") { bytes in
      let paths = stride(from: 0, to: bytes.count, by: 32).map {
        HistoryExport.Path(
          registry: "r\($0).test", blobHost: "b.test", pulls: 1,
          points: [.init(poolSize: 4, statistics: .init(weight: 1, mean: 15, squares: 0))])
      }
      let machine = MachineIdentity(name: "m", cpus: 2, os: "Linux", architecture: "x86_64")
      _ = SiteHistory([HistoryExport(cpus: 2, at: 1, paths: paths)])
        .reports(for: machine, besides: [], now: 2)
    },
  ]

  private struct Step: Identifiable {
    let id: Int
  }

  private static func urgency(_ byte: UInt8) -> Urgency {
    Urgency.allCases[Int(byte) % Urgency.allCases.count]
  }
}
