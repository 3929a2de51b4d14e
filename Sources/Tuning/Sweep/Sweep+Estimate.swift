extension Sweep {
  /// What it says of the best pool size, by the estimator that reports and pulls use: they name the
  /// same best.
  ///
  /// Nil before the first pull. Its rates are not bytes per second: every pull fetched the same
  /// image, so that its time says all.
  package var estimate: PathEstimate? {
    let runs = runs.map {
      SweepEvidence.Run(poolSize: $0.poolSize, seconds: $0.seconds, bytes: 1 << 20)
    }
    guard let evidence = SweepEvidence(reference: reference, runs: runs, age: 0) else { return nil }
    var prior = Prior(points: [])
    prior.sweeps = [evidence]
    return PathEstimate(prior)
  }
}
