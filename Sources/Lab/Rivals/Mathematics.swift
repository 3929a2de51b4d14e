import Glibc

// The C library's elementary functions, named one by one; see the file of the same name in Tuning.

func erf(_ value: Double) -> Double { Glibc.erf(value) }
func exp(_ value: Double) -> Double { Glibc.exp(value) }
func exp2(_ value: Double) -> Double { Glibc.exp2(value) }
func log(_ value: Double) -> Double { Glibc.log(value) }
func log10(_ value: Double) -> Double { Glibc.log10(value) }
func pow(_ base: Double, _ exponent: Double) -> Double { Glibc.pow(base, exponent) }
