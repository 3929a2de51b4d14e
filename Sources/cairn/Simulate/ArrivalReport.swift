import Plot
import Rivals
import Simulation

/// Clients that come one after the other to one pool, and want images which share layers.
struct ArrivalReport {
  /// A link, an image, a policy and a seed, and what became of the clients.
  struct Row: Sendable {
    let link: LinkModel
    let image: ImageModel
    let policy: PolicyName
    let seed: UInt64
    let outcome: Arrivals.Outcome
  }

  let rows: [Row]

  /// Runs `clients` over each link, for each image.
  ///
  /// - Parameter told: how many links and images are done.
  init(
    _ links: [LinkModel], _ images: [ImageModel], _ policies: [PolicyName], clients: Int,
    seeds: Int, keepsTrace: Bool, told: @escaping Headway
  ) async {
    let cells = links.flatMap { link in
      images.flatMap { image in policies.map { (link, image, $0) } }
    }
    rows = await concurrently(cells, told: told) { link, image, policy in
      (1...UInt64(max(1, seeds))).map { seed in
        Row(
          link: link, image: image, policy: policy, seed: seed,
          outcome: Arrivals.run(
            clients, policy, model: link, image: image, seed: seed, keepsTrace: keepsTrace))
      }
    }.flatMap { $0 }
  }

  /// A row for each link, image, policy and seed.
  var table: Table {
    var table = Table(columns: [
      "link", "image", "policy", "seed", "clients", "wanted MB", "fetched MB", "median s",
      "slowest s", "requests", "refused",
    ])
    for row in rows {
      let outcome = row.outcome
      table.rows.append([
        .text(row.link.name), .text(row.image.name), .text(row.policy.rawValue),
        .number(Double(row.seed), digits: 0), .number(Double(outcome.clients.count), digits: 0),
        .number(Double(outcome.wanted) / 1e6, digits: 1),
        .number(Double(outcome.fetched) / 1e6, digits: 1),
        .number(outcome.seconds.median, digits: 2), .number(outcome.seconds.slowest, digits: 2),
        .number(Double(outcome.pull.requests), digits: 0),
        .number(Double(outcome.pull.refusals), digits: 0),
      ])
    }
    return table
  }

  /// Seconds of every client, by when it came.
  var plot: Plot {
    let series = rows.map { row in
      Plot.Series(
        name: "\(row.link.name), \(row.image.name), \(row.policy.rawValue)", style: .points,
        points: row.outcome.clients.filter(\.seconds.isFinite).map {
          .init(x: $0.arrivedAt, y: $0.seconds)
        })
    }
    return Plot(
      title: "Seconds until a client had its image", xLabel: "arrival, s", yLabel: "seconds",
      series: Array(series.prefix(8)))
  }

  /// Every client, and every decision of the pool that they share.
  var explanation: String {
    rows.map { row in
      let title =
        "\(row.link.name), \(row.image.name), \(row.policy.rawValue), seed \(row.seed):"
      let clients = row.outcome.clients.enumerated().map { index, client in
        String(
          figures: "%8.2f s client %d comes, and has its image after %.2f s", client.arrivedAt,
          index + 1, client.seconds)
      }
      let steps = row.outcome.pull.trace.changes.map {
        Explanation.line($0.decision, at: $0.sample.now.seconds)
      }
      return ([title] + clients + steps).joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }
}
