import Glibc

// The C library's elementary functions, named one by one; see the file of the same name in Tuning.

func exp(_ value: Double) -> Double { Glibc.exp(value) }
func log(_ value: Double) -> Double { Glibc.log(value) }
func cbrt(_ value: Double) -> Double { Glibc.cbrt(value) }
