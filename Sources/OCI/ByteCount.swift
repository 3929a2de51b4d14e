/// Sizes for people, in powers of 1024.
package enum ByteCount {
  /// For example `3.2 MiB`.
  ///
  /// - Parameter bytes: a size in bytes.
  package static func text(_ bytes: Int64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(bytes)
    var unit = 0
    while abs(value) >= 1023.5, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return "\(bytes) B" }
    let rounded = value < 99.95 ? (value * 10).rounded() / 10 : value.rounded()
    return rounded < 100 ? "\(rounded) \(units[unit])" : "\(Int(clamping: rounded)) \(units[unit])"
  }

  /// Parses a size such as `20G`, `512k`, `1.5MiB`, `10MB` or `4096`; letters mean powers of 1024.
  ///
  /// - Parameter text: a number and an optional unit.
  /// - Returns: bytes; nil for anything else, and for what does not fit.
  package static func parse(_ text: String) -> Int64? {
    let number = text.prefix { $0.isNumber || $0 == "." }
    let unit = text[number.endIndex...].lowercased()
    guard let value = Double(number), value >= 0 else { return nil }
    let letters = ["", "k", "m", "g", "t"]
    for (power, letter) in letters.enumerated() {
      let names = letter.isEmpty ? ["", "b"] : [letter, letter + "b", letter + "ib"]
      guard names.contains(unit) else { continue }
      let bytes = value * Double(Int64(1) << (10 * power))
      return bytes < 9e18 ? Int64(bytes) : nil
    }
    return nil
  }
}
