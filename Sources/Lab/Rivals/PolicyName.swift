package import Tuning

/// The policies that a person can choose: Cairn's own, and what others do.
package enum PolicyName: String, CaseIterable, Sendable {
  /// The default: a hill climb that respects noise, with jumps along what it learned.
  case climb
  /// One worker.
  case one = "fixed-1"
  /// docker, containerd, Apple's container.
  case three = "fixed-3"
  /// skopeo, podman.
  case six = "fixed-6"
  /// Many tools' rule of thumb.
  case twicePerCPU = "2xcpu"
  /// aria2's formula.
  case aria2
  /// Falcon's hill climbing.
  case falconHillClimb = "falcon-hc"
  /// Falcon's gradient descent.
  case falconGradient = "falcon-gd"
  /// FastBioDL.
  case fastbiodl
  /// Hugging Face xet-core.
  case xet = "hf-xet"
  /// Additive increase, multiplicative decrease: Netflix's AIMDLimit.
  case aimd
  /// Netflix's Gradient2.
  case gradient2
  /// Paired trials in the style of PCC Vivace.
  case vivace

  /// What a policy may know before the pull.
  package struct Context: Sendable {
    /// CPUs that this process may use.
    package var cpus: Int
    /// Largest pool size that it may choose.
    package var maximum: Int
    /// What earlier pulls taught; nil: nothing.
    package var prior: Prior?

    /// Makes a context.
    package init(cpus: Int, maximum: Int = 64, prior: Prior? = nil) {
      self.cpus = cpus
      self.maximum = maximum
      self.prior = prior
    }
  }

  /// Makes the policy.
  ///
  /// - Parameter context: what it may know before the pull.
  package func make(_ context: Context) -> any Policy {
    let maximum = context.maximum
    switch self {
    case .climb:
      return OutageProof(ClimbPolicy(maximum: maximum, prior: context.prior))
    case .one: return FixedPolicy(poolSize: 1, reason: "always 1")
    case .three: return FixedPolicy(poolSize: min(3, maximum), reason: "always 3, as docker")
    case .six: return FixedPolicy(poolSize: min(6, maximum), reason: "always 6, as skopeo")
    case .twicePerCPU:
      return FixedPolicy(poolSize: min(maximum, 2 * context.cpus), reason: "2 x CPU")
    case .aria2: return AriaPolicy(maximum: maximum)
    case .falconHillClimb:
      return FalconPolicy(name: rawValue, search: .hillClimb, maximum: maximum)
    case .falconGradient:
      return FalconPolicy(name: rawValue, search: .gradient, maximum: maximum)
    case .fastbiodl: return FastBioDLPolicy(maximum: maximum)
    case .xet: return XetPolicy(maximum: maximum)
    case .aimd: return AIMDPolicy(maximum: maximum)
    case .gradient2: return GradientPolicy(maximum: maximum)
    case .vivace: return VivacePolicy(maximum: maximum)
    }
  }
}
