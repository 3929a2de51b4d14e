import FoundationEssentials
import Glibc

/// This machine, as far as a pool size depends on it.
public enum Machine {
  /// CPUs that this process may use: its affinity, bounded by its control group's quota, at least 1.
  public static var effectiveCPUs: Int {
    var count = affinity
    if let quota = quota { count = min(count, max(1, Int(quota.rounded(.up)))) }
    return max(1, count)
  }

  /// CPUs in this process's affinity mask, by `/proc/self/status`.
  private static var affinity: Int {
    let lines = text("/proc/self/status")?.split(separator: "\n") ?? []
    let mask = lines.first { $0.hasPrefix("Cpus_allowed:") }?.dropFirst("Cpus_allowed:".count) ?? ""
    let count = mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
    return count > 0 ? count : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// CPUs that the control group grants; nil: no limit.
  private static var quota: Double? {
    guard let groups = text("/proc/self/cgroup") else { return nil }
    for line in groups.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      if parts[0] == "0", let limit = version2("/sys/fs/cgroup\(parts[2])") { return limit }
      if parts[1].split(separator: ",").contains("cpu") {
        let limits = [String(parts[2]), ""].compactMap { version1("/sys/fs/cgroup/cpu\($0)") }
        if let limit = limits.first { return limit }
      }
    }
    return nil
  }

  private static func version2(_ folder: String) -> Double? {
    guard let words = text(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace),
      words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), period > 0
    else { return nil }
    return quota / period
  }

  private static func version1(_ folder: String) -> Double? {
    guard let quota = number(folder + "/cpu.cfs_quota_us"), quota > 0,
      let period = number(folder + "/cpu.cfs_period_us"), period > 0
    else { return nil }
    return quota / period
  }

  private static func number(_ path: String) -> Double? {
    text(path).flatMap { Double($0.filter { !$0.isWhitespace }) }
  }

  private static func text(_ path: String) -> String? {
    (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
  }
}
