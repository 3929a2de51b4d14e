import OCI

/// How fast an answer's content comes.
struct Pace: Equatable {
  var bytes: Int64
  /// The time that they took, in seconds.
  var seconds: Double
  /// Whether the answer is over: however few bytes it has, they are all.
  var isWhole = false

  /// Bytes per second.
  var rate: Double { Double(bytes) / max(seconds, 0.001) }

  // MARK: The rule

  /// Seconds over which it is seen whether a server is slow, and for which two of them are compared at most.
  static let span = Lateness.patience
  /// The same where the last answer of the server was slow.
  static let shortSpan = 0.5
  /// Seconds between two looks at an answer that is alone, and at two that are compared.
  static let look = (alone: 0.5, compared: 0.25)
  /// Bytes per second below which it is worth a request to see whether another server is faster.
  ///
  /// No more than a suspicion: on a thin line every connection is this slow, and the comparison shows it.
  private static let suspicious = Double(512 << 10)
  /// How many times as fast another server must be: two connections on one line may well differ by three.
  private static let factor = 8.0
  /// Bytes that show how fast a server is; fewer may have been on their way in one burst.
  private static let evidence: Int64 = 64 << 10

  /// Whether others are worth a try.
  var isSlow: Bool { rate < Self.suspicious }

  /// Whether this server has to leave its work to another one.
  ///
  /// - Parameter other: what the other one brought over the same time, its connection included.
  func isOutrun(by other: Pace) -> Bool {
    (other.bytes >= Self.evidence || other.isWhole) && other.rate >= rate * Self.factor
  }

  /// The rate for people.
  var words: String {
    let (number, unit) =
      switch rate {
      case ..<1_000: (rate, "B/s")
      case ..<1_000_000: (rate / 1_000, "KB/s")
      default: (rate / 1_000_000, "MB/s")
      }
    return "\(Int64(clamping: number.rounded())) \(unit)"
  }
}
