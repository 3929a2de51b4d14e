import FoundationEssentials
import Glibc
import History
import Tuning

/// What is known of one path, in words: the text report, tables, plots and the page say the same.
struct KnownWay {
  /// Throughput at one pool size, as it is drawn.
  struct Point {
    let poolSize: Int
    /// Bytes per second.
    let rate: Double
    /// From and to where it lies with 95 % confidence; nil for a lower bound.
    let spread: ClosedRange<Double>?

    var isBound: Bool { spread == nil }
  }

  let report: History.PathReport
  let estimate: PathEstimate?
  /// The pool size that the next pull starts from; nil: it knows none.
  let start: Int?
  /// What it starts from where it is short, or of small blobs.
  private let otherStarts: ClosedRange<Int>?
  /// Seconds since it was used last.
  let age: Double

  init(_ report: History.PathReport, now: Double) {
    self.report = report
    estimate = report.prior.flatMap { PathEstimate($0) }
    start = report.prior.flatMap { PathEstimate.startingSize($0) }
    otherStarts = report.prior.flatMap { PathEstimate.startingSizes($0) }
    age = max(0, now - report.usedAt)
  }

  var machine: MachineIdentity { report.machine }
  var path: PathIdentity { report.path }
  /// Whether the best pool size is known.
  var isKnown: Bool { estimate.map { $0.gap == nil } ?? false }

  /// What was measured, smallest pool size first, of the kind that the estimate is made of.
  var points: [Point] {
    if let sweep { return sweep.points.map { Point($0.poolSize, $0.rate, $0.spread) } }
    return (report.prior?.points ?? []).filter { $0.weight > 0 }.map {
      Point($0.poolSize, $0.rate, $0.isBound ? nil : $0.spread)
    }
  }

  private var sweep: SweepEvidence? {
    if case .sweep(let sweep)? = estimate?.source { sweep } else { nil }
  }

  /// Bytes per second at a pool size that was measured itself.
  func measuredRate(_ size: Int) -> Double? {
    points.first { $0.poolSize == size && !$0.isBound }?.rate
  }

  // MARK: Words

  var machineWords: String {
    let cpus = machine.cpus == 1 ? "1 CPU" : "\(machine.cpus) CPUs"
    return "\(machine.name) (\(cpus), \(machine.os) \(machine.architecture))"
  }

  var usedWords: String {
    if let machines = report.siteMachines {
      let count = machines == 1 ? "1 machine" : "\(machines) machines"
      return "from the site's history (\(Self.pulls(report.pulls)) on \(count)), exported "
        + "\(Self.age(age)) ago"
    }
    let pulls = report.isImported ? "imported" : Self.pulls(report.pulls)
    let limit = report.limitedBy.map { "; limited by \($0.words)" } ?? ""
    return "\(pulls), last \(Self.age(age)) ago\(limit)"
  }

  var unknownWords: String {
    (estimate?.gap ?? .tooShort).words
  }

  var bestWords: String {
    guard let estimate, estimate.gap == nil else { return "not known yet: \(unknownWords)" }
    let (low, high) = (estimate.interval.lowerBound, estimate.interval.upperBound)
    let range = low == high ? "" : " (90 %: \(low) to \(high))"
    return "best with \(Self.workers(estimate.optimum))\(range): \(Self.mebibytes(estimate.rate))"
  }

  /// What the estimate is made of: kind, number and age.
  var evidenceWords: [String] {
    if let sweep {
      return [
        "by a sweep: \(Self.pulls(sweep.runs)) of \(sweep.reference) with "
          + "\(sweep.points.count) pool sizes, \(Self.age(sweep.age)) ago; rates of whole pulls"
      ]
    }
    let points = report.prior?.points.filter { $0.weight > 0 } ?? []
    let measured = points.filter { !$0.isBound }
    let seconds = measured.reduce(0) { $0 + $1.busyWeight }
    let bounds = points.count - measured.count
    var words: [String] = []
    if !measured.isEmpty {
      let sizes = measured.count == 1 ? "1 pool size" : "\(measured.count) pool sizes"
      words.append(
        "\(sizes) measured for \(String(figures: "%.1f", seconds)) s in all, what is older than 14 days "
          + "counts half")
    }
    if bounds > 0 {
      words.append("\(bounds == 1 ? "1" : "\(bounds)") short of work: lower bounds only")
    }
    return words
  }

  /// One worker and twice the CPUs beside the best, where those were measured.
  var comparedWords: [String] {
    guard let estimate, estimate.gap == nil else { return [] }
    let twice = 2 * machine.cpus
    return [(1, "one worker"), (twice, "2 x CPU = \(twice)")].compactMap { size, name in
      points.first { $0.poolSize == size && !$0.isBound }.map { point in
        // Faster than the best is what chance made of as fast.
        let isFaster = point.rate > estimate.rate && size != estimate.optimum
        return "\(name): \(Self.mebibytes(point.rate)), "
          + (isFaster
            ? "as fast as the best"
            : String(figures: "%.0f %% of the best", 100 * point.rate / estimate.rate))
      }
    }
  }

  var startWords: String? {
    if report.siteMachines != nil { return "a pull takes it as a hint until it has measured" }
    guard let start else { return nil }
    let words = "the next pull starts from \(Self.workers(start))"
    guard let others = otherStarts, others != start...start else { return words }
    let range =
      others.lowerBound == start
      ? "up to \(others.upperBound)" : "\(others.lowerBound) to \(others.upperBound)"
    return words + "; a short one, or one of small layers, from \(range)"
  }

  static func workers(_ count: Int) -> String { count == 1 ? "1 worker" : "\(count) workers" }

  static func pulls(_ count: Int) -> String { count == 1 ? "1 pull" : "\(count) pulls" }

  static func mebibytes(_ rate: Double) -> String {
    String(figures: "%.2f MiB/s", rate / 1_048_576)
  }

  static func age(_ seconds: Double) -> String {
    if seconds < 90 { return "\(Int(clamping: seconds)) s" }
    if seconds < 5_400 { return "\(Int(clamping: seconds / 60)) min" }
    if seconds < 129_600 { return "\(Int(clamping: seconds / 3_600)) h" }
    return "\(Int(clamping: min(seconds, 1e11) / 86_400)) days"
  }
}

extension KnownWay.Point {
  init(_ poolSize: Int, _ rate: Double, _ spread: ClosedRange<Double>?) {
    self.poolSize = poolSize
    self.rate = rate
    self.spread = spread
  }
}
