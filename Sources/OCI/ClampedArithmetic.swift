/// Arithmetic for numbers from outside: a result that does not fit is the largest or smallest that does.
///
/// Sizes in documents, of files and of file systems may be anything, and the usual operators end the
/// process where a result does not fit.
extension Int64 {
  /// The sum, or the nearest number to it that fits.
  ///
  /// - Parameter other: what is added.
  package func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    guard overflow else { return sum }
    return other < 0 ? .min : .max
  }

  /// The difference, or the nearest number to it that fits.
  ///
  /// - Parameter other: what is taken away.
  package func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    guard overflow else { return difference }
    return other < 0 ? .max : .min
  }

  /// The product, or the nearest number to it that fits.
  ///
  /// - Parameter other: the factor.
  package func multipliedClamped(by other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    guard overflow else { return product }
    return (self < 0) == (other < 0) ? .max : .min
  }
}

extension Sequence<Int64> {
  /// The sum of all, or the nearest number to it that fits.
  package var clampedSum: Int64 { reduce(0) { $0.addingClamped($1) } }
}

extension FixedWidthInteger {
  /// The whole number below a number, or above a negative one; the nearest that fits, and 0 for
  /// what is no number.
  ///
  /// - Parameter value: for example seconds that a server named.
  package init(clamping value: Double) {
    if let fits = Self(exactly: value.rounded(.towardZero)) {
      self = fits
    } else {
      self = value.isNaN ? 0 : value < 0 ? .min : .max
    }
  }
}
