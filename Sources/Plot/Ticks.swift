/// Round numbers along an axis.
struct Ticks: Sendable {
  /// The numbers, ascending.
  let values: [Double]
  private let low: Double
  private let high: Double

  /// - Parameters:
  ///   - data: what must fit; without any, from 0 to 1.
  ///   - whole: whether only whole numbers mean something there.
  init(_ data: [Double], whole: Bool = false) {
    // Beyond these, neighbours are no longer told apart.
    let finite = data.filter { abs($0) <= 1e15 }
    var low = finite.min() ?? 0
    var high = finite.max() ?? 1
    if high <= low { (low, high) = (min(0, low), max(1, high)) }
    let step = max(whole ? 1 : 0, Self.step(for: (high - low) / 6))
    low = (low / step).rounded(.down) * step
    high = (high / step).rounded(.up) * step
    self.low = low
    self.high = high
    let count = Int(((high - low) / step).rounded())
    values = (0...count).map { low + Double($0) * step }
  }

  /// - Parameter places: so many named places, at 1, 2, …
  init(places: Int) {
    low = 0.5
    high = Double(places) + 0.5
    values = (0..<places).map { Double($0 + 1) }
  }

  /// The smallest of 1, 2, 5 times a power of ten that is at least `wanted`.
  private static func step(for wanted: Double) -> Double {
    var power = 1.0
    while power < wanted { power *= 10 }
    while power > wanted { power /= 10 }
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= wanted } ?? 10 * power
  }

  /// Where a value stands, 0 to 1.
  func share(of value: Double) -> Double { (value - low) / (high - low) }

  /// The value in as few digits as its neighbours need.
  func label(_ value: Double) -> String {
    let step = values.count > 1 ? values[1] - values[0] : 1
    if step >= 1 { return "\(Int(value.rounded()))" }
    let digits = step >= 0.1 ? 10.0 : step >= 0.01 ? 100.0 : 1_000.0
    return "\((value * digits).rounded() / digits)"
  }
}
