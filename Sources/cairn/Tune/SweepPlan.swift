import OCI

/// What a sweep is about to do, for whoever is asked.
struct SweepPlan {
  /// The image.
  let reference: String
  /// Pulls that are left.
  let pulls: Int
  /// Bytes of each.
  let bytes: Int64
  /// Whether pulls count against Docker Hub's quota.
  let isDockerHub: Bool

  /// One line, or two.
  var text: String {
    let (sum, isTooMuch) = bytes.multipliedReportingOverflow(by: Int64(pulls))
    let total = ByteCount.text(isTooMuch ? .max : sum)
    let count = pulls == 1 ? "one pull" : "\(pulls) pulls"
    let line = "\(count) of \(reference), \(ByteCount.text(bytes)) each: \(total) in all"
    guard isDockerHub, pulls > 0 else { return line }
    return line
      + "\neach of them counts against Docker Hub's pull quota for your account or address"
  }
}
