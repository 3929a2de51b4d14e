/// Finds runs of combining marks in JSON, where a mark can stand as `\u0301`, too.
struct JSONMarks {
  private let scalars: String.UnicodeScalarView

  init(_ scalars: String.UnicodeScalarView) { self.scalars = scalars }

  /// Whether something has to be left out.
  var hasLongRun: Bool {
    mutating get {
      var isLong = false
      walk { _, isKept in if !isKept { isLong = true } }
      return isLong
    }
  }

  /// The text without what has to be left out.
  var bounded: String {
    mutating get {
      var kept = String.UnicodeScalarView()
      walk { part, isKept in if isKept { kept.append(contentsOf: part) } }
      return String(kept)
    }
  }

  /// Goes through the text: each scalar, or each escape as a whole.
  private func walk(_ body: (Substring.UnicodeScalarView, _ isKept: Bool) -> Void) {
    var runs = MarkRuns()
    var place = scalars.startIndex
    while place < scalars.endIndex {
      let start = place
      let scalar = scalars[place]
      scalars.formIndex(after: &place)
      guard scalar == "\\" else {
        body(scalars[start..<place], runs.keeps(scalar))
        continue
      }
      let escaped = escape(&place)
      body(scalars[start..<place], runs.keeps(escaped))
    }
  }

  /// What an escape stands for, and moves behind it; where it is none, a letter.
  private func escape(_ place: inout String.Index) -> Unicode.Scalar {
    guard place < scalars.endIndex else { return "x" }
    let kind = scalars[place]
    scalars.formIndex(after: &place)
    guard kind == "u", let unit = unit(&place) else { return "x" }
    guard unit & 0xFC00 == 0xD800 else { return Unicode.Scalar(unit) ?? "x" }
    // A scalar beyond the first 65,536 takes two.
    var next = place
    guard next < scalars.endIndex, scalars[next] == "\\" else { return "x" }
    scalars.formIndex(after: &next)
    guard next < scalars.endIndex, scalars[next] == "u" else { return "x" }
    scalars.formIndex(after: &next)
    guard let low = self.unit(&next), low & 0xFC00 == 0xDC00 else { return "x" }
    place = next
    let bits = UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF)
    return Unicode.Scalar(0x10000 + bits) ?? "x"
  }

  /// Four hexadecimal digits, and moves behind them; nil where there are none, and stays.
  private func unit(_ place: inout String.Index) -> UInt16? {
    var next = place
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard next < scalars.endIndex,
        let digit = Character(scalars[next]).hexDigitValue.flatMap({ UInt16(exactly: $0) })
      else { return nil }
      value = value << 4 | digit
      scalars.formIndex(after: &next)
    }
    place = next
    return value
  }
}
