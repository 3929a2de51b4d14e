import Glibc

/// What one kind of text costs in four lengths.
struct Measure {
  /// CPU of the longest.
  let seconds: Double
  /// Why it is no linear work; nil: it is.
  let failure: String?

  /// The most that twice the text may cost: what sorts once is below, what goes over all before it is at 4.
  private static let most = 2.6
  /// What is over so soon says nothing of ratios, and the longest text of something quadratic takes longer.
  private static let shortest = 0.002
  /// Memory that the allocator takes anyway, in bytes.
  private static let smallest = 12 << 20
  /// Times that something suspicious is measured again: a busy machine is slow once, not always.
  private static let tries = 5

  /// - Parameters:
  ///   - bytes: of the longest text.
  ///   - withMemory: whether that is looked at, too, which takes longer than most parsers.
  ///   - run: parses a text of so many bytes.
  init(bytes: Int, withMemory: Bool, _ run: (Int) -> () -> Void) {
    let longest = run(bytes)
    let cost = Cost(longest, withMemory: withMemory)
    seconds = cost.seconds
    guard seconds > Self.shortest || cost.memory > Self.smallest else {
      failure = nil
      return
    }
    let texts = [run(bytes / 8), run(bytes / 4), run(bytes / 2), longest]
    var costs = texts.prefix(3).map { Cost($0, withMemory: withMemory) } + [cost]
    var found = Self.complaint(costs)
    for _ in 0..<Self.tries where found != nil {
      costs = zip(costs, texts).map { $0.least(Cost($1, withMemory: withMemory)) }
      found = Self.complaint(costs)
    }
    failure = found
  }

  private static func complaint(_ costs: [Cost]) -> String? {
    // The last two say most, since what is the same for every text weighs least there; all four
    // must agree, since a busy machine has steps of its own.
    let (first, half, whole) = (costs[0], costs[2], costs[3])
    let isSteep = whole.seconds > first.seconds * most * most * most
    if whole.seconds > shortest, isSteep, whole.seconds > half.seconds * most {
      return "CPU \(shown(costs.map { $0.seconds * 1e3 })) ms"
    }
    if whole.memory > smallest, Double(whole.memory) > Double(half.memory) * most {
      return "memory \(shown(costs.map { Double($0.memory >> 10) })) KiB"
    }
    return nil
  }

  private static func shown(_ values: [Double]) -> String {
    values.map { "\(($0 * 10).rounded() / 10)" }.joined(separator: ", ")
  }
}

/// What one run took.
struct Cost {
  /// Of CPU, of this thread.
  var seconds: Double
  /// The most bytes that the process had more than before.
  var memory: Int

  init(_ run: () -> Void, withMemory: Bool) {
    if withMemory {
      Self.giveBack()
      Self.forgetPeak()
    }
    let (before, begun) = (withMemory ? Self.peak() : 0, Self.now())
    run()
    seconds = Self.now() - begun
    memory = withMemory ? max(0, Self.peak() - before) : 0
  }

  /// The lesser of each.
  func least(_ other: Cost) -> Cost {
    var least = self
    least.seconds = min(seconds, other.seconds)
    least.memory = min(memory, other.memory)
    return least
  }

  /// Gives the system what the allocator keeps, so that it counts when it is taken again; no header
  /// of the module has it.
  private static func giveBack() {
    typealias Trim = @convention(c) (Int) -> Int32
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(symbol, to: Trim.self)(0)
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Makes the kernel's high-water mark what the process has now.
  private static func forgetPeak() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  /// `VmHWM`, in bytes.
  private static func peak() -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      guard text.hasPrefix("VmHWM:") else { continue }
      return (Int(text.filter(\.isNumber)) ?? 0) << 10
    }
    return 0
  }
}
