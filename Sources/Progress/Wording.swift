import OCI

/// Numbers in words, as every display writes them.
package enum Wording {
  /// The nearest whole number that is not negative and fits; 0 of what is no number.
  static func whole(_ value: Double) -> Int64 {
    Int64(clamping: max(0, value).rounded())
  }

  /// For example `3.2 MiB/s`.
  static func rate(_ bytesPerSecond: Double) -> String {
    ByteCount.text(whole(bytesPerSecond)) + "/s"
  }

  /// For example `0:07`, `12:05`, `1:02:03`.
  package static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000 else { return "-:--" }
    let total = whole(seconds.rounded(.up))
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    let twoDigits = rest < 10 ? "0\(rest)" : "\(rest)"
    if hours == 0 { return "\(minutes):\(twoDigits)" }
    return "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(twoDigits)"
  }

  /// For example `1.2 s`.
  static func seconds(_ seconds: Double) -> String {
    let tenths = whole(seconds * 10)
    return "\(tenths / 10).\(tenths % 10) s"
  }

  /// For example ` 42 %`.
  static func percent(_ done: Int64, of size: Int64) -> String {
    let percent = size > 0 ? whole((Double(done) / Double(size) * 100).rounded(.down)) : 100
    return String(repeating: " ", count: max(0, 3 - String(percent).count)) + "\(percent) %"
  }

  static func summary(_ summary: ProgressEvent.Summary) -> String {
    let size = ByteCount.text(summary.bytes)
    if summary.fetched == 0 {
      return "\(summary.reference) is up to date (\(size), \(seconds(summary.seconds)))"
    }
    let reused = summary.bytes.subtractingClamped(summary.fetched)
    let (isOne, here) = (!summary.isOneOfSeveral, ByteCount.text(reused))
    return "pulled \(summary.reference): \(ByteCount.text(summary.fetched)) "
      + "in \(seconds(summary.seconds))"
      + (isOne ? pace(summary.fetched, summary.seconds, summary.poolSize) : "")
      + (reused > 0 ? ", \(here) were here already" : "")
      + (isOne ? limit(summary.limitedBy) : "")
  }

  /// What a run of several images came to.
  static func total(_ total: ProgressEvent.Total) -> String {
    let time = seconds(total.seconds)
    let all = "\(total.images) images"
    if total.fetched == 0, total.pulled == total.images { return "\(all) are up to date (\(time))" }
    let some = total.pulled == total.images ? all : "\(total.pulled) of \(all)"
    return "pulled \(some): \(ByteCount.text(total.fetched)) in \(time)"
      + (total.fetched > 0 ? pace(total.fetched, total.seconds, total.poolSize) : "")
      + limit(total.limitedBy)
  }

  private static func pace(_ bytes: Int64, _ seconds: Double, _ poolSize: Int) -> String {
    " (\(rate(Double(bytes) / max(seconds, 0.001))), \(workers(poolSize)))"
  }

  private static func limit(_ words: String?) -> String {
    words.map { "; limited by \($0)" } ?? ""
  }

  static func workers(_ count: Int) -> String { count == 1 ? "1 worker" : "\(count) workers" }

  /// How many of the workers are busy; those that end because the pool has become smaller are counted apart.
  static func pool(_ snapshot: PullSnapshot) -> String {
    let ending = snapshot.open.subtractingReportingOverflow(snapshot.poolSize)
    guard !ending.overflow, ending.partialValue > 0 else {
      return "\(snapshot.open)/\(workers(snapshot.poolSize))"
    }
    return "\(workers(snapshot.poolSize)) + \(ending.partialValue) ending"
  }

  /// As short as it gets.
  static func briefState(_ state: PullSnapshot.State) -> String {
    state == .elsewhere ? "by another" : Self.state(state)
  }

  /// What is happening to a blob; of one that another process fetches how far that is.
  static func state(_ blob: PullSnapshot.Blob) -> String {
    guard blob.state == .elsewhere, let process = blob.process else { return state(blob.state) }
    let share = String(percent(blob.done, of: blob.size).drop { $0 == " " })
    return blob.isStopped
      ? "process \(process) is stopped at \(share); taken over after a while"
      : "process \(process) is fetching it, \(share)"
  }

  static func state(_ state: PullSnapshot.State) -> String {
    switch state {
    case .waiting: "waiting"
    case .fetching: "downloading"
    case .elsewhere: "another cairn is fetching it"
    case .verifying: "verifying"
    case .done: "done"
    case .present: "already here"
    }
  }
}
