/// How likely each shape of `CurveFamily` is, given the evidence; and so how likely each pool size
/// is the smallest within 2 % of the best.
struct Posterior: Sendable {
  /// By shape.
  private let weights: [Double]
  /// The logarithm of the scale, by shape.
  private let scales: [Double]
  /// How likely each of `CurveFamily.sizes` is, up to the largest that can be chosen.
  let chances: [Double]

  /// Deviation of real paths from the shapes.
  static let departure = 0.015
  /// Deviation of a bound's logarithm: it is the highest of several.
  private static let boundScatter = 0.1

  /// Reckons; nil where nothing was measured.
  init?(_ evidence: Evidence) {
    guard !evidence.readings.isEmpty else { return nil }
    let shapes = CurveFamily.all
    let readings = evidence.readings.map { reading in
      (
        place: CurveFamily.place(of: reading.poolSize), logRate: reading.logRate,
        precision: 1 / (reading.noise(among: evidence.readings) + Self.departure * Self.departure)
      )
    }
    let total = readings.reduce(0) { $0 + $1.precision }
    var scales = [Double](repeating: 0, count: shapes.count)
    var misfits = scales
    for (index, shape) in shapes.enumerated() {
      var (sum, squares) = (0.0, 0.0)
      for reading in readings {
        let rest = reading.logRate - shape.logRate(at: reading.place)
        sum += reading.precision * rest
        squares += reading.precision * rest * rest
      }
      scales[index] = sum / total
      misfits[index] = max(0, squares - sum * sum / total)
    }
    // Where no shape fits, measurements are worth less than they seem.
    let freedom = Double(max(1, readings.count - 3))
    let inflation = max(1, (misfits.min() ?? 0) / freedom)
    let bounds = evidence.bounds.map { (CurveFamily.place(of: $0.poolSize), $0) }
    let width = (inflation / total + Self.boundScatter * Self.boundScatter).squareRoot()
    var logs = misfits
    for (index, shape) in shapes.enumerated() {
      logs[index] = log(shape.prior) - misfits[index] / inflation / 2
      for (place, bound) in bounds {
        let room = scales[index] + shape.logRate(at: place) - bound.logRate
        logs[index] += bound.weight * log(max(1e-6, Self.normal(room / width)))
      }
    }
    let most = logs.max() ?? 0
    let parts = logs.map { exp($0 - most) }
    let sum = parts.reduce(0, +)
    weights = parts.map { $0 / sum }
    self.scales = scales
    let last = CurveFamily.place(of: evidence.most).index
    var chances = [Double](repeating: 0, count: last + 1)
    for (shape, weight) in zip(shapes, weights) { chances[shape.smallest[last]] += weight }
    self.chances = chances
  }

  /// The normal distribution.
  private static func normal(_ value: Double) -> Double {
    0.5 * (1 + erf(value / 2.0.squareRoot()))
  }

  /// The pool size below or at which the smallest good one lies with a probability.
  func quantile(_ probability: Double) -> Int {
    var sum = 0.0
    for (place, chance) in chances.enumerated() {
      sum += chance
      if sum >= probability { return CurveFamily.sizes[place] }
    }
    return CurveFamily.sizes[chances.count - 1]
  }

  /// How likely the smallest good pool size is above a size.
  func chance(above size: Int) -> Double {
    zip(CurveFamily.sizes, chances).reduce(0) { $0 + ($1.0 > size ? $1.1 : 0) }
  }

  /// The mean of the logarithm of bytes per second at a pool size.
  func logRate(at size: Int) -> Double {
    let place = CurveFamily.place(of: size)
    return zip(CurveFamily.all, zip(scales, weights)).reduce(0) { sum, part in
      let (shape, (scale, weight)) = part
      return weight > 0 ? sum + weight * (scale + shape.logRate(at: place)) : sum
    }
  }

  /// Bytes per second at a pool size: the middle, and from and to where it lies with a probability of 90 %.
  func rate(at size: Int) -> (middle: Double, range: ClosedRange<Double>) {
    let place = CurveFamily.place(of: size)
    let values = zip(CurveFamily.all, zip(scales, weights)).compactMap { shape, rest in
      rest.1 > 1e-7 ? (value: rest.0 + shape.logRate(at: place), weight: rest.1) : nil
    }.sorted { $0.value < $1.value }
    var sum = 0.0
    var found: [Double] = []
    for (value, weight) in values {
      sum += weight
      while found.count < 3, sum >= [0.05, 0.5, 0.95][found.count] { found.append(value) }
    }
    let last = values.last?.value ?? 0
    while found.count < 3 { found.append(last) }
    return (exp(found[1]), exp(found[0])...exp(found[2]))
  }
}
