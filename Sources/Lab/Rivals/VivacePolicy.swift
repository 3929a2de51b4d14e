import Tuning

/// In the style of PCC Vivace (NSDI'18): paired trials, then steps along the gradient.
///
/// Source: PCCproject/PCC-Uspace, `src/pcc/rate_control/pcc_vivace_rc.cpp`, commit c6396a45, and
/// `src/pcc/utility/pcc_vivace_ucalc.cpp`, commit 072dde60. Its constants: `kProbingStep` 0.02,
/// `kMinAmplifier` 10, `kGradientStepFactor` 0.1 (Mbit), `kMinChangeBound` 0.10,
/// `kChangeBoundStepSize` 0.05, `kMinChangeProportion` 0.01, `kStartingRate` 5 (Mbit/s);
/// `kExponent` 0.9, `kRTTCoefficient` 900, `kRTTFilter` 0.02. It doubles until the utility `T^0.9 -
/// 900 x T x (round trip's growth)` falls; then it tries four times, two above and two below, and
/// takes the better side if both pairs agree; after going up twice in a row it moves along the
/// gradient until that turns round.
///
/// Theirs sets a sending rate, this a number of workers: one worker stands for 1 Mbit/s of rate.
/// Workers are whole, so a trial and a step are one worker at least. A trial lasts a second in
/// place of a round trip or two, because new workers have to get going. Losses are not seen by a
/// receiver; that term (`kLossCoefficient`) is left out. Which side comes first alternates where
/// theirs draws it by lot. The largest pool ends the doubling, and the moving.
struct VivacePolicy: Policy {
  private enum Phase {
    case starting, probing, moving
  }

  private struct Trial {
    var poolSize: Int
    var utility: Double

    /// `ComputeUtilityGradient`: utility for each worker more.
    func gradient(to other: Trial) -> Double {
      guard poolSize != other.poolSize else { return 0 }
      return (utility - other.utility) / Double(poolSize - other.poolSize)
    }
  }

  private static let trialSeconds = 1.0
  /// `kStartingRate`, in workers.
  private static let startingSize = 5.0
  private static let probingStep = 0.02
  private static let smallestAmplifier = 10.0
  /// `kGradientStepFactor`, in workers.
  private static let gradientStepFactor = 0.1
  private static let smallestChangeBound = 0.1
  private static let changeBoundStep = 0.05
  private static let smallestChange = 0.01
  private static let exponent = 0.9
  private static let roundTripCoefficient = 900.0
  private static let roundTripFilter = 0.02
  /// `kBitsPerMegabit`.
  private static let megabit = 1_048_576.0

  private let maximum: Int
  private var probe = Probe(seconds: trialSeconds)
  private var roundTrips: [Double] = []
  private var phase = Phase.starting
  private var target = VivacePolicy.startingSize
  private var last: Trial?
  private var probes: [Trial] = []
  private var isHighFirst = false
  private var wentUp = false
  private var gradient = 0.0
  private var amplifier = VivacePolicy.smallestAmplifier
  private var changeBound = VivacePolicy.smallestChangeBound

  /// Makes the policy.
  ///
  /// - Parameter maximum: largest pool size.
  init(maximum: Int) { self.maximum = maximum }

  /// The name in reports.
  var name: String { "vivace" }

  /// The pool size to open with.
  mutating func start(_ opening: Opening) -> PoolDecision { decision }

  /// Takes a sample and decides again.
  mutating func observe(_ sample: Sample) -> PoolDecision {
    let trips = sample.readings.roundTripSeconds
    if !trips.isEmpty { roundTrips.append(trips.reduce(0, +) / Double(trips.count)) }
    guard let rate = probe.observe(sample) else { return decision }
    let megabits = rate * 8 / Self.megabit
    var growth = Self.growth(roundTrips)
    if growth < Self.roundTripFilter { growth = 0 }
    let utility = pow(megabits, Self.exponent) - Self.roundTripCoefficient * growth * megabits
    roundTrips = []
    let trial = Trial(poolSize: poolSize, utility: utility)
    switch phase {
    case .starting: finishStarting(trial)
    case .probing: finishProbing(trial)
    case .moving: finishMoving(trial)
    }
    return decision
  }

  /// `GetObsRttInflation`: seconds that the round trip grows in a second.
  ///
  /// Of the means of both halves and of the slope, what is nearer to 0; theirs also looks at how
  /// long the packets of a trial took to send, which a receiver cannot know.
  private static func growth(_ trips: [Double]) -> Double {
    let half = trips.count / 2
    guard half > 0 else { return 0 }
    let (early, late) = (trips[..<half], trips[half..<(2 * half)])
    let halves = 2 * (late.reduce(0, +) - early.reduce(0, +)) / Double(half) / trialSeconds
    let mean = trips.reduce(0, +) / Double(trips.count)
    // The middle as theirs has it.
    let middle = Double(trips.count) / 2
    var (product, square) = (0.0, 0.0)
    for (index, trip) in trips.enumerated() {
      product += (Double(index) - middle) * (trip - mean)
      square += (Double(index) - middle) * (Double(index) - middle)
    }
    let slope = product / square * Double(trips.count) / trialSeconds
    return abs(slope) < abs(halves) ? slope : halves
  }

  /// `StartingMonitorIntervalFinished`.
  private mutating func finishStarting(_ trial: Trial) {
    if let last, last.utility > trial.utility, last.poolSize < trial.poolSize {
      target = Double(last.poolSize)
      startProbing()
      return
    }
    last = trial
    if trial.poolSize >= maximum {
      startProbing()
    } else {
      move(by: target)
    }
  }

  /// `ProbingMonitorIntervalFinished` and `ProbingFinished`.
  private mutating func finishProbing(_ trial: Trial) {
    probes.append(trial)
    guard probes.count == 4 else { return }
    let (first, second) = (probes[0].gradient(to: probes[1]), probes[2].gradient(to: probes[3]))
    guard (first > 0) == (second > 0) else {
      startProbing()
      return
    }
    let wentUpTwice = wentUp && first > 0
    target = Double(probes[probes[0].utility > probes[1].utility ? 0 : 1].poolSize)
    last = probes[3]
    wentUp = first > 0
    gradient = second
    guard wentUpTwice else {
      startProbing()
      return
    }
    phase = .moving
    amplifier = Self.smallestAmplifier
    changeBound = Self.smallestChangeBound
    move(by: step())
  }

  /// `MovingMonitorIntervalFinished`.
  private mutating func finishMoving(_ trial: Trial) {
    guard let last else { return }
    gradient = trial.gradient(to: last)
    guard wentUp == (gradient >= 0) else {
      target = Double(last.poolSize)
      move(by: step())
      startProbing()
      return
    }
    self.last = trial
    move(by: step())
    if poolSize == trial.poolSize { startProbing() }
  }

  private mutating func startProbing() {
    phase = .probing
    probes = []
    isHighFirst.toggle()
  }

  /// `GetMovingStep`: along the gradient, further each time, within a bound that grows when it is
  /// met.
  private mutating func step() -> Double {
    var size = abs(gradient * Self.gradientStepFactor * amplifier)
    amplifier += 1
    let ratio = size / target
    if ratio > changeBound {
      size = changeBound * target
      changeBound += Self.changeBoundStep
    } else {
      changeBound = Self.smallestChangeBound
    }
    if ratio < Self.smallestChange { size = Self.smallestChange * target }
    size = max(1, size)
    return gradient >= 0 ? size : -size
  }

  private mutating func move(by step: Double) {
    target = min(Double(maximum), max(1, target + step))
  }

  private var poolSize: Int {
    let size = whole(target)
    guard phase == .probing else { return min(maximum, max(1, size)) }
    // High, low, low, high or the other way round: drift cancels.
    let isOuter = probes.count == 0 || probes.count >= 3
    let trial =
      isOuter == isHighFirst
      ? max(size + 1, whole(target * (1 + Self.probingStep)))
      : min(size - 1, whole(target * (1 - Self.probingStep)))
    return min(maximum, max(1, trial))
  }

  private var decision: PoolDecision {
    PoolDecision(poolSize: min(maximum, poolSize), reason: "paired trials")
  }
}
