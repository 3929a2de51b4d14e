import Disk
import Glibc
import OCI

/// This machine, as far as a pool size depends on it.
package enum Machine {
  /// CPUs that this process may use: its affinity, bounded by its control group's quota, at least 1.
  package static var effectiveCPUs: Int {
    var count = affinity
    // A quota beyond all CPUs is none, whatever is written there.
    if let quota, quota < Double(count) { count = max(1, Int(clamping: quota.rounded(.up))) }
    return max(1, count)
  }

  /// The microarchitecture level of an x86-64 processor, from 1 to 4; 1 for others.
  ///
  /// Source: the x86-64 psABI, "Micro-Architecture Levels", by the flags that `/proc/cpuinfo` names.
  package static let processorLevel = level(
    flags: text("/proc/cpuinfo") ?? "")

  static func level(flags text: String) -> Int {
    let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    let flags = Set(line.split(whereSeparator: \.isWhitespace).map(String.init))
    let levels = [
      ["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"],
      ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"],
      ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
    ]
    return 1 + levels.prefix { flags.isSuperset(of: $0) }.count
  }

  /// The host's name.
  package static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The operating system's name and the machine's architecture, as `uname` gives them.
  package static var system: (os: String, architecture: String) {
    let os = text("/proc/sys/kernel/ostype")?.filter { !$0.isWhitespace }.lowercased()
    var info = utsname()
    guard uname(&info) == 0 else { return (os ?? "linux", "unknown") }
    let machine = withUnsafeBytes(of: info.machine) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return (os ?? "linux", machine)
  }

  /// What tells one network from another: the interface of the way out, the gateway's address and, where
  /// it is known, its hardware address.
  ///
  /// - Parameter host: where the way should lead; loopback is a network of its own.
  package static func network(to host: String) -> String {
    network(to: host, by: wayOut)
  }

  /// The same for any number of hosts, where the way out is looked at once.
  package static func networks() -> (_ host: String) -> String {
    let way = wayOut
    return { network(to: $0, by: way) }
  }

  private static func network(to host: String, by way: @autoclosure () -> String) -> String {
    let name = host.split(separator: ":").first.map(String.init) ?? host
    if name == "localhost" || name.hasPrefix("127.") || host.hasPrefix("[::1]") {
      return "loopback"
    }
    return way()
  }

  private static var wayOut: String {
    let routes = (text("/proc/net/route") ?? "").split(separator: "\n").dropFirst()
    for route in routes {
      let fields = route.split(whereSeparator: \.isWhitespace)
      guard fields.count > 7, fields[1] == "00000000", let raw = UInt32(fields[2], radix: 16) else {
        continue
      }
      let gateway = (0..<4).map { String((raw >> (8 * $0)) & 255) }.joined(separator: ".")
      let neighbours = (text("/proc/net/arp") ?? "").split(separator: "\n")
      let hardware = neighbours.first { $0.hasPrefix(gateway + " ") }?
        .split(whereSeparator: \.isWhitespace).dropFirst(3).first
      return "\(fields[0])/\(gateway)" + (hardware.map { "/\($0)" } ?? "")
    }
    return "unknown"
  }

  /// CPUs in this process's affinity mask, by `/proc/self/status`.
  package static var affinity: Int {
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
    try? InputFile.text(path, limit: 16 << 20)
  }
}
