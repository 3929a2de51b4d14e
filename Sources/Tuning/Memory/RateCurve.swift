/// Throughput against pool size on one path: where it is best, how sure that is, and a curve through it.
public struct RateCurve: Sendable, Equatable {
  /// Throughput at each measured pool size, smallest first.
  public let points: [Prior.Point]
  /// The smallest pool size about as fast as the best.
  public let optimum: Int
  /// Pool sizes that may be that, given how much the measurements scatter.
  public let interval: ClosedRange<Int>
  /// Bytes per second at the optimum.
  public let rate: Double
  private let coefficients: Coefficients?

  private struct Coefficients: Equatable {
    var a: Double
    var b: Double
    var c: Double
  }

  /// Standard errors on either side of a 95 % interval.
  private static let sigmas = 1.96
  /// What a pool size may bring less than the best to be as good.
  private static let tolerance = 0.97

  /// Reads a prior; nil where nothing was measured.
  public init?(_ prior: Prior) {
    guard let known = KnownPath(prior),
      let chosen = prior.points.first(where: { $0.poolSize == known.poolSize })
        ?? prior.points.first
    else { return nil }
    points = prior.points
    optimum = chosen.poolSize
    rate = chosen.rate
    let best = known.rate
    let candidates = prior.points.filter {
      !$0.isBound && $0.logRate + Self.sigmas * $0.standardError() >= log(Self.tolerance * best)
    }.map(\.poolSize)
    interval =
      min(candidates.min() ?? optimum, optimum)...max(candidates.max() ?? optimum, optimum)
    coefficients = Self.fit(prior.points.filter { !$0.isBound })
  }

  /// From and to where a point's rate lies with 95 % confidence, in bytes per second.
  public static func spread(of point: Prior.Point) -> ClosedRange<Double> {
    let error = sigmas * point.standardError()
    return exp(point.logRate - error)...exp(point.logRate + error)
  }

  /// Bytes per second at any pool size by the curve; nil where too few sizes were measured for one.
  ///
  /// `T(n) = n / sqrt(a n^2 + b n + c)` (Yildirim et al., TPDS 22(12)).
  public func fitted(at size: Int) -> Double? {
    guard let coefficients else { return nil }
    let n = Double(size)
    let square = coefficients.a * n * n + coefficients.b * n + coefficients.c
    return square > 0 ? n / square.squareRoot() : nil
  }

  /// Bytes per second at a pool size: measured, else by the curve.
  public func rate(at size: Int) -> Double? {
    points.first { $0.poolSize == size }?.rate ?? fitted(at: size)
  }

  /// Least squares on `n^2 / T^2 = a n^2 + b n + c`, each point weighted by what is behind it and by the
  /// size of its left side, so that relative errors count.
  private static func fit(_ points: [Prior.Point]) -> Coefficients? {
    guard points.count >= 3 else { return nil }
    let scale = points.map(\.rate).max() ?? 1
    var matrix = [[Double]](repeating: [0, 0, 0, 0], count: 3)
    for point in points {
      let n = Double(point.poolSize)
      let left = n * n * scale * scale / (point.rate * point.rate)
      let row = [n * n, n, 1, left]
      let weight = point.weight / (left * left)
      for i in 0..<3 { for j in 0..<4 { matrix[i][j] += weight * row[i] * row[j] } }
    }
    guard let solved = solve(matrix) else { return nil }
    let unit = scale * scale
    return Coefficients(a: solved[0] / unit, b: solved[1] / unit, c: solved[2] / unit)
  }

  /// Gaussian elimination with pivots; nil for a singular system.
  private static func solve(_ system: [[Double]]) -> [Double]? {
    var rows = system
    for column in 0..<3 {
      guard let pivot = (column..<3).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }),
        abs(rows[pivot][column]) > 1e-12
      else { return nil }
      rows.swapAt(column, pivot)
      for row in 0..<3 where row != column {
        let factor = rows[row][column] / rows[column][column]
        for index in column..<4 { rows[row][index] -= factor * rows[column][index] }
      }
    }
    return (0..<3).map { rows[$0][3] / rows[$0][$0] }
  }
}
