import Plot
import Simulation

/// What whole pulls take, at their own size, with fixed pools.
struct PredictionReport {
  /// A link and an image, and what pulls of it take.
  struct Row: Sendable {
    let link: LinkModel
    let image: ImageModel
    let points: [Oracle.Point]

    /// Seconds of a whole pull, with what comes before its first layer.
    func seconds(_ point: Oracle.Point) -> Double { point.seconds + link.resolvingSeconds }
  }

  let rows: [Row]
  let sizes: [Int]

  /// Predicts.
  ///
  /// - Parameters:
  ///   - sizes: the pools'.
  ///   - seeds: runs of each pull.
  ///   - told: how many links and images are done.
  init(
    _ links: [LinkModel], _ images: [ImageModel], sizes: [Int], seeds: Int,
    told: @escaping Headway
  ) async {
    let seeds = (1...UInt64(max(1, seeds))).map { $0 }
    let cells = links.flatMap { link in images.map { (link, $0) } }
    self.sizes = Set(sizes).sorted()
    let sizes = self.sizes
    rows = await concurrently(cells, told: told) { link, image in
      Row(
        link: link, image: image,
        points: Oracle(model: link, image: image, seeds: seeds, sizes: sizes).points)
    }
  }

  /// A row for each link, image and pool size.
  var table: Table {
    var table = Table(columns: ["link", "image", "workers", "seconds", "MiB/s"])
    for row in rows {
      for point in row.points {
        let seconds = row.seconds(point)
        table.rows.append([
          .text(row.link.name), .text(row.image.name), .number(Double(point.poolSize), digits: 0),
          .number(seconds, digits: 3),
          .number(Double(row.image.size) / seconds / 1_048_576, digits: 2),
        ])
      }
    }
    return table
  }

  // MARK: Drawing

  /// More lines than that cannot be told apart.
  private static let mostLines = 8

  /// Seconds of each, or of many, how much slower than with the best pool they are.
  var plot: Plot {
    guard rows.count > Self.mostLines else {
      let series = rows.map { row in
        Plot.Series(
          name: "\(row.link.name), \(row.image.name)", style: .line,
          points: row.points.map { .init(x: Double($0.poolSize), y: row.seconds($0)) })
      }
      return Plot(
        title: "Predicted seconds of a pull", xLabel: "workers", yLabel: "seconds", series: series)
    }
    let points = sizes.map { size in
      let shares = rows.compactMap { row in
        let best = row.points.map(row.seconds).min() ?? 0
        return row.points.first { $0.poolSize == size }.map { best / row.seconds($0) }
      }.sorted()
      let low = shares.isEmpty ? 0 : shares[shares.count / 10]
      let high = shares.isEmpty ? 0 : shares[shares.count - 1 - shares.count / 10]
      return Plot.Point(
        x: Double(size), y: shares.reduce(0, +) / Double(max(1, shares.count)),
        spread: min(low, high)...max(low, high))
    }
    return Plot(
      title:
        "Best of these pools' time over this one's: mean of \(rows.count), 10th to 90th percentile",
      xLabel: "workers", yLabel: "T_best / T",
      series: [.init(name: "", style: sizes.count > 1 ? .band : .points, points: points)])
  }
}
