import Tuning

/// Hugging Face xet-core's adaptive concurrency: one more while transfers succeed, or one less.
///
/// Source: huggingface/xet-core, `xet_client/src/cas_client/adaptive_concurrency/controller.rs`,
/// commit 00716d0f (`report_and_update`), with `XetRegression` and `XetAverage`; the constants are
/// in `xet_runtime/src/config/groups/client.rs`, commit 0867063e. That opens downloads with 4
/// (`ac_initial_download_concurrency`; older versions, such as d76ca7c9, with 1) and stays within 1
/// to 64.
///
/// - Nothing moves before 20 MB (`ac_min_bytes_required_for_adjustment`) and one whole transfer
///   (`ac_num_transmissions_required_for_adjustment`). Neither count is ever set back: it is a gate
///   that opens once. After that a step of one is possible more than 0.5 s after the step before
///   (`ac_min_adjustment_window_ms`).
/// - A transfer succeeds when it ends well, within 90 s (`ac_max_healthy_rtt`), and below the 0.95
///   quantile (`ac_rtt_success_max_quantile`) of the regression that stood when it began.
/// - Up when the share of successes is above 0.8 (`ac_healthy_success_ratio_threshold`; half-life
///   8) and a transfer of the reference size would take less than 60 s (`ac_target_rtt`) with one
///   more. That size is the 0.95 quantile of those seen, 1 to 64 MB.
/// - Down after a failure, a transfer over 90 s, or, once a transfer has ended, with a share below
///   0.5.
/// - A transfer in flight reports its part each 0.2 s; all such reports together weigh 0.2 of it.
///
/// Theirs is told by each transfer what it brought and how long it took; a `Sample` says how many
/// responses began, how long each waited, how many carry data, and what all of them brought. So a
/// transfer here begins when a first byte comes, less the time waited for it, as theirs is timed
/// from its request. Those that carried data and do so no longer have ended, the oldest first. All
/// in flight are taken to have brought the same, since nothing tells them apart. The length of a
/// request, of which a partial report is a part, is not in a sample either: the time that a request
/// should last stands in for it. A refusal is a retryable failure.
struct XetPolicy: Policy {
  /// `ac_initial_download_concurrency`, in workers.
  private static let openingSize = 4
  /// `ac_max_download_concurrency`, in workers.
  private static let most = 64
  /// `ac_min_bytes_required_for_adjustment`, in bytes.
  private static let bytesOfGate: Int64 = 20_000_000
  /// `ac_num_transmissions_required_for_adjustment`.
  private static let transfersOfGate = 1
  /// `ac_min_adjustment_window_ms`, in seconds.
  private static let stepSeconds = 0.5
  /// `ac_success_tracking_half_life`, in transfers.
  private static let successHalfLife = 8.0
  /// `ac_latency_rtt_half_life`, in transfers.
  private static let sizeHalfLife = 64.0
  /// `ac_target_rtt`.
  private static let targetSeconds = 60.0
  /// `ac_max_healthy_rtt`.
  private static let healthySeconds = 90.0
  /// `ac_rtt_success_max_quantile`.
  private static let successQuantile = 0.95
  /// `ac_healthy_success_ratio_threshold`.
  private static let healthyRatio = 0.8
  /// `ac_unhealthy_success_ratio_threshold`.
  private static let unhealthyRatio = 0.5
  /// `ac_min_reference_transmission_size` and `ac_max_reference_transmission_size`, in bytes.
  private static let referenceBytes = 1e6...64e6
  /// `REFERENCE_SIZE_QUANTILE_Z`: the 0.95 quantile of a normal distribution.
  private static let referenceDeviations = 1.645
  /// `MIN_SIZE_OBSERVATIONS_FOR_REFERENCE`.
  private static let sizesForReference = 3
  /// `MIN_PARTIAL_REPORT_INTERVAL_MS`, in seconds.
  private static let partialSeconds = 0.2
  /// `PARTIAL_REPORT_WEIGHT_RATIO`.
  private static let partialWeight = 0.2

  private let maximum: Int
  private var poolSize = XetPolicy.openingSize
  private var steppedAt = Moment.zero
  private var regression = XetRegression()
  private var successes = XetAverage(halfLife: successHalfLife)
  private var logSizes = XetAverage(halfLife: sizeHalfLife)
  private var squaredLogSizes = XetAverage(halfLife: sizeHalfLife)
  private var sizesSeen = 0
  private var transfersEnded = 0
  private var transfers: [XetTransfer] = []
  private var bytesBefore: Int64 = 0

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  init(maximum: Int) { self.maximum = min(Self.most, maximum) }

  /// The name in reports.
  var name: String { "hf-xet" }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision {
    steppedAt = opening.now
    poolSize = min(maximum, poolSize)
    return decision
  }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    for waited in sample.firstByteSeconds {
      transfers.append(
        XetTransfer(
          startedAt: sample.now + -waited, concurrencyAtStart: sample.open,
          regressionAtStart: regression))
    }
    let share = Double(sample.bytesDone - bytesBefore) / Double(max(1, transfers.count))
    bytesBefore = sample.bytesDone
    for index in transfers.indices { transfers[index].bytes += share }

    let ended = transfers.prefix(max(0, transfers.count - sample.carrying))
    transfers.removeFirst(ended.count)
    for transfer in ended {
      report(transfer, isWhole: true, weight: 1 - transfer.reported, sample)
    }
    for index in transfers.indices { reportPart(index, sample) }
    for _ in sample.refusals {
      transfersEnded += 1
      successes.add(0)
      step(sample, isPart: false, hasFailed: true)
    }
    return decision
  }

  /// `get_partial_completion_reporting_function`.
  private mutating func reportPart(_ index: Int, _ sample: Sample) {
    if let before = transfers[index].reportedAt, sample.now - before < Self.partialSeconds {
      return
    }
    transfers[index].reportedAt = sample.now
    let elapsed = sample.now - transfers[index].startedAt
    let reported = Self.partialWeight * min(1, elapsed / decision.segmentSeconds)
    let weight = reported - transfers[index].reported
    guard weight > 0 else { return }
    transfers[index].reported = reported
    report(transfers[index], isWhole: false, weight: weight, sample)
  }

  /// `report_and_update` of a transfer that goes well.
  private mutating func report(
    _ transfer: XetTransfer, isWhole: Bool, weight: Double, _ sample: Sample
  ) {
    let seconds = max(1e-4, sample.now - transfer.startedAt)
    let isInTime = seconds < Self.healthySeconds
    let concurrency = Double(sample.open + transfer.concurrencyAtStart) / 2
    let quantile = transfer.regressionAtStart.quantile(
      seconds: seconds, bytes: transfer.bytes, concurrency: concurrency)
    if isWhole { transfersEnded += 1 }
    successes.add(isInTime && quantile < Self.successQuantile ? 1 : 0, weight: weight)
    regression.add(
      bytes: transfer.bytes, seconds: seconds, concurrency: concurrency, weight: weight)
    if isWhole { noteSize(transfer.bytes) }
    step(sample, isPart: !isWhole, hasFailed: !isInTime)
  }

  /// `update_size_tracking`.
  private mutating func noteSize(_ bytes: Double) {
    guard bytes >= 1 else { return }
    let size = log(bytes)
    logSizes.add(size)
    squaredLogSizes.add(size * size)
    sizesSeen += 1
  }

  /// `estimated_reference_transmission_size`, in bytes.
  private var referenceSize: Double {
    guard sizesSeen >= Self.sizesForReference else { return Self.referenceBytes.upperBound }
    let mean = logSizes.value
    let deviation = max(0, squaredLogSizes.value - mean * mean).squareRoot()
    let size = exp(mean + Self.referenceDeviations * deviation)
    return min(Self.referenceBytes.upperBound, max(Self.referenceBytes.lowerBound, size))
  }

  private mutating func step(_ sample: Sample, isPart: Bool, hasFailed: Bool) {
    guard sample.bytesDone >= Self.bytesOfGate, transfersEnded >= Self.transfersOfGate,
      sample.now - steppedAt > Self.stepSeconds
    else { return }
    let ratio = min(1, max(0, successes.value))
    if ratio > Self.healthyRatio {
      let prediction = regression.predict(
        bytes: referenceSize, concurrency: Double(poolSize + 1))
      if let prediction, prediction.seconds < Self.targetSeconds {
        poolSize = min(maximum, poolSize + 1)
        // As theirs does even at its largest.
        steppedAt = sample.now
        return
      }
    }
    if hasFailed || (!isPart && ratio < Self.unhealthyRatio) {
      poolSize = max(1, poolSize - 1)
      steppedAt = sample.now
    }
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "share of successes")
  }
}
