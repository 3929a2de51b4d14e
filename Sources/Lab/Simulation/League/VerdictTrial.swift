package import Tuning

/// Whether what a pull says of its limit is true: the same pull again, with one thing at a time
/// better, and worse.
///
/// What limits a pull is what its time goes with. So the truth is an experiment: the line is made
/// half as wide again, and by as much narrower; so are the server's rate per connection, losses,
/// and so on, each alone. Where two limit together, neither helps alone but both hurt, and each has
/// half of the weight.
package struct VerdictTrial: Sendable {
  /// One pull that is to be judged.
  package struct Cell: Sendable {
    let link: LinkModel
    let image: ImageModel
    let setting: Setting
    let length: Double
    let isWarm: Bool
    let seed: UInt64

    /// What comes of it; nil where the setting makes no sense over this link.
    package var outcome: Outcome? {
      judge(link, image, setting, length: length, isWarm: isWarm, seed: seed)
    }
  }

  /// Pulls over links: plain ones, and of one other setting over each link, without a history and with one.
  ///
  /// - Parameters:
  ///   - links: the links; settings and images take turns over them.
  ///   - images: the shapes.
  ///   - lengths: seconds that images take at the best rate.
  ///   - seeds: one run of each for each.
  package static func cells(
    _ links: [LinkModel], _ images: [ImageModel], lengths: [Double], seeds: [UInt64]
  ) -> [Cell] {
    let others = Setting.allCases.dropFirst()
    guard !images.isEmpty else { return [] }
    var cells: [Cell] = []
    for (index, link) in links.enumerated() {
      let image = images[index % images.count]
      let other = others[others.startIndex + index % others.count]
      for length in lengths {
        for isWarm in [false, true] {
          for setting in [.plain, other] {
            for seed in seeds {
              cells.append(
                Cell(
                  link: link, image: image, setting: setting, length: length, isWarm: isWarm,
                  seed: seed))
            }
          }
        }
      }
    }
    return cells
  }

  /// What is done to a drawn link, or asked of a pull, beside what it is.
  package enum Setting: String, Sendable, CaseIterable {
    /// Nothing.
    case plain
    /// `--limit-rate` of half of what comes.
    case limitRate = "--limit-rate"
    /// `--max-workers` of a quarter of what is enough.
    case maxWorkers = "--max-workers"
    /// A server that gives each connection less than 64 of them need to fill the line, smoothly.
    case cap = "server's cap"
    /// The same, by the second.
    case capBySecond = "cap by the second"
    /// A server that gives everybody together less than the line.
    case server = "server's total"
    /// A disk slower than the line.
    case disk = "slow disk"
    /// A CPU slower than the line.
    case cpu = "slow CPU"
    /// Blobs so small that they cost more round trips than bytes.
    case smallBlobs = "small blobs"
  }

  /// How one pull went.
  package struct Outcome: Sendable {
    /// The link's name.
    package var link: String
    /// The image's.
    package var image: String
    /// What was asked of it.
    package var setting: Setting
    /// Whether it had a history.
    package var isWarm: Bool
    /// Seconds that it took.
    package var seconds: Double
    /// How much of its time goes with each thing: about 1 where a tenth more of it saves a tenth of
    /// the time, 0 where it does not matter.
    package var weights: [PullRecord.Limit: Double]
    /// What it saw.
    package var evidence: PullEvidence

    /// What is said of it.
    package var verdict: Verdict { Verdict(evidence) }

    /// Weights from which a thing limits, alone and beside the heaviest.
    private static let enough = (alone: 0.35, beside: 0.6)

    /// A weight as it counts: a policy that takes another course can make it any.
    private static func counted(_ weight: Double) -> Double { min(1, weight) }

    /// Whether what is said is so; several things may limit a pull together.
    package var isRight: Bool {
      guard let cause = verdict.cause, let weight = weights[cause].map(Self.counted) else {
        return false
      }
      let most = weights.values.map(Self.counted).max() ?? 0
      return weight >= Self.enough.alone && weight >= Self.enough.beside * most
    }

    /// What limits it: what is said, where that is right; else the heaviest, or `none`.
    package var truth: String {
      if let cause = verdict.cause, isRight { return cause.rawValue }
      let most = weights.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }
      guard let most, most.value >= Self.enough.alone else { return "none" }
      return most.key.rawValue
    }
  }
}
