import OCI
import Testing

@Suite("Arithmetic on numbers from outside")
struct ClampedArithmeticTests {
  static let numbers: [Int64] = [.min, .min + 1, -512, -1, 0, 1, 511, 1 << 40, .max - 1, .max]

  @Test("gives the nearest number that fits", arguments: numbers, numbers)
  func clamps(left: Int64, right: Int64) {
    func nearest(_ value: Double) -> ClosedRange<Double> { (value - 2048)...(value + 2048) }
    let (a, b) = (Double(left), Double(right))
    for (result, exact) in [
      (left.addingClamped(right), a + b), (left.subtractingClamped(right), a - b),
      (left.multipliedClamped(by: right), a * b),
    ] {
      let bounded = max(Double(Int64.min), min(Double(Int64.max), exact))
      let error = max(2048, abs(bounded) / 1e12)
      #expect(abs(Double(result) - bounded) <= error, "\(left) \(right): \(result)")
    }
    #expect([left, right].clampedSum == left.addingClamped(right))
  }

  @Test("no variant of a platform is too large to be compared")
  func variants() throws {
    let names = ["v\(Int.max)", "v\(Int.min)", "v9999999999999999999999", "v", "v-1", "v8.5", "x"]
    for wanted in names {
      for offered in names {
        let left = Platform(os: "linux", architecture: "arm64", variant: wanted)
        let right = Platform(os: "linux", architecture: "arm64", variant: offered)
        let preference = left.preference(for: right)
        #expect(preference ?? 0 <= Platform.exactly)
        #expect(wanted != offered || preference == Platform.exactly)
      }
    }
  }

  @Test(
    "any number becomes a whole one, cut towards zero and to what fits",
    arguments: [
      (0.0, 0), (-0.0, 0), (1.9, 1), (-1.9, -1), (127, 127), (127.9, 127), (128, 127),
      (-128.9, -128),
      (-129, -128), (.infinity, 127), (-.infinity, -128), (.nan, 0), (.signalingNaN, 0),
      (1e308, 127),
      (-1e308, -128), (.leastNonzeroMagnitude, 0),
    ] as [(Double, Int8)])
  func clamps(number: Double, expected: Int8) {
    #expect(Int8(clamping: number) == expected)
    let wide = Int64(clamping: number)
    #expect(number.isNaN ? wide == 0 : number >= 0 ? wide >= 0 : wide <= 0)
    #expect(UInt8(clamping: number) == (number.isNaN || number < 0 ? 0 : UInt8(clamping: wide)))
  }
}
