/// Bounds runs of combining marks in text of others.
///
/// Swift compares, hashes and splits strings by their normal form, for which each run of marks is sorted by insertion: time
/// quadratic in its length, hours for a document of 4 MiB. No language puts more than a few marks on a letter, and Unicode's own format
/// for this has at most 30. What is behind them is left out where text enters, and all later work is linear.
///
/// - Source: UAX #15, 13, Stream-Safe Text Format.
struct MarkRuns {
  /// The most marks in a row that are kept.
  static let most = 30

  private var run = 0

  /// Whether a scalar is kept, after those that were asked about before it.
  mutating func keeps(_ scalar: Unicode.Scalar) -> Bool {
    guard Self.isMark(scalar) else {
      run = 0
      return true
    }
    run += 1
    return run <= Self.most
  }

  /// Whether it is sorted among its neighbours: its class says so, or that of what it is made of.
  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    return scalar.properties.canonicalCombiningClass != .notReordered
      || [0xF73, 0xF75, 0xF81].contains(scalar.value)
  }

  /// Whether there can be marks in UTF-8: the first of them begins with `CC`.
  static func mayBe(in bytes: some Collection<UInt8>) -> Bool { bytes.contains { $0 >= 0xCC } }
}
