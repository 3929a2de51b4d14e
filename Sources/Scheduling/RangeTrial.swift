/// Whether ranges are what a server refuses in words of overload (429, 503): found out by one request for a
/// whole blob.
///
/// ```
/// idle   -> trying    ranges were refused in three rounds, and none was ever served
/// trying -> proven    the whole blob begins to come
/// trying -> idle      it is refused, too, as by an overloaded server; tried again after as many rounds more
/// proven              the next refusal of a range makes all blobs be asked for as wholes
/// ```
struct RangeTrial: Sendable {
  /// The blob that is asked for as a whole.
  var blob: BlobID?
  /// Whether it came.
  var isProven = false
  /// Whether anything came that was asked for as a whole, as small blobs are: the server is well.
  var wholesCome = false
  /// Rounds of refusals before the next trial.
  private var rounds = Self.least

  private static let least = 3

  /// Whether a blob is to be asked for as a whole now.
  ///
  /// - Parameter rounds: of refusals so far, in a row.
  mutating func begins(with blob: BlobID, _ rounds: Int) -> Bool {
    guard self.blob == nil, rounds >= self.rounds else { return false }
    self.blob = blob
    return true
  }

  /// Takes in that a blob was refused as a whole; true where that was the trial.
  mutating func fails(with blob: BlobID, _ rounds: Int) -> Bool {
    guard self.blob == blob, !isProven else { return false }
    self.blob = nil
    self.rounds = rounds + Self.least
    return true
  }
}
