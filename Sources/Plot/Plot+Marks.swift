/// Lines that mark places on the `x` axis, and their labels above the frame.
extension Plot {
  /// A label's place: from where to where it reaches.
  private func span(_ mark: Mark, _ ticks: Ticks) -> ClosedRange<Double> {
    let at = x(mark.x, ticks)
    let width = 7.2 * Double(mark.label.count) + 5
    let isRight = at + width > size.width
    return isRight ? min(at, max(0, at - width))...at : at...(at + width)
  }

  /// Rows above the frame in which labels stand beside each other, and each mark's row: no label
  /// stands on points or on another.
  var markRows: (rows: Int, row: [Int]) {
    let ticks = xTicks
    var taken: [[ClosedRange<Double>]] = []
    var rows = [Int](repeating: 0, count: marks.count)
    // From the right, so that the line of one that stands higher passes beside the labels below it.
    for index in marks.indices.sorted(by: { marks[$0].x > marks[$1].x }) {
      let span = span(marks[index], ticks)
      let row = taken.firstIndex { !$0.contains { $0.overlaps(span) } } ?? taken.count
      if row == taken.count { taken.append([]) }
      taken[row].append(span)
      rows[index] = row
    }
    return (taken.count, rows)
  }

  func mark(_ mark: Mark, row: Int, _ ticks: Ticks) -> String {
    let at = x(mark.x, ticks)
    let isRight = span(mark, ticks).upperBound == at
    let height = top - 5 - 16 * Double(row)
    return
      #"<path d="M\#(number(at)) \#(number(height - 9))V\#(number(size.height - Self.bottom))" "#
      + #"stroke="\#(palette.faint)" stroke-dasharray="5 4" fill="none"/>"#
      + text(
        mark.label, x: at + (isRight ? -5 : 5), y: height, anchor: isRight ? "end" : "start",
        colour: palette.faint)
  }
}
