import Text

/// A plot of one quantity against another, drawn as SVG text.
package struct Plot: Sendable {
  /// A point with its spread.
  package struct Point: Sendable {
    /// Where it stands.
    package var x: Double
    /// How high.
    package var y: Double
    /// From and to where its spread reaches; nil: none is known.
    package var spread: ClosedRange<Double>?

    /// Makes a point.
    package init(x: Double, y: Double, spread: ClosedRange<Double>? = nil) {
      self.x = x
      self.y = y
      self.spread = spread
    }
  }

  /// Points that belong together.
  package struct Series: Sendable {
    /// How they are drawn.
    package enum Style: Sendable {
      /// Marks, with bars for their spread.
      case points
      /// A line through them.
      case line
      /// The area of their spreads, behind a line through them.
      case band
      /// Marks that point upwards: it was at least so much.
      case bounds
    }

    /// What the legend says.
    package var name: String
    /// How they are drawn.
    package var style: Style
    /// The points, by `x`.
    package var points: [Point]
    /// Which of the palette's colours, from 0; nil: the series' own place.
    package var colour: Int?

    /// Makes a series.
    package init(name: String, style: Style, points: [Point]) {
      self.name = name
      self.style = style
      self.points = points
    }
  }

  /// A vertical line that marks a place on the `x` axis.
  package struct Mark: Sendable {
    /// Where it stands.
    package var x: Double
    /// What is written beside it.
    package var label: String

    /// Makes a mark.
    package init(x: Double, label: String) {
      self.x = x
      self.label = label
    }
  }

  /// What is written above it.
  package var title: String
  /// What is written below the `x` axis.
  package var xLabel: String
  /// What is written beside the `y` axis.
  package var yLabel: String
  /// What is drawn.
  package var series: [Series]
  /// Places that are marked.
  package var marks: [Mark] = []
  /// Names of the places 1, 2, … on the `x` axis; empty: they are numbers.
  package var names: [String] = []

  /// Makes a plot.
  package init(
    title: String, xLabel: String, yLabel: String, series: [Series], marks: [Mark] = [],
    names: [String] = []
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.marks = marks
    self.names = names
  }

  /// Width and height in pixels.
  package var size = (width: 760.0, height: 440.0)
  /// Its colours.
  package var palette = Palette.paper

  // MARK: Drawing

  static let left = 70.0
  private static let right = 24.0
  var top: Double {
    titleEnd + 38 + 16 * Double(legendRows - 1) + 16 * Double(markRows.rows)
  }
  static let bottom = 56.0

  /// The whole drawing.
  package var svg: String {
    let all = series.flatMap(\.points)
    let xTicks = xTicks
    let yTicks = Ticks(all.flatMap { [$0.y, $0.spread?.upperBound ?? $0.y] } + [0])
    var parts = [
      #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(Int(size.width))" height="\#(Int(size.height))" "#
        + #"viewBox="0 0 \#(Int(size.width)) \#(Int(size.height))" font-family="sans-serif" font-size="13">"#,
      palette.paper.map { #"<rect width="100%" height="100%" fill="\#($0)"/>"# } ?? "",
    ]
    parts += titleLines.enumerated().map { row, line in
      text(line, x: Self.left, y: 24 + 20 * Double(row), anchor: "start", size: 16)
    }
    parts += axes(xTicks, yTicks)
    parts += zip(marks, markRows.row).map { mark($0, row: $1, xTicks) }
    for (index, one) in series.enumerated() {
      parts.append(draw(one, colour(index), xTicks, yTicks))
    }
    parts += legend()
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  /// Along the `x` axis: numbers of things have no fractions.
  var xTicks: Ticks {
    guard names.isEmpty else { return Ticks(places: names.count) }
    let all = series.flatMap(\.points).map(\.x) + marks.map(\.x)
    return Ticks(all, whole: all.allSatisfy { $0 == $0.rounded() })
  }

  func x(_ value: Double, _ ticks: Ticks) -> Double {
    Self.left + ticks.share(of: value) * (size.width - Self.left - Self.right)
  }

  private func y(_ value: Double, _ ticks: Ticks) -> Double {
    size.height - Self.bottom - ticks.share(of: value) * (size.height - top - Self.bottom)
  }

  private func axes(_ xTicks: Ticks, _ yTicks: Ticks) -> [String] {
    var parts: [String] = []
    let floor = size.height - Self.bottom
    for value in yTicks.values {
      let at = y(value, yTicks)
      parts.append(line(Self.left, at, size.width - Self.right, at, palette.grid))
      parts.append(text(yTicks.label(value), x: Self.left - 8, y: at + 4, anchor: "end"))
    }
    for value in xTicks.values {
      let at = x(value, xTicks)
      parts.append(line(at, floor, at, floor + 5, palette.faint))
      guard !names.isEmpty else {
        parts.append(text(xTicks.label(value), x: at, y: floor + 20, anchor: "middle"))
        continue
      }
      // Two rows, so that neighbours do not touch.
      let index = Int(value) - 1
      let row = floor + 18 + (names.count > 8 && index % 2 == 1 ? 15 : 0)
      parts.append(text(names[index], x: at, y: row, anchor: "middle", size: 12))
    }
    parts.append(line(Self.left, floor, size.width - Self.right, floor, palette.faint))
    parts.append(line(Self.left, top, Self.left, floor, palette.faint))
    parts.append(
      text(
        xLabel, x: (Self.left + size.width - Self.right) / 2, y: size.height - 14, anchor: "middle")
    )
    let middle = number((top + floor) / 2)
    parts.append(
      #"<text x="18" y="\#(middle)" text-anchor="middle" fill="\#(palette.ink)" transform="rotate(-90 18 \#(middle))">"#
        + yLabel.escapedForMarkup + "</text>")
    return parts
  }

  private func draw(_ series: Series, _ colour: String, _ xTicks: Ticks, _ yTicks: Ticks) -> String
  {
    switch series.style {
    case .line:
      let path = series.points.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(number(x(point.x, xTicks))) \(number(y(point.y, yTicks)))"
      }
      return #"<path d="\#(path.joined())" fill="none" stroke="\#(colour)" stroke-width="2"/>"#
    case .band:
      let spreads = series.points.compactMap { point in point.spread.map { (point.x, $0) } }
      let edge =
        spreads.map { ($0.0, $0.1.upperBound) } + spreads.reversed().map { ($0.0, $0.1.lowerBound) }
      let area = edge.enumerated().map { index, corner in
        "\(index == 0 ? "M" : "L")\(number(x(corner.0, xTicks))) \(number(y(corner.1, yTicks)))"
      }
      let middle = Series(name: series.name, style: .line, points: series.points)
      return #"<path d="\#(area.joined())Z" fill="\#(colour)" fill-opacity="0.15"/>"#
        + draw(middle, colour, xTicks, yTicks)
    case .bounds:
      return series.points.map { dot(.bounds, x($0.x, xTicks), y($0.y, yTicks), colour) }
        .joined(separator: "\n")
    case .points:
      return series.points.map { point in
        let (px, py) = (x(point.x, xTicks), y(point.y, yTicks))
        var parts = ""
        if let spread = point.spread {
          // Seconds below zero mean nothing, and nothing is drawn outside the frame.
          let (bottom, top) = (yTicks.values.first ?? 0, yTicks.values.last ?? 0)
          let low = y(min(top, max(bottom, spread.lowerBound)), yTicks)
          let high = y(min(top, max(bottom, spread.upperBound)), yTicks)
          parts += line(px, low, px, high, colour)
          parts += line(px - 4, low, px + 4, low, colour)
          parts += line(px - 4, high, px + 4, high, colour)
        }
        return parts
          + dot(.points, px, py, colour)
      }.joined(separator: "\n")
    }
  }

  /// Rows that the legend takes, at least one.
  private var legendRows: Int {
    var (x, rows) = (Self.left, 1)
    for name in series.map(\.name) where !name.isEmpty {
      let width = 46 + 7.2 * Double(name.count)
      if x > Self.left, x + width > size.width { (x, rows) = (Self.left, rows + 1) }
      x += width
    }
    return rows
  }

  private func legend() -> [String] {
    guard series.count(where: { !$0.name.isEmpty }) > 1 else { return [] }
    // In the band under the title, side by side, where nothing is drawn.
    var x = Self.left
    var y = titleEnd + 6
    var parts: [String] = []
    for (index, one) in series.enumerated() where !one.name.isEmpty {
      let width = 46 + 7.2 * Double(one.name.count)
      if x > Self.left, x + width > size.width {
        x = Self.left
        y += 16
      }
      let at = y + 16
      let colour = colour(index)
      parts.append(
        one.style == .line || one.style == .band
          ? line(x, at - 4, x + 18, at - 4, colour, width: 2)
          : dot(one.style, x + 9, at - 4, colour))
      parts.append(text(one.name, x: x + 26, y: at, anchor: "start"))
      x += width
    }
    return parts
  }

  // MARK: Elements

  private func colour(_ index: Int) -> String {
    let place = series[index].colour ?? index
    return palette.series.isEmpty ? palette.ink : palette.series[place % palette.series.count]
  }

  private func dot(_ style: Series.Style, _ x: Double, _ y: Double, _ colour: String) -> String {
    style == .bounds
      ? #"<path d="M\#(number(x - 5)) \#(number(y))L\#(number(x)) \#(number(y - 8))L\#(number(x + 5)) "#
        + #"\#(number(y))Z" fill="none" stroke="\#(colour)"/>"#
      : #"<circle cx="\#(number(x))" cy="\#(number(y))" r="4" fill="\#(colour)"/>"#
  }

  private func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, width: Double = 1
  ) -> String {
    #"<path d="M\#(number(x1)) \#(number(y1))L\#(number(x2)) \#(number(y2))" stroke="\#(colour)" "#
      + #"stroke-width="\#(number(width))" fill="none"/>"#
  }

  func text(
    _ content: String, x: Double, y: Double, anchor: String, size: Double = 13,
    colour: String? = nil
  ) -> String {
    #"<text x="\#(number(x))" y="\#(number(y))" text-anchor="\#(anchor)" font-size="\#(number(size))" "#
      + #"fill="\#(colour ?? palette.ink)">\#(content.escapedForMarkup)</text>"#
  }

  func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }
}
