/// Bounds runs of combining marks, and of letters of flags, in text of others.
///
/// Swift compares, hashes and splits strings by their normal form, for which each run of marks is
/// sorted by insertion: time quadratic in its length, hours for a document of 4 MiB. No language
/// puts more than a few marks on a letter, and Unicode's own format for this has at most 30. Which
/// two letters make a flag is counted from the run's beginning, so that each step backwards goes
/// over all of it. What is behind so many is left out where text enters, and all later work is
/// linear.
///
/// - Source: UAX #15, 13, Stream-Safe Text Format; UAX #29, GB12.
struct MarkRuns {
  /// The most marks in a row that are kept.
  static let mostMarks = 30
  /// The most letters of flags in a row that are kept.
  static let mostLetters = 64

  private enum Kind { case mark, letter }

  private var kind: Kind?
  private var run = 0

  /// Whether a scalar is kept, after those that were asked about before it.
  mutating func keeps(_ scalar: Unicode.Scalar) -> Bool {
    let found = Self.kind(scalar)
    run = found != nil && found == kind ? run + 1 : 1
    kind = found
    return switch found {
    case .mark: run <= Self.mostMarks
    case .letter: run <= Self.mostLetters
    case nil: true
    }
  }

  /// A mark is sorted among its neighbours: its class says so, or that of what it is made of.
  private static func kind(_ scalar: Unicode.Scalar) -> Kind? {
    guard scalar.value >= 0x300 else { return nil }
    if (0x1F1E6...0x1F1FF).contains(scalar.value) { return .letter }
    let isMark =
      scalar.properties.canonicalCombiningClass != .notReordered
      || [0xF73, 0xF75, 0xF81].contains(scalar.value)
    return isMark ? .mark : nil
  }

  /// Whether there can be any in UTF-8: the first of them begins with `CC`.
  static func mayBe(in bytes: some Collection<UInt8>) -> Bool { bytes.contains { $0 >= 0xCC } }
}
