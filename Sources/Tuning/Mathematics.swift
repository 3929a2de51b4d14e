import Glibc

// The C library's elementary functions, named one by one: this file is the only one of a pure room that
// may import a library with effects, and it takes none of them.

func erf(_ value: Double) -> Double { Glibc.erf(value) }
func exp(_ value: Double) -> Double { Glibc.exp(value) }
func exp2(_ value: Double) -> Double { Glibc.exp2(value) }
func log(_ value: Double) -> Double { Glibc.log(value) }
func log10(_ value: Double) -> Double { Glibc.log10(value) }
func pow(_ base: Double, _ exponent: Double) -> Double { Glibc.pow(base, exponent) }

/// The nearest whole number, of any `Double`: what is no number becomes 0, what is too large a billion.
package func whole(_ value: Double) -> Int {
  guard !value.isNaN else { return 0 }
  return Int(max(-1e9, min(1e9, value)).rounded())
}
