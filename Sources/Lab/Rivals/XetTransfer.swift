import Tuning

/// What xet-core's `ConnectionPermitInfo` knows of a transfer.
///
/// Source: huggingface/xet-core, `xet_client/src/cas_client/adaptive_concurrency/controller.rs`,
/// commit 00716d0f.
struct XetTransfer: Sendable {
  /// When its request was sent.
  var startedAt: Moment
  /// Transfers in flight then.
  var concurrencyAtStart: Int
  /// What was predicted then.
  var regressionAtStart: XetRegression
  /// Bytes that it has brought.
  var bytes = 0.0
  /// The share of its weight that its partial reports have had.
  var reported = 0.0
  /// When it last reported a part.
  var reportedAt: Moment?
}
